"""What each text was written for: the approved texts of the page's other stages as they were then. Which stage comes before which is
not known here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from studio.domain.page import Origin, Revision
from studio.store import sql
from studio.store.transaction import Tx

_INSERT = "INSERT INTO text_sources (page_id, revision_id, stage, source_id) "
_APPROVED_NOW = (
    f"{_INSERT} SELECT page_id, $1, stage, approved_id FROM page_stages "
    "WHERE page_id = $2 AND stage <> $3 AND approved_id IS NOT NULL"
)
_TOLD_TO_THE_MODEL = (
    f"{_INSERT} SELECT r.page_id, $1, l.name, max(r.id) FROM context_ledger l "
    "JOIN page_revisions r ON r.page_id = $2 AND r.stage = l.name AND r.digest = l.digest "
    "WHERE l.run_id = $3 AND l.kind = 'stage' GROUP BY r.page_id, l.name"
)
_AS_OF_ANOTHER = f"{_INSERT} SELECT page_id, $1, stage, source_id FROM text_sources WHERE revision_id = $2"
_CHANGED = (
    "SELECT s.page_id, s.stage, t.stage, t.source_id, e.approved_id FROM page_stages s "
    "JOIN text_sources t ON t.revision_id = s.revision_id "
    "JOIN page_stages e ON e.page_id = s.page_id AND e.stage = t.stage WHERE e.approved_id <> t.source_id"
)
# Of 10,000 pages: 10 ms for the book, 3 ms for a page that is named in each table.
_CHANGED_ON_PAGE = f"{_CHANGED} AND s.page_id = $1 AND t.page_id = $1 AND e.page_id = $1"


@dataclass(frozen=True, slots=True)
class Outdated:
    """The newest text of `stage` was written for a text of `source` that is no longer the approved one."""

    page_id: str
    stage: str
    source: str


def record(tx: Tx, revision: Revision) -> None:
    """Keep what a new text was written for: of a model's what its prompt held, of a restored one what the old one was written for,
    of any other what is approved now."""
    if revision.run_id is not None:
        tx.run(_TOLD_TO_THE_MODEL, revision.id, revision.page_id, revision.run_id)
    elif revision.origin is Origin.RESTORE and revision.parent_id is not None:
        tx.run(_AS_OF_ANOTHER, revision.id, revision.parent_id)
    else:
        tx.run(_APPROVED_NOW, revision.id, revision.page_id, revision.stage)


def agree(tx: Tx, revision: Revision) -> None:
    """A person approves the text with the page's other stages as they are now."""
    tx.run("DELETE FROM text_sources WHERE revision_id = $1", revision.id)
    tx.run(_APPROVED_NOW, revision.id, revision.page_id, revision.stage)


def outdated(tx: Tx, page_id: str | None = None) -> list[Outdated]:
    """Of a page or of the whole book. A source that was edited back to the same words is none."""
    rows = tx.all(_CHANGED) if page_id is None else tx.all(_CHANGED_ON_PAGE, page_id)
    known = _digests(tx, sorted({one for row in rows for one in row[3:]}))
    return [
        Outdated(page, stage, source)
        for page, stage, source, was, now in rows
        if known.get(was) != known.get(now)
    ]  # fmt: skip


def _digests(tx: Tx, revision_ids: Sequence[str]) -> dict[str, str]:
    if not revision_ids:
        return {}
    condition, args = sql.among("id", revision_ids)
    return dict(tx.all(f"SELECT id, digest FROM page_revisions WHERE {condition}", *args))
