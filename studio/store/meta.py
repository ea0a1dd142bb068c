"""Single values about the project that belong to its database."""

from __future__ import annotations

from studio.store import sql
from studio.store.transaction import Tx

_ROW = sql.saving("project_meta", "key value", "key")


def get(tx: Tx, key: str) -> str | None:
    row = tx.one("SELECT value FROM project_meta WHERE key = $1", key)
    return None if row is None else str(row[0])


def put(tx: Tx, key: str, value: str) -> None:
    _ROW.put(tx, key, value)


def add(tx: Tx, key: str, value: str) -> None:
    """Raises Conflict for a key that is there already."""
    tx.run(_ROW.insert, key, value)


def remove(tx: Tx, key: str) -> None:
    tx.run("DELETE FROM project_meta WHERE key = $1", key)
