"""Chapters of the book, in order."""

from __future__ import annotations

from collections.abc import Sequence

from studio.domain.errors import NotFound
from studio.domain.page import Chapter
from studio.store import sql
from studio.store.naming import free_slug, nearby, shown
from studio.store.ordering import whole_order
from studio.store.transaction import Tx

_COLUMNS = "id slug position title created_at archived"
_INSERT = sql.insert("chapters", _COLUMNS)
_SELECT = f"SELECT {sql.names(_COLUMNS)} FROM chapters"


def insert(tx: Tx, chapter: Chapter) -> None:
    """Raises Conflict for an id that is there already."""
    tx.run(_INSERT, chapter.id, chapter.slug, chapter.position, chapter.title, chapter.created_at, chapter.archived)


def get(tx: Tx, chapter_id: str) -> Chapter:
    row = tx.one(f"{_SELECT} WHERE id = $1", chapter_id)
    if row is None:
        raise NotFound(f"There is no chapter {shown(chapter_id)!r}.")
    return Chapter(*row)


def listing(tx: Tx, archived: bool = False) -> list[Chapter]:
    """By position; a chapter's number is its place in this list, from 1."""
    where = "" if archived else " WHERE NOT archived"
    return [Chapter(*row) for row in tx.all(f"{_SELECT}{where} ORDER BY position, id")]


def rename(tx: Tx, chapter_id: str, title: str) -> None:
    get(tx, chapter_id)
    tx.run("UPDATE chapters SET title = $2 WHERE id = $1", chapter_id, title)


def reorder(tx: Tx, ids: Sequence[str]) -> None:
    """Put the chapters in the order of `ids`; any not named keep their order behind them. Raises BadInput for a stranger."""
    order = whole_order(ids, [chapter.id for chapter in listing(tx, archived=True)], "chapter")
    tx.run(sql.reposition("chapters"), order, list(range(1, len(order) + 1)))


def unique_slug(tx: Tx, wanted: str) -> str:
    """A slug for a new chapter, free in the book."""
    return free_slug(wanted, {row[0] for row in tx.all("SELECT slug FROM chapters")}, "chapter")


def resolve(tx: Tx, ref: str) -> Chapter:
    """The chapter of an id, a slug, a number from 1 or an exact title. Raises NotFound with what there is nearby."""
    everyone, numbered = listing(tx, archived=True), listing(tx)
    ref = ref.strip()
    for chapter in everyone:
        if ref in (chapter.id, chapter.slug):
            return chapter
    if ref.isdecimal() and 0 < int(ref[:9]) <= len(numbered):
        return numbered[int(ref) - 1]
    for chapter in (*numbered, *everyone):
        if ref.casefold() == chapter.title.strip().casefold():
            return chapter
    there = f"The book has {len(numbered)} chapter{'s' if len(numbered) != 1 else ''}."
    otherwise = (
        f"{there} Name one by number, slug or title." if numbered else "The book has no chapters yet; add one first."
    )
    raise NotFound(f"There is no chapter {shown(ref)!r}.", hint=nearby(ref, (c.slug for c in everyone), otherwise))
