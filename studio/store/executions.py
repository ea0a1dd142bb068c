"""`agent_execution_log`: single model calls with their tokens, money and errors; what was spent, by what."""

from __future__ import annotations

import json
from datetime import datetime

from studio.domain.errors import BadInput
from studio.domain.run import Execution, Usage
from studio.protocol.views import CostRow
from studio.store import sql
from studio.store.naming import shown
from studio.store.transaction import Row, Tx

_COLUMNS = (
    "id run_id attempt role provider model started_at status prompt_digest template_digest "
    "input_tokens cached_tokens cache_write_tokens output_tokens reasoning_tokens usage_cost_usd usage_estimated usage_raw "
    "cost_usd cost_source price_version latency_ms first_token_ms finish_reason error_code error_message"
)
_ROW = sql.saving("agent_execution_log", _COLUMNS, "id")
_SELECT = f"SELECT {sql.names(_COLUMNS, 'e')} FROM agent_execution_log e"
_NEWEST = "ORDER BY e.started_at DESC, e.attempt DESC, e.id DESC"
_KEYS = {
    "page": "coalesce(chapter_slug || '/' || page_slug, page_id, '')",
    "chapter": "coalesce(chapter_slug, '')",
    "model": "model",
    "day": "CAST(day AS TEXT)",
    "stage": "coalesce(stage, '')",
    "role": "role",
    "task": "coalesce(type, 'no task')",
}
# A worker's call belongs to the task whose tools it asked for.
_TASKS = (
    " LEFT JOIN (SELECT execution_id AS asked_by, min(task_id) AS task_id FROM tool_calls WHERE execution_id IS NOT NULL "
    "AND task_id IS NOT NULL GROUP BY execution_id) w ON w.asked_by = execution_id "
    "LEFT JOIN (SELECT id AS known, type FROM build_tasks) t ON t.known = w.task_id"
)
# A call in flight has no price yet; that is not the same as a price that nobody knows.
_UNKNOWN = "count(CASE WHEN cost_usd IS NULL AND status <> 'running' THEN 1 END)"


def insert(tx: Tx, execution: Execution) -> None:
    _ROW.add(tx, *_values(execution))


def update(tx: Tx, execution: Execution) -> None:
    """Replace the row of the same id (or add it)."""
    _ROW.put(tx, *_values(execution))


def listing(tx: Tx, *, page: str | None = None, run: str | None = None) -> list[Execution]:
    """Newest first; of a page, of a run, or all."""
    where, args = _of(page, run)
    return [_execution(row) for row in tx.all(f"{_SELECT} {where} {_NEWEST}", *args)]


def spent(
    tx: Tx, *, run_id: str | None = None, page_id: str | None = None, since: datetime | None = None
) -> tuple[float, int]:
    """US dollars, and how many ended calls have no known price; of a page or of a run, or all since a time, which is UTC."""
    where, args = _of(page_id, run_id) if since is None else ("WHERE e.started_at >= $1", (since,))
    row = tx.one(f"SELECT coalesce(sum(cost_usd), 0), {_UNKNOWN} FROM agent_execution_log e {where}", *args)
    usd, unknown = row or (0.0, 0)
    return float(usd), int(unknown)


def _of(page: str | None, run: str | None) -> tuple[str, tuple[str, ...]]:
    """A condition of its own for each question: one for all of them takes twice as long, asked as often as a run's state is."""
    if run is not None:
        return "WHERE e.run_id = $1", (run,)
    if page is not None:
        return "WHERE e.run_id IN (SELECT id FROM runs WHERE page_id = $1)", (page,)
    return "", ()


def costs(tx: Tx, by: str, page: str | None = None) -> list[CostRow]:
    """Sums by `page` (key `chapter-slug/page-slug`), `chapter`, `model`, `day` (UTC), `stage`, `role` or `task` (its type, with
    how many tasks there were); the dearest first, days in order."""
    if by not in _KEYS:
        raise BadInput(f"Costs cannot be shown by {shown(by)!r}.", hint=f"Choose one of {', '.join(_KEYS)}.")
    source, tasks = (_TASKS, "count(DISTINCT task_id)") if by == "task" else ("", "0")
    rows = tx.all(
        f"SELECT {_KEYS[by]} AS label, count(*), sum(input_tokens), sum(cached_tokens), sum(output_tokens), "
        f"coalesce(sum(cost_usd), 0) AS usd, {_UNKNOWN}, {tasks} FROM v_costs{source} WHERE ($1::text IS NULL OR page_id = $1) "
        f"GROUP BY {_KEYS[by]} ORDER BY {'label' if by == 'day' else 'usd DESC, label'}",
        page,
    )
    return [_cost_row(row) for row in rows]


def _cost_row(row: Row) -> CostRow:
    key, calls, sent, cached, received, usd, unknown, tasks = row
    return CostRow(
        key=str(key),
        calls=int(calls),
        input_tokens=int(sent),
        cached_tokens=int(cached),
        output_tokens=int(received),
        cost_usd=float(usd),
        unknown=int(unknown),
        tasks=int(tasks),
    )


def _values(execution: Execution) -> tuple[object, ...]:
    usage = execution.usage
    return (
        execution.id,
        execution.run_id,
        execution.attempt,
        execution.role,
        execution.provider,
        execution.model,
        execution.started_at,
        execution.status,
        execution.prompt_digest,
        execution.template_digest,
        usage.input_tokens,
        usage.cached_tokens,
        usage.cache_write_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
        usage.cost_usd,
        usage.estimated,
        json.dumps(usage.raw, default=str),
        execution.cost_usd,
        execution.cost_source,
        execution.price_version,
        execution.latency_ms,
        execution.first_token_ms,
        execution.finish_reason,
        execution.error_code,
        execution.error_message,
    )


def _execution(row: Row) -> Execution:
    values = list(row)
    usage = list(row[10:18])
    usage[7] = json.loads(row[17])
    values[10:18] = [Usage(*usage)]
    return Execution(*values)
