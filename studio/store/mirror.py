"""What was last written to each page's file under `manuscript/`. The files are in `studio.workspace`."""

from __future__ import annotations

from studio.store import sql
from studio.store.transaction import Tx

_PUT = sql.upsert("mirror_state", "page_id path digest updated_at", "page_id")


def get(tx: Tx, page_id: str) -> tuple[str, str] | None:
    """(path, digest)."""
    row = tx.one("SELECT path, digest FROM mirror_state WHERE page_id = $1", page_id)
    return None if row is None else (str(row[0]), str(row[1]))


def put(tx: Tx, page_id: str, path: str, digest: str) -> None:
    tx.run(_PUT, page_id, path, digest, tx.now)


def remove(tx: Tx, page_id: str) -> None:
    tx.run("DELETE FROM mirror_state WHERE page_id = $1", page_id)


def all(tx: Tx) -> dict[str, tuple[str, str]]:
    """(path, digest) by page."""
    return {row[0]: (row[1], row[2]) for row in tx.all("SELECT page_id, path, digest FROM mirror_state ORDER BY path")}
