"""The app workflow's plain data: operations, tasks, versions, handoffs, and the rules that hold for them. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from studio.domain.text import listed
from studio.domain.tooling import CallStatus, ChangeKind, FileChange


class Operation(StrEnum):
    CREATE = "create"
    UPDATE = "update"


class TaskStatus(StrEnum):
    PLANNED = "planned"
    WAITING = "waiting"  # for a task it needs, for a worker or for budget
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"  # a task it needs failed
    DROPPED = "dropped"  # by the person
    INTERRUPTED = "interrupted"  # its run broke off (was stopped or interrupted, or failed) while it was at work

    @property
    def ended(self) -> bool:
        return self in (TaskStatus.DONE, TaskStatus.FAILED, TaskStatus.SKIPPED, TaskStatus.DROPPED)

    @property
    def came_to_nothing(self) -> bool:
        """Whether a run left it without a result: by its own fault, by that of a task it needs, or because the run ended."""
        return self in (TaskStatus.INTERRUPTED, TaskStatus.FAILED, TaskStatus.SKIPPED)


TASK_TYPES: Mapping[str, str] = {
    "setup": "files that everything else stands on: structure, configuration, dependencies",
    "ui": "pages, components, markup",
    "style": "appearance",
    "logic": "behaviour, state, algorithms",
    "data": "schemas, storage, sample data",
    "api": "services, routes, integration",
    "test": "tests",
    "docs": "documentation",
    "fix": "mending what a review found",
}
"""Known task types and what they mean; a worker's model may be named per type (`[models.tasks]`)."""

WHOLE_CHANGE = "change"
"""The key of the one task of a change whose plan names none."""

TASKS_LIMIT = 40
NEEDS_LIMIT = 20
_ID = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """A task as the lead planned it. `id` is a safe short name, unique in its plan; `needs` are ids that must be done before it."""

    id: str
    title: str
    type: str
    description: str
    priority: int = 2  # 1 first, 3 last
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BuildTask:
    """A planned task at work. `key` is its id in the plan; `attempts` counts tries of the whole task."""

    id: str
    page_id: str
    plan_revision: str
    key: str
    position: int
    title: str
    type: str
    description: str
    priority: int
    needs: tuple[str, ...]
    status: TaskStatus
    attempts: int = 0
    model: str | None = None
    run_id: str | None = None
    summary: str = ""
    error: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    edited_by: str = ""


class VersionStatus(StrEnum):
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class VersionFile:
    """A file of a version's tree. `digest` is the SHA-256 of its bytes; `change` against the version before, None when unchanged."""

    path: str
    digest: str
    size: int
    mode: int = 0o644
    change: ChangeKind | None = None


@dataclass(frozen=True, slots=True)
class AppVersion:
    """One version of the application. `number` is semantic (`1.2.0`); `origin` is run, person, restore or import."""

    id: str
    page_id: str | None
    number: str
    status: VersionStatus
    origin: str
    started_at: datetime
    run_id: str | None = None
    parent_id: str | None = None
    operation: Operation = Operation.CREATE
    finished_at: datetime | None = None
    summary: str = ""
    changelog: str = ""
    error: str = ""
    cost_usd: float | None = None
    approved: bool = False
    restored_from: str | None = None


@dataclass(frozen=True, slots=True)
class Handoff:
    """What one role leaves for the next. `note` is the text that the next role's prompt holds."""

    id: str
    page_id: str
    from_role: str
    to_role: str
    from_stage: str
    to_stage: str
    note: str
    created_at: datetime
    revision_id: str | None = None


@dataclass(frozen=True, slots=True)
class RoleMessage:
    """One message of a role's conversation about a page. `kind` is system, user, assistant or tool; `data` is JSON."""

    id: str
    page_id: str
    role: str
    position: int
    kind: str
    text: str
    created_at: datetime
    data: str | None = None
    run_id: str | None = None
    task_id: str | None = None


@dataclass(frozen=True, slots=True)
class Build:
    """The app workflow's own row of a page. `build_id`, `user_id` and `requirements` are what an outside program named."""

    page_id: str
    operation: Operation
    returns: int
    created_at: datetime
    updated_at: datetime
    project_id: str = ""
    build_id: str = ""
    user_id: str = ""
    model: str = ""
    requirements: str = ""


@dataclass(frozen=True, slots=True)
class PlanCheck:
    """A plan's tasks as they can be used, and what had to be mended or is wrong. With `errors` the plan cannot be worked on."""

    tasks: tuple[PlannedTask, ...]
    mended: tuple[str, ...] = ()
    errors: tuple[str, ...] = field(default=())


def safe_id(wanted: str, fallback: str = "task") -> str:
    """`wanted` as a task's id: lower-case ASCII letters, digits and `-`, at most 40 characters."""
    return _ID.sub("-", wanted.casefold()).strip("-")[:40].strip("-") or fallback


