"""Runs: one row per working of a stage. Changes of status are compare-and-set, so that a late worker changes nothing."""

from __future__ import annotations

from studio.domain.errors import NotFound
from studio.domain.run import Outcome, Run, RunKind, RunStatus
from studio.store import sql
from studio.store.naming import shown
from studio.store.transaction import Row, Tx

_COLUMNS = (
    "id page_id stage kind job_key status model started_at base_revision feedback_id template_digest prompt_digest "
    "revision_id partial outcome error_code error_message ended_at"
)
_INSERT = sql.insert("runs", _COLUMNS)
_SELECT = f"SELECT {sql.names(_COLUMNS)} FROM runs"
_LIVE = "status IN ('queued', 'running')"


def insert(tx: Tx, run: Run) -> None:
    tx.run(
        _INSERT,
        run.id,
        run.page_id,
        run.stage,
        run.kind,
        run.job_key,
        run.status,
        run.model,
        run.started_at,
        run.base_revision,
        run.feedback_id,
        run.template_digest,
        run.prompt_digest,
        run.revision_id,
        run.partial,
        run.outcome,
        run.error_code,
        run.error_message,
        run.ended_at,
    )


def find(tx: Tx, run_id: str) -> Run | None:
    row = tx.one(f"{_SELECT} WHERE id = $1", run_id)
    return None if row is None else _run(row)


def get(tx: Tx, run_id: str) -> Run:
    run = find(tx, run_id)
    if run is None:
        raise NotFound(f"There is no run {shown(run_id)!r}.")
    return run


def by_job(tx: Tx, key: str) -> Run | None:
    """The newest run of a job, if any."""
    row = tx.one(f"{_SELECT} WHERE job_key = $1 ORDER BY started_at DESC, id DESC LIMIT 1", key)
    return None if row is None else _run(row)


def live(tx: Tx) -> list[Run]:
    """Queued and running ones, oldest first."""
    return [_run(row) for row in tx.all(f"{_SELECT} WHERE {_LIVE} ORDER BY started_at, id")]


def is_live(tx: Tx, page_id: str) -> bool:
    """Whether a run of the page is queued or running."""
    return tx.one(f"SELECT id FROM runs WHERE page_id = $1 AND {_LIVE}", page_id) is not None


def listing(tx: Tx, page_id: str) -> list[Run]:
    """Newest first."""
    return [_run(row) for row in tx.all(f"{_SELECT} WHERE page_id = $1 ORDER BY started_at DESC, id DESC", page_id)]


def start(tx: Tx, run_id: str) -> bool:
    """Queued becomes running, timed from now. False when it is not queued any more: somebody else has it, or it was ended."""
    row = tx.one(
        "UPDATE runs SET status = 'running', started_at = $2 WHERE id = $1 AND status = 'queued' RETURNING id",
        run_id,
        tx.now,
    )
    return row is not None


def describe(tx: Tx, run_id: str, *, template_digest: str | None, prompt_digest: str | None) -> None:
    """Record what a live run was made from."""
    tx.run(
        f"UPDATE runs SET template_digest = $2, prompt_digest = $3 WHERE id = $1 AND {_LIVE}",
        run_id,
        template_digest,
        prompt_digest,
    )


def progress(tx: Tx, run_id: str, partial: str) -> bool:
    """Keep the text received so far. False when the run has ended."""
    row = tx.one(f"UPDATE runs SET partial = $2 WHERE id = $1 AND {_LIVE} RETURNING id", run_id, partial)
    return row is not None


def finish(
    tx: Tx,
    run_id: str,
    *,
    status: RunStatus,
    outcome: Outcome | None = None,
    partial: str | None = None,
    revision_id: str | None = None,
    error_code: str | None = None,
    error_message: str | None = None,
) -> bool:
    """End a live run; `partial` None keeps what is there. False, and nothing changes, when it has ended already."""
    row = tx.one(
        "UPDATE runs SET status = $2, outcome = $3, partial = coalesce($4::text, partial), revision_id = $5, "
        f"error_code = $6, error_message = $7, ended_at = $8 WHERE id = $1 AND {_LIVE} RETURNING id",
        run_id,
        status,
        outcome,
        partial,
        revision_id,
        error_code,
        error_message,
        tx.now,
    )
    return row is not None


def revisions_count(tx: Tx, page_id: str, stage: str) -> int:
    """Completed model revisions of a stage, which a limit counts: revise runs, and drafts after the first completed one."""
    return revisions_counts(tx, page_id).get(stage, 0)


def revisions_counts(tx: Tx, page_id: str) -> dict[str, int]:
    """`revisions_count` of every stage of the page that had a completed run."""
    rows = tx.all(
        "SELECT stage, count(CASE WHEN kind = 'revise' THEN 1 END), count(CASE WHEN kind = 'draft' THEN 1 END) "
        "FROM runs WHERE page_id = $1 AND status = 'completed' GROUP BY stage",
        page_id,
    )
    return {stage: int(revised) + max(0, int(drafted) - 1) for stage, revised, drafted in rows}


def _run(row: Row) -> Run:
    values = list(row)
    values[3], values[5] = RunKind(row[3]), RunStatus(row[5])
    values[14] = None if row[14] is None else Outcome(row[14])
    return Run(*values)
