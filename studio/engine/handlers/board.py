"""Commands on the board of a change: tasks are edited, added, dropped and moved before work starts; findings are settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from studio.domain.build import (
    NEEDS_LIMIT,
    TASK_TYPES,
    TASKS_LIMIT,
    BuildTask,
    PlannedTask,
    TaskStatus,
    cycle_in,
    safe_id,
)
from studio.domain.errors import BadInput, Refused
from studio.domain.finding import FindingState
from studio.domain.page import Page
from studio.domain.plan import TITLE_LIMIT
from studio.domain.text import clean, one_line
from studio.domain.typed import refuse_long, typed_line
from studio.domain.workflow import OutputKind, Workflow
from studio.engine.open_project import Call, OpenProject
from studio.protocol import build_commands as b
from studio.protocol.build_events import FindingChanged, TaskChanged
from studio.protocol.commands import Done
from studio.store import build_tasks, findings, pages, revisions, runs
from studio.store.naming import nearby
from studio.store.transaction import Tx

DESCRIPTION_LIMIT = 8_000
REASON_LIMIT = 2_000
AT_WORK = "Workers are at this change."
_UNSTARTED = frozenset({TaskStatus.PLANNED, TaskStatus.WAITING, TaskStatus.DROPPED})
_NEED_REASON = frozenset({FindingState.WAIVED, FindingState.INTENDED})


@dataclass(frozen=True, slots=True)
class _Place:
    """A task on its board: the page, the task, and all tasks of its plan."""

    page: Page
    task: BuildTask
    board: list[BuildTask]


def writing_stages(workflow: Workflow) -> tuple[str, ...]:
    """The stages that write files, which are those that tasks are for."""
    return tuple(stage.name for stage in workflow.stages if stage.output is OutputKind.CODE)


def at_work(project: OpenProject, tx: Tx, page: Page) -> bool:
    """Whether a run that writes files is live on the page."""
    writing = writing_stages(project.workflow)
    return any(run.page_id == page.id and run.stage in writing for run in runs.live(tx))


def board_closed(project: OpenProject, tx: Tx, page: Page) -> str:
    """Why the page's board cannot be changed now; empty when it can."""
    writing = writing_stages(project.workflow)
    if at_work(project, tx, page):
        return AT_WORK
    if page.state == project.workflow.final_state:
        return "This change is complete."
    stage = project.state_of(page).stage
    if stage and writing and project.workflow.index(stage) > project.workflow.index(writing[-1]):
        return "The tasks of this change are done with: it is past its implementation."
    return ""


async def edit_task(project: OpenProject, command: b.EditTask, call: Call) -> Done:
    def work(tx: Tx) -> Done:
        place = _place(project, tx, command.task)
        columns: dict[str, object] = {}
        if command.title is not None:
            columns["title"] = _title(command.title)
        if command.type is not None:
            columns["type"] = _type(command.type)
        if command.description is not None:
            columns["description"] = _description(command.description)
        if command.priority is not None:
            columns["priority"] = _priority(command.priority)
        if command.needs is not None:
            columns["needs"] = _needs(place.task.key, command.needs, place.board)
        if not columns:
            raise BadInput(
                "Nothing of the task is changed.", hint="Give a title, type, description, priority or what it needs."
            )
        changed = {name: value for name, value in columns.items() if value != getattr(place.task, name)}
        if not changed:
            return Done(seq=0, message=f"Task {place.task.key!r} is as it was.", page=place.page.id, task=place.task.id)
        task = build_tasks.update(tx, place.task.id, **changed, edited_by=tx.actor)
        return _told(tx, place.page, task, "edited", f"Task {task.key!r} changed: {', '.join(changed)}.")

    return await project.act(call, work)