def cycle_in(needs: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The ids of one cycle among `needs`, in order; empty when there is none. Unknown ids are passed over."""
    done: set[str] = set()
    for start in needs:
        trail: list[str] = []
        found = _cycle_from(start, needs, trail, done)
        if found:
            return found
    return ()


def _cycle_from(start: str, needs: Mapping[str, Sequence[str]], trail: list[str], done: set[str]) -> tuple[str, ...]:
    """Depth first without recursion: a chain of `TASKS_LIMIT` tasks is nothing, yet the input is a model's."""
    stack: list[tuple[str, int]] = [(start, 0)]
    while stack:
        node, step = stack.pop()
        if step == 0:
            if node in done:
                continue
            trail.append(node)
        following = [need for need in needs.get(node, ()) if need in needs]
        if step < len(following):
            stack.append((node, step + 1))
            inner = following[step]
            if inner in trail:
                return tuple(trail[trail.index(inner) :])
            stack.append((inner, 0))
        else:
            trail.pop()
            done.add(node)
    return ()


def undone(tasks: Iterable[BuildTask]) -> str:
    """`2 of 9 tasks are not done: Cart, Total`, of those that are not dropped; empty when all are."""
    counted = [one for one in tasks if one.status is not TaskStatus.DROPPED]
    names = [one.title for one in counted if one.status is not TaskStatus.DONE]
    are = "is" if len(names) == 1 else "are"
    return f"{len(names)} of {len(counted)} tasks {are} not done: {listed(names)}" if names else ""


def to_work(tasks: Iterable[BuildTask]) -> list[BuildTask]:
    """The tasks that a run works at: those neither done nor dropped; where every one is done, all of those once more."""
    every = list(tasks)
    left = [one for one in every if one.status not in (TaskStatus.DONE, TaskStatus.DROPPED)]
    return left or [one for one in every if one.status is TaskStatus.DONE]


def count_to_work(tasks: Iterable[BuildTask], *, revises: bool) -> int:
    """How many tasks a run will work at. One that revises has a task more, which answers the feedback, and does not repeat what is
    done; a change without tasks is one."""
    every = list(tasks)
    if revises:
        return 1 + sum(1 for one in every if one.status not in (TaskStatus.DONE, TaskStatus.DROPPED))
    return len(to_work(every)) or 1


def ready(tasks: Iterable[BuildTask]) -> list[BuildTask]:
    """The tasks that may start now, by priority and place: planned or interrupted, with everything they need done."""
    every = list(tasks)
    done = {task.key for task in every if task.status is TaskStatus.DONE}
    dropped = {task.key for task in every if task.status is TaskStatus.DROPPED}
    open_states = (TaskStatus.PLANNED, TaskStatus.WAITING, TaskStatus.INTERRUPTED)
    found = [
        task
        for task in every
        if task.status in open_states and all(need in done or need in dropped for need in task.needs)
    ]
    return sorted(found, key=lambda task: (task.priority, task.position))


def blocked(tasks: Iterable[BuildTask]) -> dict[str, str]:
    """Tasks that can never start, by id, and why: one they need failed, was skipped or is not there, or they wait for each other."""
    every = list(tasks)
    states = {task.key: task.status for task in every}
    waiting = [task for task in every if not task.status.ended and task.status is not TaskStatus.RUNNING]
    circle = cycle_in({task.key: task.needs for task in waiting})
    found = {}
    for task in waiting:
        gone = [need for need in task.needs if need not in states]
        if any(states.get(need) in (TaskStatus.FAILED, TaskStatus.SKIPPED) for need in task.needs):
            found[task.id] = "A task that it needs was not done."
        elif gone:
            found[task.id] = f"It needs {listed(gone)}, which the board does not have."
        elif task.key in circle:
            found[task.id] = f"Tasks wait for each other: {' -> '.join((*circle, circle[0]))}."
    return found


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One call of a tool as it is kept. `arguments_digest` names the arguments' JSON among the blobs; `elapsed_ms` in milliseconds."""

    id: str
    page_id: str
    run_id: str
    role: str
    iteration: int
    name: str
    arguments_digest: str
    status: CallStatus
    line: str
    result: str
    elapsed_ms: float
    created_at: datetime
    task_id: str | None = None
    execution_id: str | None = None
    path: str | None = None
    changes: tuple[FileChange, ...] = ()


class PublicationStatus(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"  # the engine ended under it


@dataclass(frozen=True, slots=True)
class Publication:
    """A version on its way to a target. `steps` are those that are done, with what each reported."""

    id: str
    version_id: str
    target: str
    publisher: str
    plan: str
    plan_digest: str
    status: PublicationStatus
    actor: str
    created_at: datetime
    updated_at: datetime
    steps: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    url: str = ""
    detail: str = ""
    error: str = ""
