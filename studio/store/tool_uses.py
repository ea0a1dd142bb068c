"""`tool_calls`: every call that a model made of a tool, refused ones too."""

from __future__ import annotations

import json
from collections.abc import Sequence

from studio.domain.build import ToolUse
from studio.domain.tooling import CallStatus, ChangeKind, FileChange
from studio.store import sql
from studio.store.transaction import Row, Tx

_TYPED = (
    "id:text page_id:text run_id:text role:text iteration:integer name:text arguments_digest:text status:text line:text "
    "result:text elapsed_ms:double created_at:timestamp task_id:text execution_id:text path:text changes:text"
)
_COLUMNS = sql.untyped(_TYPED)
_ROWS = sql.adding("tool_calls", _TYPED)
_SELECT = f"SELECT {sql.names(_COLUMNS)} FROM tool_calls"
_WHERE = (
    "WHERE ($1::text IS NULL OR page_id = $1) AND ($2::text IS NULL OR run_id = $2) "
    "AND ($3::text IS NULL OR task_id = $3)"
)


def insert(tx: Tx, *uses: ToolUse) -> None:
    _ROWS.put(tx, [_values(use) for use in uses])


def _values(use: ToolUse) -> tuple[object, ...]:
    return (
        use.id,
        use.page_id,
        use.run_id,
        use.role,
        use.iteration,
        use.name,
        use.arguments_digest,
        use.status.value,
        use.line,
        use.result,
        use.elapsed_ms,
        use.created_at,
        use.task_id,
        use.execution_id,
        use.path,
        json.dumps([_change_data(change) for change in use.changes]),
    )


def listing(
    tx: Tx, page_id: str | None = None, run_id: str | None = None, task_id: str | None = None, limit: int = 500
) -> list[ToolUse]:
    """The newest `limit` calls, oldest of them first."""
    rows = tx.all(
        f"{_SELECT} {_WHERE} ORDER BY created_at DESC, id DESC LIMIT $4", page_id, run_id, task_id, max(limit, 0)
    )
    return [_use(row) for row in reversed(rows)]


def count(tx: Tx, page_id: str | None = None, run_id: str | None = None, task_id: str | None = None) -> int:
    row = tx.one(f"SELECT count(*) FROM tool_calls {_WHERE}", page_id, run_id, task_id)
    return int(row[0]) if row else 0


def last_of_tasks(tx: Tx, page_id: str) -> dict[str, tuple[int, str]]:
    """By task: how many calls its workers made, and the line of the last one."""
    rows = tx.all(
        "SELECT c.task_id, c.line, n.calls FROM (SELECT task_id, count(*) AS calls, max(created_at) AS newest "
        "FROM tool_calls WHERE page_id = $1 AND task_id IS NOT NULL GROUP BY task_id) n "
        "JOIN tool_calls c ON c.page_id = $1 AND c.task_id = n.task_id AND c.created_at = n.newest ORDER BY c.id",
        page_id,
    )
    return {task: (int(calls), line) for task, line, calls in rows}


def arguments(tx: Tx, uses: Sequence[ToolUse], limit: int) -> dict[str, str]:
    """By digest: the arguments' JSON, of each at most `limit` characters."""
    rows = tx.all(
        "SELECT digest, left(text, $2::integer) FROM blobs WHERE digest = ANY($1::text[])",
        list({use.arguments_digest for use in uses}),
        limit,
    )
    return dict(rows)


def costs_of_tasks(tx: Tx, page_id: str) -> dict[str, float]:
    """By task: US dollars of the model calls that asked for its tools. A task with a call of unknown price is left out."""
    rows = tx.all(
        "SELECT c.task_id, sum(e.cost_usd) FROM (SELECT DISTINCT task_id, execution_id FROM tool_calls "
        "WHERE page_id = $1 AND task_id IS NOT NULL AND execution_id IS NOT NULL) c "
        "JOIN agent_execution_log e ON e.id = c.execution_id GROUP BY c.task_id HAVING count(*) = count(e.cost_usd)",
        page_id,
    )
    return {task: float(usd) for task, usd in rows}


def changes_of_runs(tx: Tx, run_ids: Sequence[str]) -> list[tuple[str | None, FileChange]]:
    """What the calls of these runs changed, oldest first, each with the task it was done for."""
    rows = tx.all(
        f"{_SELECT} WHERE run_id = ANY($1::text[]) AND changes <> '[]' ORDER BY created_at, id", list(run_ids)
    )
    return [(use.task_id, change) for use in map(_use, rows) for change in use.changes]


def _change_data(change: FileChange) -> dict[str, str | None]:
    return {
        "path": change.path,
        "kind": change.kind.value,
        "before": change.before,
        "after": change.after,
        "renamed_from": change.renamed_from,
    }


def _use(row: Row) -> ToolUse:
    values = list(row)
    values[7] = CallStatus(row[7])
    values[15] = tuple(
        FileChange(one["path"], ChangeKind(one["kind"]), one["before"], one["after"], one["renamed_from"])
        for one in json.loads(row[15])
    )
    return ToolUse(*values)