async def add_task(project: OpenProject, command: b.AddTask, call: Call) -> Done:
    title, kind = _title(command.title), _type(command.type)
    description, priority = _description(command.description), _priority(command.priority)

    def work(tx: Tx) -> Done:
        page = pages.resolve(tx, command.page, final_state=project.workflow.final_state)
        _refuse_closed(project, tx, page)
        plan = build_tasks.newest_plan(tx, page.id) or _plan_revision(project, tx, page.id)
        board = build_tasks.listing(tx, page.id, plan)
        if len(board) >= TASKS_LIMIT:
            raise Refused(
                f"The plan has {len(board)} tasks; at most {TASKS_LIMIT} are allowed.", hint="Drop or edit one."
            )
        key = _free_key(title, {one.key for one in board})
        needs = _needs(key, command.needs, board)
        made = build_tasks.append(tx, page.id, plan, PlannedTask(key, title, kind, description, priority, needs))
        task = build_tasks.update(tx, made.id, edited_by=tx.actor)
        return _told(tx, page, task, "planned", f"Task {task.position} added: {title}.")

    return await project.act(call, work)


async def drop_task(project: OpenProject, command: b.DropTask, call: Call) -> Done:
    def work(tx: Tx) -> Done:
        place = _place(project, tx, command.task, drops=True)
        wanted = TaskStatus.DROPPED if command.dropped else TaskStatus.PLANNED
        if not command.dropped and place.task.status is not TaskStatus.DROPPED:
            raise Refused(f"The task {place.task.key!r} was not dropped.")
        task = build_tasks.update(tx, place.task.id, status=wanted, edited_by=tx.actor)
        if not command.dropped:
            return _told(tx, place.page, task, "planned", f"Task {task.key!r} is in again.")
        waiting = [one.key for one in place.board if task.key in one.needs and one.status is not TaskStatus.DROPPED]
        rest = f" {', '.join(waiting)} will not wait for it." if waiting else ""
        return _told(tx, place.page, task, "dropped", f"Task {task.key!r} dropped.{rest}")

    return await project.act(call, work)


async def move_task(project: OpenProject, command: b.MoveTask, call: Call) -> Done:
    def work(tx: Tx) -> Done:
        place = _place(project, tx, command.task)
        others = [one.id for one in place.board if one.id != place.task.id]
        index = max(0, min(command.position - 1, len(others)))
        build_tasks.reorder(tx, [*others[:index], place.task.id, *others[index:]])
        task = build_tasks.get(tx, place.task.id)
        return _told(tx, place.page, task, "moved", f"Task {task.key!r} is now at place {task.position}.")

    return await project.act(call, work)


async def settle_finding(project: OpenProject, command: b.SettleFinding, call: Call) -> Done:
    state = FindingState(command.state)
    reason = clean(command.reason).strip()
    refuse_long(reason, "reason", REASON_LIMIT)
    if state in _NEED_REASON and not reason:
        raise BadInput(
            f"Say why the finding is {state.value}.", hint="The reason is kept with it and shown to the next reviewer."
        )

    def work(tx: Tx) -> Done:
        finding = findings.get(tx, command.finding)
        settled = findings.settle(tx, finding.id, state, tx.actor, reason)
        tx.emit(FindingChanged(page=settled.page_id, finding=settled.id, state=state.value, actor=tx.actor))
        left = findings.open_count(tx, settled.page_id)
        word = "open again" if state is FindingState.OPEN else state.value
        return Done(seq=0, message=f"The finding is {word}; {left} open.", page=settled.page_id)

    return await project.act(call, work)


# Where a task is, and whether it may be changed


