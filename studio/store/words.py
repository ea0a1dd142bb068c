"""Words typed but not sent yet, per author and place."""

from __future__ import annotations

from studio.domain.page import Keepsake
from studio.store import sql
from studio.store.transaction import Tx

_COLUMNS = "author page_id place text base_revision updated_at"
_ROW = sql.saving("kept_words", _COLUMNS, "author page_id place")


def keep(tx: Tx, words: Keepsake) -> None:
    """Keep them in place of the earlier ones; an empty text forgets them."""
    if words.text:
        _ROW.put(tx, words.author, words.page_id, words.place, words.text, words.base_revision, words.updated_at)
        return
    tx.run(
        "DELETE FROM kept_words WHERE author = $1 AND page_id = $2 AND place = $3",
        words.author,
        words.page_id,
        words.place,
    )


def find(tx: Tx, author: str, page_id: str, place: str) -> str:
    """What is kept at one place, empty for nothing."""
    row = tx.one(
        "SELECT text FROM kept_words WHERE author = $1 AND page_id = $2 AND place = $3", author, page_id, place
    )
    return "" if row is None else str(row[0])


def listing(tx: Tx, author: str, page_id: str | None = None) -> list[Keepsake]:
    """Newest first; of one page or of the book."""
    rows = tx.all(
        f"SELECT {sql.names(_COLUMNS)} FROM kept_words WHERE author = $1 AND ($2::text IS NULL OR page_id = $2) "
        "ORDER BY updated_at DESC, page_id, place",
        author,
        page_id,
    )
    return [Keepsake(*row) for row in rows]
