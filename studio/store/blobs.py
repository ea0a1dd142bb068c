"""Texts kept once under the SHA-256 of their UTF-8: rendered prompts, canon bodies, templates."""

from __future__ import annotations

from collections.abc import Sequence

from studio.domain.errors import NotFound
from studio.domain.text import digest
from studio.store import sql
from studio.store.naming import shown
from studio.store.transaction import Tx

_ROWS = sql.adding("blobs", "digest:text text:text created_at:timestamp")


def name_of(text: str) -> str:
    """The digest under which `put` keeps a text."""
    return digest(text)


def put(tx: Tx, text: str) -> str:
    """Keep a text (once) and return its digest."""
    put_all(tx, [text])
    return name_of(text)


def put_all(tx: Tx, texts: Sequence[str]) -> None:
    """Keep texts, each once."""
    found = {name_of(text): text for text in texts}
    # Asked first: 0.7 ms with the insert, against 2.2 for ON CONFLICT.
    condition, args = sql.among("digest", list(found))
    known = {row[0] for row in tx.all(f"SELECT digest FROM blobs WHERE {condition}", *args)}
    _ROWS.put(tx, [(name, text, tx.now) for name, text in found.items() if name not in known])


def get(tx: Tx, name: str) -> str:
    row = tx.one("SELECT text FROM blobs WHERE digest = $1", name)
    if row is None:
        raise NotFound(f"No text is kept under {shown(name)!r}.")
    return str(row[0])
