"""A plan against its board, which a person may have changed since: the plan as it holds now, the difference in words, and what of
the board lives on when a person writes the plan anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from studio.domain import plan as plans
from studio.domain.build import WHOLE_CHANGE, BuildTask, PlannedTask, TaskStatus
from studio.domain.errors import BadInput
from studio.domain.page import Revision
from studio.domain.text import listed


@dataclass(frozen=True, slots=True)
class BoardPlan:
    """`text` is the plan with the board's tasks, the revision's own text where they are the same; `differs` says how the board
    differs: `1 edited, 1 dropped, 1 added`, or nothing."""

    text: str
    differs: str = ""


def board_plan(revision: Revision, tasks: Sequence[BuildTask]) -> BoardPlan:
    """The plan of a revision as its board stands. Tasks that the studio added, to answer feedback or findings, are no plan."""
    if tasks and all(one.plan_revision != revision.id for one in tasks):
        return BoardPlan(revision.text, "its tasks are those of an earlier text")
    try:
        plan = plans.kept(revision.text, revision.data)
    except BadInput:
        return BoardPlan(revision.text)
    planned = {one.id: one for one in plan.tasks}
    of_plan = [one for one in tasks if one.plan_revision == revision.id and (one.key in planned or one.edited_by)]
    dropped = {one.key for one in of_plan if one.status is TaskStatus.DROPPED}
    now = tuple(_planned(one, dropped) for one in of_plan if one.key not in dropped)
    edited = sum(1 for one in now if one.id in planned and one != _without(planned[one.id], dropped))
    added = sum(1 for one in now if one.id not in planned)
    gone = sum(1 for key in dropped if key in planned)
    kept = [one.id for one in now if one.id in planned]
    counts = ((edited, "edited"), (gone, "dropped"), (added, "added"))
    words = [f"{count} {word}" for count, word in counts if count]
    if kept != [one.id for one in plan.tasks if one.id in kept]:
        words.append("in another order")
    if not of_plan or not words:
        return BoardPlan(revision.text)
    return BoardPlan(plans.render(replace(plan, tasks=now)), ", ".join(words))


@dataclass(frozen=True, slots=True)
class Kept:
    """A task of a plan that a person wrote, merged with the board of the text before. `by` is who changed it there. `row` is its
    row there, where what was done at it holds under this text too. `cut` are needs from that board that do not go with the text."""

    task: PlannedTask
    dropped: bool = False
    by: str = ""
    row: str = ""
    cut: tuple[str, ...] = ()


def carried(before: Revision, board: Sequence[BuildTask], plan: plans.Plan) -> list[Kept]:
    """The tasks of a person's `plan`, merged three ways, field by field: what it changes against the text `before` counts, else
    what the `board` has. Tasks that the board alone has stay; so does its order where the plan leaves that of the text before.
    Of a plan without tasks there is nothing to merge."""
    try:
        old = {one.id: one for one in plans.kept(before.text, before.data).tasks}
    except BadInput:
        old = {}
    named = {task.id: task for task in plan.tasks}
    rows = {one.key: one for one in board if one.plan_revision == before.id}
    found = [_merged(task, old, rows.get(task.id), set(old) - set(named)) for task in plan.tasks]
    if not found:
        return []
    found += [_kept(one) for key, one in rows.items() if key not in named and key not in old and not _stands_in(one)]
    if [key for key in named if key in old] == [key for key in old if key in named]:
        found = _in_order_of(rows, found)
    return _without_circles(found, named)


def worked(before: Revision, board: Sequence[BuildTask], plan: plans.Plan) -> list[Kept]:
    """The tasks of a model's `plan`, which was shown the board and says what holds now. What is done and asked for in the same
    words is not done again, and what the studio added, to answer feedback or findings, stays."""
    try:
        old = {one.id for one in plans.kept(before.text, before.data).tasks}
    except BadInput:
        old = set()
    named = {task.id for task in plan.tasks}
    rows = {one.key: one for one in board if one.plan_revision == before.id}
    done = {key: one for key, one in rows.items() if one.status is TaskStatus.DONE}
    found = [
        replace(_kept(row), task=task)
        if (row := done.get(task.id)) is not None and replace(_planned(row, set()), priority=task.priority) == task
        else Kept(task)
        for task in plan.tasks
    ]
    own = [one for key, one in rows.items() if key not in named | old and not one.edited_by and not _stands_in(one)]
    return found + [_kept(one) for one in own] if found else []


def cut_words(kept: Sequence[Kept]) -> str:
    """A sentence on the needs that were given on the board and that a text does not allow; empty without any."""
    lost = [f"{one.task.id!r} no longer needs {listed(one.cut)}" for one in kept if one.cut]
    return f"It does not go with what was changed on the board: {'; '.join(lost)}." if lost else ""


def _merged(task: PlannedTask, old: Mapping[str, PlannedTask], row: BuildTask | None, gone: set[str]) -> Kept:
    before = old.get(task.id)
    if row is None:
        return Kept(task)
    if before is None:  # the text names a task that was added on the board
        return _kept(row) if _planned(row, set()) == task and row.status is not TaskStatus.DROPPED else Kept(task)
    # A need that went with the task it names is no change of this one.
    on_board = _planned(row, gone & set(before.needs))
    before = _without(before, gone)
    now = PlannedTask(
        task.id,
        on_board.title if task.title == before.title else task.title,
        on_board.type if task.type == before.type else task.type,
        on_board.description if task.description == before.description else task.description,
        on_board.priority if task.priority == before.priority else task.priority,
        on_board.needs if task.needs == before.needs else task.needs,
    )
    dropped = row.status is TaskStatus.DROPPED
    stays = dropped or now != task or task == before
    lives_on = now == on_board or _done_already(row, on_board, now)
    return Kept(now, dropped, row.edited_by if stays else "", row.id if lives_on else "")


def _done_already(row: BuildTask, asked: PlannedTask, now: PlannedTask) -> bool:
    """Whether what was done at a row is what a plan asks for `now`: the work is the description. Its title may be another then, and
    its priority, which is over with the work; without a description the title says what is to be done."""
    renamed = replace(asked, title=now.title if asked.description else asked.title, priority=now.priority)
    return row.status is TaskStatus.DONE and renamed == now


def _kept(task: BuildTask) -> Kept:
    return Kept(_planned(task, set()), task.status is TaskStatus.DROPPED, task.edited_by, task.id)


def _stands_in(task: BuildTask) -> bool:
    """Whether it is the one task of a plan without tasks, not done yet: the tasks that a plan now names are in its place."""
    return task.key == WHOLE_CHANGE and not task.edited_by and task.status is not TaskStatus.DONE


def _in_order_of(rows: Mapping[str, BuildTask], found: Sequence[Kept]) -> list[Kept]:
    """As the board has them, and what it does not have behind the task that it follows in the text."""
    by_key = {one.task.id: one for one in found}
    order = [key for key in rows if key in by_key]
    place = 0
    for key in by_key:
        if key not in rows:
            order.insert(place, key)
        place = order.index(key) + 1
    return [by_key[key] for key in order]


def _without_circles(found: Sequence[Kept], named: Mapping[str, PlannedTask]) -> list[Kept]:
    """Without the needs from the board whose task is gone, or that would make tasks wait for each other: the text's needs hold."""
    graph = {one.task.id: _of_text(one, named) for one in found}
    checked = []
    for one in found:
        key = one.task.id
        cut = []
        for need in one.task.needs:
            if need in graph[key]:
                continue
            if need in graph and not _waits(graph, need, key):
                graph[key] = (*graph[key], need)
            else:
                cut.append(need)
        task = _without(one.task, set(cut)) if cut else one.task
        checked.append(replace(one, task=task, cut=tuple(cut)))
    return checked


def _of_text(one: Kept, named: Mapping[str, PlannedTask]) -> tuple[str, ...]:
    """Its needs that the text has too: those hold, and are looked at before any of the board."""
    task = named.get(one.task.id)
    return tuple(need for need in one.task.needs if task is not None and need in task.needs)


def _waits(graph: Mapping[str, Sequence[str]], start: str, goal: str) -> bool:
    """Whether `start` is `goal`, or waits for it over any number of tasks."""
    seen, to_look = {start}, [start]
    while to_look:
        following = [need for need in graph.get(to_look.pop(), ()) if need not in seen]
        seen.update(following)
        to_look += following
    return goal in seen


def _planned(task: BuildTask, dropped: set[str]) -> PlannedTask:
    needs = tuple(need for need in task.needs if need not in dropped)
    return PlannedTask(task.key, task.title, task.type, task.description, task.priority, needs)


def _without(task: PlannedTask, dropped: set[str]) -> PlannedTask:
    return replace(task, needs=tuple(need for need in task.needs if need not in dropped))
