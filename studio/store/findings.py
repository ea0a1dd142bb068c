"""Findings: what validators, rules, reviewers and checks said about files, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence

from studio.domain.errors import NotFound
from studio.domain.finding import Finding, FindingSource, FindingState, Problem, Severity
from studio.store import sql
from studio.store.naming import shown
from studio.store.transaction import Row, Tx

_TYPED = (
    "id:text page_id:text source:text state:text created_at:timestamp run_id:text task_id:text version_id:text stage:text "
    "settled_by:text reason:text rule:text path:text line:integer message:text severity:text suggestion:text quote:text"
)
_COLUMNS = sql.untyped(_TYPED)
_ROWS = sql.adding("findings", _TYPED)
_SELECT = f"SELECT {sql.names(_COLUMNS)} FROM findings"


def insert(tx: Tx, findings: Sequence[Finding]) -> None:
    _ROWS.put(tx, [_values(finding) for finding in findings])


def get(tx: Tx, finding_id: str) -> Finding:
    row = tx.one(f"{_SELECT} WHERE id = $1", finding_id)
    if row is None:
        raise NotFound(f"There is no finding {shown(finding_id)!r}.")
    return _finding(row)


def listing(
    tx: Tx,
    page_id: str | None = None,
    *,
    open_only: bool = False,
    stage: str | None = None,
    run_id: str | None = None,
    task_id: str | None = None,
) -> list[Finding]:
    """Oldest first."""
    rows = tx.all(
        f"{_SELECT} WHERE ($1::text IS NULL OR page_id = $1) AND (NOT $2 OR state = $3) "
        "AND ($4::text IS NULL OR stage = $4) AND ($5::text IS NULL OR run_id = $5) "
        "AND ($6::text IS NULL OR task_id = $6) ORDER BY created_at, id",
        page_id,
        open_only,
        FindingState.OPEN,
        stage,
        run_id,
        task_id,
    )
    return [_finding(row) for row in rows]


def decided(tx: Tx, paths: Sequence[str], *, besides: str) -> list[Finding]:
    """What people decided not to mend about some paths, on every page but `besides`; oldest first."""
    rows = tx.all(
        f"{_SELECT} WHERE page_id <> $1 AND path = ANY($2::text[]) AND state = ANY($3::text[]) ORDER BY created_at, id",
        besides,
        list(paths),
        [FindingState.WAIVED.value, FindingState.INTENDED.value, FindingState.FALSE.value],
    )
    return [_finding(row) for row in rows]


def settle(tx: Tx, finding_id: str, state: FindingState, by: str, reason: str) -> Finding:
    """Say what became of a finding; `open` opens it again. Raises NotFound."""
    row = tx.one(
        f"UPDATE findings SET state = $2, settled_by = $3, reason = $4 WHERE id = $1 RETURNING {sql.names(_COLUMNS)}",
        finding_id,
        state,
        by,
        reason,
    )
    return get(tx, finding_id) if row is None else _finding(row)


def settle_open(
    tx: Tx,
    page_id: str,
    state: FindingState,
    by: str,
    reason: str,
    *,
    source: FindingSource | None = None,
    paths: Sequence[str] | None = None,
) -> int:
    """Settle what is open on the page, of one source or on some paths only. Returns how many."""
    rows = tx.all(
        "UPDATE findings SET state = $2, settled_by = $3, reason = $4 WHERE page_id = $1 AND state = $5 "
        "AND ($6::text IS NULL OR source = $6) AND ($7::text[] IS NULL OR path = ANY($7::text[])) RETURNING id",
        page_id,
        state,
        by,
        reason,
        FindingState.OPEN,
        source,
        None if paths is None else list(paths),
    )
    return len(rows)


def open_count(tx: Tx, page_id: str) -> int:
    row = tx.one("SELECT count(*) FROM findings WHERE page_id = $1 AND state = $2", page_id, FindingState.OPEN)
    return int(row[0]) if row else 0


def undecided(tx: Tx, *, besides: str) -> list[str]:
    """Paths with an open conflict between a person's text and a run's, of every run but `besides`."""
    rows = tx.all(
        "SELECT DISTINCT path FROM findings WHERE state = $1 AND source = $2 AND coalesce(run_id, '') <> $3",
        FindingState.OPEN,
        FindingSource.CONFLICT,
        besides,
    )
    return [str(row[0]) for row in rows]


def open_paths(tx: Tx) -> dict[str, int]:
    """How many findings are open on each path, of all pages."""
    rows = tx.all("SELECT path, count(*) FROM findings WHERE state = $1 GROUP BY path", FindingState.OPEN)
    return {path: int(number) for path, number in rows}


def _values(finding: Finding) -> tuple[object, ...]:
    problem = finding.problem
    return (
        finding.id,
        finding.page_id,
        finding.source.value,
        finding.state.value,
        finding.created_at,
        finding.run_id,
        finding.task_id,
        finding.version_id,
        finding.stage,
        finding.by,
        finding.reason,
        problem.rule,
        problem.path,
        problem.line,
        problem.message,
        problem.severity.value,
        problem.suggestion,
        problem.quote,
    )


def _finding(row: Row) -> Finding:
    rule, path, line, message, severity, suggestion, quote = row[11:]
    problem = Problem(rule, path, line, message, Severity(severity), suggestion, quote)
    return Finding(row[0], row[1], FindingSource(row[2]), problem, FindingState(row[3]), *row[4:11])
