"""Where each author was last: one value per author."""

from __future__ import annotations

from studio.store import meta
from studio.store.transaction import Tx


def keep(tx: Tx, author: str, place: str) -> None:
    """`place` is JSON."""
    meta.put(tx, _key(author), place)


def get(tx: Tx, author: str) -> str | None:
    return meta.get(tx, _key(author))


def _key(author: str) -> str:
    return f"place:{author}"
