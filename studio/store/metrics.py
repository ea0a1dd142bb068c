"""Figures about the changes of a project: how many came to an end, how long they took, what they used. Rates are the reader's."""

from __future__ import annotations

from dataclasses import dataclass

from studio.store import executions
from studio.store.transaction import Row, Tx

_PATTERNS = 12


@dataclass(frozen=True, slots=True)
class ToolFigures:
    name: str
    calls: int
    errors: int
    refused: int
    mean_ms: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Rates and means are of the changes that are complete, None where there is none: `rated`, the versions of theirs that came to
    an end of their own, of which `rated_completed` completed; `seconds`, what the runs of one took together; `files`;
    `versions_each`. The counts are of everything.

    `versions_stopped` are those whose run a person stopped, `versions_interrupted` those that ended with the engine; neither are
    among `versions_failed`.
    """

    changes: int
    completed: int
    versions: int
    versions_completed: int
    versions_failed: int
    versions_stopped: int
    versions_interrupted: int
    rated: int
    rated_completed: int
    tasks: int
    tasks_done: int
    tasks_failed: int
    tasks_retried: int
    seconds: float | None
    files: float | None
    versions_each: float | None
    iterations: float | None
    cost_usd: float
    cost_unknown: int
    tools: tuple[ToolFigures, ...]
    pairs: tuple[tuple[str, str, int], ...]
    findings: dict[str, int]


def figures(tx: Tx, final_state: str) -> Figures:
    """Of all changes that are not archived; versions are those that runs made, tasks those that were worked on.

    One that is open has more to come: it is in no rate and no mean.
    """
    changes, completed = _counts(
        tx, "SELECT count(*), count(CASE WHEN state = $1 THEN 1 END) FROM story_pages WHERE NOT archived", final_state
    )
    made, made_whole, made_failed, made_stopped, made_interrupted = _counts(
        tx,
        "SELECT count(*), count(CASE WHEN v.status = 'completed' THEN 1 END), "
        "count(CASE WHEN v.status = 'failed' AND coalesce(r.status, '') NOT IN ('stopped', 'interrupted') THEN 1 END), "
        "count(CASE WHEN v.status = 'failed' AND r.status = 'stopped' THEN 1 END), "
        "count(CASE WHEN v.status = 'failed' AND r.status = 'interrupted' THEN 1 END) "
        "FROM app_versions v LEFT JOIN runs r ON r.id = v.run_id WHERE v.origin = 'run'",
    )
    rated, rated_completed = _counts(tx, _RATED, final_state)
    tasks, done, failed, retried = _counts(
        tx,
        "SELECT count(*), count(CASE WHEN status = 'done' THEN 1 END), count(CASE WHEN status = 'failed' THEN 1 END), "
        "count(CASE WHEN attempts > 1 THEN 1 END) FROM build_tasks "
        "WHERE attempts > 0 OR status IN ('done', 'failed', 'skipped')",
    )
    usd, unknown = executions.spent(tx)
    return Figures(
        changes=changes,
        completed=completed,
        versions=made,
        versions_completed=made_whole,
        versions_failed=made_failed,
        versions_stopped=made_stopped,
        versions_interrupted=made_interrupted,
        rated=rated,
        rated_completed=rated_completed,
        tasks=tasks,
        tasks_done=done,
        tasks_failed=failed,
        tasks_retried=retried,
        seconds=_mean(tx, _SECONDS, final_state),
        files=_mean(tx, _FILES, final_state),
        versions_each=_mean(tx, _VERSIONS, final_state),
        iterations=_mean(tx, _ITERATIONS),
        cost_usd=usd,
        cost_unknown=unknown,
        tools=tuple(_tool(row) for row in tx.all(_TOOLS)),
        pairs=tuple((first, second, int(times)) for first, second, times in tx.all(_PAIRS, _PATTERNS)),
        findings={state: int(number) for state, number in tx.all(_FINDINGS)},
    )


_COMPLETE = "page_id IN (SELECT id FROM story_pages WHERE state = $1 AND NOT archived)"
_RATED = (
    "SELECT count(*), count(CASE WHEN v.status = 'completed' THEN 1 END) FROM app_versions v LEFT JOIN runs r ON r.id = v.run_id "
    "WHERE v.origin = 'run' AND (v.status = 'completed' OR (v.status = 'failed' "
    f"AND coalesce(r.status, '') NOT IN ('stopped', 'interrupted'))) AND v.{_COMPLETE}"
)
_SECONDS = (
    "SELECT avg(took) FROM (SELECT page_id, sum(extract(epoch FROM (ended_at - started_at))) AS took FROM runs "
    f"WHERE ended_at IS NOT NULL AND {_COMPLETE} GROUP BY page_id) AS each_change"
)
_FILES = (
    "SELECT avg(touched) FROM (SELECT v.page_id, count(DISTINCT f.path) AS touched FROM app_versions v "
    f"JOIN version_files f ON f.version_id = v.id WHERE v.origin = 'run' AND v.{_COMPLETE} "
    "AND f.change IS NOT NULL GROUP BY v.page_id) AS each_change"
)
_VERSIONS = (
    "SELECT avg(made) FROM (SELECT page_id, count(*) AS made FROM app_versions "
    f"WHERE origin = 'run' AND {_COMPLETE} GROUP BY page_id) AS each_change"
)
# A worker is a task of a run; a run without tasks is one worker.
_ITERATIONS = (
    "SELECT avg(rounds) FROM (SELECT run_id, task_id, max(iteration) AS rounds FROM tool_calls "
    "GROUP BY run_id, task_id) AS each_worker"
)
_TOOLS = (
    "SELECT name, count(*) AS calls, count(CASE WHEN status = 'error' THEN 1 END), "
    "count(CASE WHEN status = 'refused' THEN 1 END), avg(elapsed_ms) FROM tool_calls GROUP BY name ORDER BY calls DESC, name"
)
_PAIRS = (
    "SELECT before, name, count(*) AS times FROM (SELECT name, lag(name) OVER "
    "(PARTITION BY run_id, task_id ORDER BY created_at, id) AS before FROM tool_calls) AS steps "
    "WHERE before IS NOT NULL GROUP BY before, name ORDER BY times DESC, before, name LIMIT $1"
)
_FINDINGS = "SELECT state, count(*) FROM findings GROUP BY state ORDER BY state"


def _counts(tx: Tx, query: str, *args: object) -> list[int]:
    return [int(value) for value in tx.one(query, *args) or ()]


def _mean(tx: Tx, query: str, *args: object) -> float | None:
    row = tx.one(query, *args)
    return None if row is None or row[0] is None else float(row[0])


def _tool(row: Row) -> ToolFigures:
    name, calls, errors, refused, mean_ms = row
    return ToolFigures(name, int(calls), int(errors), int(refused), float(mean_ms))
