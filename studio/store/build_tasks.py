"""Tasks of a plan as they are worked on. Each revision of the plan has its own rows; the newest plan is the one that counts."""

from __future__ import annotations

import json
from collections.abc import Sequence

from studio.domain.build import BuildTask, PlannedTask, TaskStatus
from studio.domain.errors import Conflict, NotFound
from studio.domain.ids import new_id
from studio.domain.text import counted
from studio.store import sql
from studio.store.naming import nearby, shown
from studio.store.transaction import Row, Tx

_COLUMNS = (
    "id page_id plan_revision key position title type description priority needs status attempts model run_id "
    "summary error started_at ended_at edited_by"
)
_NEW = (
    "id:text page_id:text plan_revision:text key:text position:integer title:text type:text description:text "
    "priority:integer needs:text status:text attempts:integer summary:text error:text edited_by:text"
)
_INSERT = sql.insert_many("build_tasks", _NEW)
_SELECT = f"SELECT {sql.names(_COLUMNS, 't')} FROM build_tasks t"
# By the number of the plan's revision, which no clock that is set back can turn round.
_NEWEST = (
    "SELECT t.plan_revision FROM build_tasks t LEFT JOIN page_revisions r ON r.id = t.plan_revision "
    "WHERE t.page_id = $1 GROUP BY t.plan_revision, r.number "
    "ORDER BY coalesce(r.number, 0) DESC, min(t.id) DESC LIMIT 1"
)
_CHANGEABLE = frozenset(_COLUMNS.split()) - {"id", "page_id", "plan_revision", "key"}


def plan(tx: Tx, page_id: str, plan_revision: str, tasks: Sequence[PlannedTask]) -> list[BuildTask]:
    """The rows of a plan's tasks, made once: a revision that has rows keeps those, with what people made of them."""
    present = listing(tx, page_id, plan_revision)
    if present or not tasks:
        return present
    _insert(tx, page_id, plan_revision, tasks, first=1)
    return listing(tx, page_id, plan_revision)


def append(tx: Tx, page_id: str, plan_revision: str, task: PlannedTask) -> BuildTask:
    """A task behind the others of the plan. Raises Conflict when the plan has one of that key."""
    present = listing(tx, page_id, plan_revision)
    if any(one.key == task.id for one in present):
        raise Conflict(f"The plan has a task {shown(task.id)!r} already.", hint="Give the task another title.")
    last = max((one.position for one in present), default=0)
    return get(tx, _insert(tx, page_id, plan_revision, [task], first=last + 1)[0])


def get(tx: Tx, task_id: str) -> BuildTask:
    row = tx.one(f"{_SELECT} WHERE t.id = $1", task_id)
    if row is None:
        raise NotFound(f"There is no task {shown(task_id)!r}.", hint="`studio tasks` lists them.")
    return _task(row)


def find(tx: Tx, page_id: str, ref: str) -> BuildTask:
    """The page's task of an id, or of the newest plan by key or number (its place, from 1). Raises NotFound with what is near."""
    ref = ref.strip()
    row = tx.one(f"{_SELECT} WHERE t.id = $1 AND t.page_id = $2", ref, page_id)
    if row is not None:
        return _task(row)
    present = listing(tx, page_id)
    for task in present:
        if task.key == ref.casefold():
            return task
    if ref.isascii() and ref.isdigit() and 0 < int(ref[:9]) <= len(present):
        return present[int(ref) - 1]
    otherwise = f"The plan has {counted(len(present), 'task')}, from 1." if present else "The change has no tasks yet."
    raise NotFound(f"There is no task {shown(ref)!r}.", hint=nearby(ref, (task.key for task in present), otherwise))


def newest_plan(tx: Tx, page_id: str) -> str | None:
    """The revision of the newest plan that has tasks."""
    row = tx.one(_NEWEST, page_id)
    return None if row is None else str(row[0])


def listing(tx: Tx, page_id: str, plan_revision: str | None = None) -> list[BuildTask]:
    """In order of their places; without `plan_revision` those of the newest plan."""
    rows = tx.all(
        f"{_SELECT} WHERE t.page_id = $1 AND ($2::text IS NULL OR t.plan_revision = $2) ORDER BY t.position, t.id",
        page_id,
        plan_revision,
    )
    tasks = [_task(row) for row in rows]
    if len({task.plan_revision for task in tasks}) < 2:
        return tasks
    newest = newest_plan(tx, page_id)
    return [task for task in tasks if task.plan_revision == newest]


def keys(tx: Tx, page_id: str | None = None) -> dict[str, str]:
    """The key of each task by id, of every plan."""
    return dict(tx.all("SELECT id, key FROM build_tasks WHERE $1::text IS NULL OR page_id = $1", page_id))


def update(tx: Tx, task_id: str, **columns: object) -> BuildTask:
    """Change the given columns (`needs` as a sequence of keys). Raises NotFound."""
    strangers = set(columns) - _CHANGEABLE
    if strangers:
        raise ValueError(f"not a column of a task that changes: {', '.join(sorted(strangers))}")
    if not columns:
        return get(tx, task_id)
    changes = ", ".join(f"{name} = ${number}" for number, name in enumerate(columns, 2))
    values = [json.dumps(value) if name == "needs" else value for name, value in columns.items()]
    row = tx.one(f"UPDATE build_tasks SET {changes} WHERE id = $1 RETURNING {sql.names(_COLUMNS)}", task_id, *values)
    return get(tx, task_id) if row is None else _task(row)


def carry(tx: Tx, task_id: str, plan_revision: str, task: PlannedTask) -> None:
    """Put a task under another text of its plan, as `task` has it. It stays the same one, with what was done at it: calls, costs,
    findings and messages name its id."""
    tx.run(
        "UPDATE build_tasks SET plan_revision = $2, title = $3, type = $4, description = $5, priority = $6, needs = $7 "
        "WHERE id = $1",
        task_id,
        plan_revision,
        task.title,
        task.type,
        task.description,
        task.priority,
        json.dumps(task.needs),
    )


def reorder(tx: Tx, ids: Sequence[str]) -> None:
    """Give these tasks the places 1, 2, 3 in the order named."""
    tx.run(sql.reposition("build_tasks"), list(ids), list(range(1, len(ids) + 1)))


def running(tx: Tx) -> list[BuildTask]:
    """Tasks at work, on all pages, oldest first."""
    rows = tx.all(f"{_SELECT} WHERE t.status = $1 ORDER BY t.started_at, t.id", TaskStatus.RUNNING)
    return [_task(row) for row in rows]


def _insert(tx: Tx, page_id: str, plan_revision: str, tasks: Sequence[PlannedTask], *, first: int) -> list[str]:
    ids = [new_id() for _ in tasks]
    count = len(tasks)
    tx.run(
        _INSERT,
        ids,
        [page_id] * count,
        [plan_revision] * count,
        [task.id for task in tasks],
        list(range(first, first + count)),
        [task.title for task in tasks],
        [task.type for task in tasks],
        [task.description for task in tasks],
        [task.priority for task in tasks],
        [json.dumps(task.needs) for task in tasks],
        [TaskStatus.PLANNED.value] * count,
        [0] * count,
        [""] * count,
        [""] * count,
        [""] * count,
    )
    return ids


def _task(row: Row) -> BuildTask:
    values = list(row)
    values[9] = tuple(json.loads(row[9]))
    values[10] = TaskStatus(row[10])
    return BuildTask(*values)
