"""Revisions: immutable texts of the stages of pages."""

from __future__ import annotations

from collections.abc import Sequence

from studio.domain.errors import NotFound
from studio.domain.page import Origin, Revision
from studio.domain.run import Outcome
from studio.domain.text import counted
from studio.store import sql
from studio.store.naming import shown
from studio.store.transaction import Row, Tx

COLUMNS = (
    "id page_id stage number text digest origin author created_at outcome data model run_id parent_id feedback_id note"
)
_INSERT = sql.insert("page_revisions", f"{COLUMNS} made_at")
_SELECT = f"SELECT {sql.names(COLUMNS, 'r')} FROM page_revisions r"


def insert(tx: Tx, revision: Revision) -> None:
    """Raises Conflict for an id that is there already. Making it the stage's head is a second step (`pages.set_head`)."""
    tx.run(
        _INSERT,
        revision.id,
        revision.page_id,
        revision.stage,
        revision.number,
        revision.text,
        revision.digest,
        revision.origin,
        revision.author,
        revision.created_at,
        revision.outcome,
        revision.data,
        revision.model,
        revision.run_id,
        revision.parent_id,
        revision.feedback_id,
        revision.note,
        tx.seq,
    )


def next_number(tx: Tx, page_id: str, stage: str) -> int:
    row = tx.one(
        "SELECT coalesce(max(number), 0) FROM page_revisions WHERE page_id = $1 AND stage = $2", page_id, stage
    )
    return int(row[0]) + 1 if row else 1


def get(tx: Tx, revision_id: str) -> Revision:
    row = tx.one(f"{_SELECT} WHERE r.id = $1", revision_id)
    if row is None:
        raise NotFound(f"There is no revision {shown(revision_id)!r}.", hint="`history` lists the page's revisions.")
    return _revision(row)


def some(tx: Tx, revision_ids: Sequence[str]) -> dict[str, Revision]:
    """Those of the ids that there are, by id."""
    if not revision_ids:
        return {}
    condition, args = sql.among("r.id", revision_ids)
    rows = tx.all(f"{_SELECT} WHERE {condition}", *args)
    return {row[0]: _revision(row) for row in rows}


def in_order(tx: Tx, revision_ids: Sequence[str]) -> list[str]:
    """Those of the ids that there are in the order in which they were made, whatever the stage and the clock."""
    if not revision_ids:
        return []
    condition, args = sql.among("id", revision_ids)
    return [row[0] for row in tx.all(f"SELECT id FROM page_revisions WHERE {condition} ORDER BY made_at, id", *args)]


def newest(tx: Tx, page_id: str, stage: str) -> Revision | None:
    row = tx.one(f"{_SELECT} WHERE r.page_id = $1 AND r.stage = $2 ORDER BY r.number DESC LIMIT 1", page_id, stage)
    return None if row is None else _revision(row)


def head(tx: Tx, page_id: str, stage: str) -> Revision | None:
    """The revision that the stage shows and decides on; not always the newest one, since some are only kept beside it."""
    row = tx.one("SELECT revision_id FROM page_stages WHERE page_id = $1 AND stage = $2", page_id, stage)
    return None if row is None or row[0] is None else get(tx, row[0])


def approved(tx: Tx, page_id: str) -> dict[str, Revision]:
    """The approved revision of every stage of the page that has one."""
    rows = tx.all(
        f"SELECT {sql.names(COLUMNS, 'r')} FROM page_stages s JOIN page_revisions r ON r.id = s.approved_id "
        "WHERE s.page_id = $1",
        page_id,
    )
    return {found.stage: found for found in map(_revision, rows)}


def head_texts(tx: Tx, stage: str, pages: Sequence[str]) -> dict[str, str]:
    """The text of a stage's head by page, for those of the pages that have one."""
    return dict(
        tx.all(
            "SELECT s.page_id, r.text FROM page_stages s JOIN page_revisions r ON r.id = s.revision_id "
            "WHERE s.stage = $1 AND s.page_id = ANY($2::text[])",
            stage,
            list(pages),
        )
    )


def listing(tx: Tx, page_id: str, stage: str | None = None) -> list[Revision]:
    """Newest first, in an order that no clock that is set back can turn round."""
    if stage is None:
        rows = tx.all(f"{_SELECT} WHERE r.page_id = $1 ORDER BY r.made_at DESC, r.number DESC, r.id DESC", page_id)
    else:
        rows = tx.all(f"{_SELECT} WHERE r.page_id = $1 AND r.stage = $2 ORDER BY r.number DESC", page_id, stage)
    return [_revision(row) for row in rows]


def by_number(tx: Tx, page_id: str, stage: str, number: int) -> Revision:
    row = tx.one(f"{_SELECT} WHERE r.page_id = $1 AND r.stage = $2 AND r.number = $3", page_id, stage, number)
    if row is None:
        count = next_number(tx, page_id, stage) - 1
        raise NotFound(
            f"There is no revision {number} of {shown(stage)}.",
            hint=f"The stage has {counted(count, 'revision')}, from 1.",
        )
    return _revision(row)


def approved_ids(tx: Tx) -> dict[str, dict[str, str]]:
    """By page and stage, the id of each approved revision of the book."""
    found: dict[str, dict[str, str]] = {}
    for page_id, stage, revision_id in tx.all(
        "SELECT page_id, stage, approved_id FROM page_stages WHERE approved_id IS NOT NULL"
    ):
        found.setdefault(page_id, {})[stage] = revision_id
    return found


def approved_sections(tx: Tx, chapter_id: str | None = None) -> list[tuple[str, str, Revision]]:
    """(page, stage, approved revision) in book order; within a page oldest approved text first.

    Archived pages are left out.
    """
    rows = tx.all(
        f"SELECT {sql.names(COLUMNS, 'r')} FROM page_stages s JOIN page_revisions r ON r.id = s.approved_id "
        "JOIN story_pages p ON p.id = s.page_id JOIN chapters c ON c.id = p.chapter_id "
        "WHERE NOT p.archived AND NOT c.archived AND ($1::text IS NULL OR p.chapter_id = $1) "
        "ORDER BY c.position, c.id, p.position, p.id, r.made_at, r.id",
        chapter_id,
    )
    return [(found.page_id, found.stage, found) for found in map(_revision, rows)]


def _revision(row: Row) -> Revision:
    values = list(row)
    values[6], values[9] = Origin(row[6]), Outcome(row[9])
    return Revision(*values)
