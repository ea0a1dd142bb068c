"""What people said about revisions: requests to revise, and notes kept for the next revision."""

from __future__ import annotations

from collections.abc import Sequence

from studio.domain.errors import NotFound
from studio.domain.page import Feedback, FeedbackKind
from studio.store import sql
from studio.store.naming import shown
from studio.store.transaction import Row, Tx

_COLUMNS = "id page_id stage revision_id kind text author created_at quote used_by_run resolved"
_INSERT = sql.insert("user_feedback", _COLUMNS)
_SELECT = f"SELECT {sql.names(_COLUMNS)} FROM user_feedback"
_ORDER = "ORDER BY created_at, id"


def insert(tx: Tx, feedback: Feedback) -> None:
    tx.run(
        _INSERT,
        feedback.id,
        feedback.page_id,
        feedback.stage,
        feedback.revision_id,
        feedback.kind,
        feedback.text,
        feedback.author,
        feedback.created_at,
        feedback.quote,
        feedback.used_by_run,
        feedback.resolved,
    )


def get(tx: Tx, feedback_id: str) -> Feedback:
    row = tx.one(f"{_SELECT} WHERE id = $1", feedback_id)
    if row is None:
        raise NotFound(f"There is no comment {shown(feedback_id)!r}.")
    return _feedback(row)


def listing(tx: Tx, page_id: str, stage: str | None = None) -> list[Feedback]:
    """Oldest first."""
    rows = tx.all(f"{_SELECT} WHERE page_id = $1 AND ($2::text IS NULL OR stage = $2) {_ORDER}", page_id, stage)
    return [_feedback(row) for row in rows]


def open_notes(tx: Tx, page_id: str, stage: str) -> list[Feedback]:
    """What no finished run has been given and nobody has closed, oldest first: notes, and requests whose run came to nothing."""
    rows = tx.all(
        f"{_SELECT} WHERE page_id = $1 AND stage = $2 AND used_by_run IS NULL AND NOT resolved {_ORDER}", page_id, stage
    )
    return [_feedback(row) for row in rows]


def mark_used(tx: Tx, ids: Sequence[str], run_id: str) -> None:
    """Say that a run was given these; of a history that is replayed, the empty name of no run."""
    tx.run("UPDATE user_feedback SET used_by_run = $2 WHERE id = ANY($1::text[])", list(ids), run_id)


def reword(tx: Tx, feedback_id: str, text: str) -> None:
    """Other words for it. What it said before is for the caller to keep, in the event of the same transaction."""
    tx.run("UPDATE user_feedback SET text = $2 WHERE id = $1", feedback_id, text)


def resolve(tx: Tx, feedback_id: str, resolved: bool = True) -> None:
    get(tx, feedback_id)
    tx.run("UPDATE user_feedback SET resolved = $2 WHERE id = $1", feedback_id, resolved)


def _feedback(row: Row) -> Feedback:
    values = list(row)
    values[4] = FeedbackKind(row[4])
    return Feedback(*values)