def _place(project: OpenProject, tx: Tx, ref: str, *, drops: bool = False) -> _Place:
    """The task of an id, or of `page#key` and `page#number`. Raises Refused when it may not be changed now; dropped may be one, too,
    that came to nothing."""
    page_ref, hash_sign, task_ref = ref.rpartition("#")
    if hash_sign:
        page = pages.resolve(tx, page_ref, final_state=project.workflow.final_state)
        task = build_tasks.find(tx, page.id, task_ref)
    else:
        task = build_tasks.get(tx, ref)
        page = pages.get(tx, task.page_id)
    _refuse_closed(project, tx, page)
    if task.plan_revision != build_tasks.newest_plan(tx, page.id):
        raise Refused(f"The task {task.key!r} belongs to an earlier plan.", hint="Change the tasks of the newest one.")
    if (task.status not in _UNSTARTED or task.attempts) and not (
        drops and (task.status.came_to_nothing or task.status is TaskStatus.DROPPED)
    ):
        raise Refused(
            f"The task {task.key!r} cannot be changed: it is {task.status.value}.",
            hint="Add a task for what is missing, or ask for changes when the work is reviewed.",
        )
    return _Place(page, task, build_tasks.listing(tx, page.id, task.plan_revision))


def _refuse_closed(project: OpenProject, tx: Tx, page: Page) -> None:
    reason = board_closed(project, tx, page)
    if reason:
        raise Refused(reason, hint="Tasks can be changed before the work starts, and when it was stopped or sent back.")


def _plan_revision(project: OpenProject, tx: Tx, page_id: str) -> str:
    planning = next((stage for stage in project.workflow.stages if stage.output is OutputKind.PLAN), None)
    head = revisions.head(tx, page_id, planning.name) if planning else None
    if head is None:
        raise Refused("There is no plan yet that a task could belong to.", hint="Draft the plan first.")
    return head.id


def _told(tx: Tx, page: Page, task: BuildTask, what: str, message: str) -> Done:
    tx.emit(TaskChanged(page=page.id, task=task.id, what=what, status=task.status.value, actor=tx.actor))
    return Done(seq=0, message=message, page=page.id, task=task.id)


# What a task may hold


def _title(text: str) -> str:
    title = typed_line(text, "title", TITLE_LIMIT)
    if not title:
        raise BadInput("A task needs a title.", hint="Give one word or more.")
    return title


def _type(name: str) -> str:
    wanted = name.strip().casefold()
    if wanted not in TASK_TYPES:
        raise BadInput(
            f"{one_line(name, 40)!r} is not a type of task.",
            hint=nearby(wanted, TASK_TYPES, f"Known are {', '.join(TASK_TYPES)}."),
        )
    return wanted


def _description(text: str) -> str:
    description = clean(text).strip()
    refuse_long(description, "description", DESCRIPTION_LIMIT)
    return description


def _priority(value: int) -> int:
    if value not in (1, 2, 3):
        raise BadInput(f"{value} is not a priority.", hint="1 goes first, 2 is usual, 3 goes last.")
    return value


def _needs(key: str, wanted: Sequence[str], board: Sequence[BuildTask]) -> tuple[str, ...]:
    """The keys of what a task waits for. Raises BadInput for a stranger, too many, or tasks that wait for each other."""
    known = {one.key: one for one in board}
    needs = tuple(dict.fromkeys(need.strip().casefold() for need in wanted if need.strip()))
    for need in needs:
        if need == key:
            raise BadInput(f"The task {key!r} cannot wait for itself.")
        if need not in known:
            raise BadInput(
                f"There is no task {one_line(need, 60)!r} in the plan.",
                hint=nearby(need, known, "Name a task by its key."),
            )
    if len(needs) > NEEDS_LIMIT:
        raise BadInput(f"The task waits for {len(needs)} others; at most {NEEDS_LIMIT} are allowed.")
    graph: Mapping[str, Sequence[str]] = {**{one.key: one.needs for one in board}, key: needs}
    if cycle := cycle_in(graph):
        raise BadInput(f"These tasks would wait for each other: {' -> '.join((*cycle, cycle[0]))}.")
    return needs


def _free_key(title: str, taken: set[str]) -> str:
    base = safe_id(title)
    key, number = base, 2
    while key in taken:
        key, number = f"{base[:36].strip('-')}-{number}", number + 1
    return key
