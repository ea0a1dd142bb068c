"""A plan against its board, which a person may have changed since: the plan as it holds now, the difference in words, and what of
the board lives on when a person writes the plan anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from studio.domain import plan as plans
from studio.domain.build import BuildTask, PlannedTask, TaskStatus
from studio.domain.errors import BadInput
from studio.domain.page import Revision


@dataclass(frozen=True, slots=True)
class BoardPlan:
    """`text` is the plan with the board's tasks, the revision's own text where they are the same; `differs` says how the board
    differs: `1 edited, 1 left out, 1 added`, or nothing."""

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
    left_out = sum(1 for key in dropped if key in planned)
    kept = [one.id for one in now if one.id in planned]
    counts = ((edited, "edited"), (left_out, "left out"), (added, "added"))
    words = [f"{count} {word}" for count, word in counts if count]
    if kept != [one.id for one in plan.tasks if one.id in kept]:
        words.append("in another order")
    if not of_plan or not words:
        return BoardPlan(revision.text)
    return BoardPlan(plans.render(replace(plan, tasks=now)), ", ".join(words))


@dataclass(frozen=True, slots=True)
class Kept:
    """A task of a plan that a person wrote: as planned there, or as somebody had it on the board of the text before (`by`)."""

    task: PlannedTask
    dropped: bool = False
    by: str = ""


def carried(before: Revision, board: Sequence[BuildTask], plan: plans.Plan) -> list[Kept]:
    """The tasks of a person's `plan`, merged three ways: where it leaves a task as the text `before` had it, what was done to
    that task on the `board` stays; tasks that were added there stay behind the others, unless the plan is without tasks."""
    try:
        old = {one.id: one for one in plans.kept(before.text, before.data).tasks}
    except BadInput:
        old = {}
    own = {one.key: one for one in board if one.plan_revision == before.id and one.edited_by}
    found = []
    for task in plan.tasks:
        on_board = own.get(task.id)
        found.append(_kept(on_board) if on_board is not None and old.get(task.id) == task else Kept(task))
    named = {task.id for task in plan.tasks}
    added = [_kept(one) for key, one in own.items() if key not in named and key not in old]
    return found + (added if found else [])


def _kept(task: BuildTask) -> Kept:
    return Kept(_planned(task, set()), task.status is TaskStatus.DROPPED, task.edited_by)


def _planned(task: BuildTask, dropped: set[str]) -> PlannedTask:
    needs = tuple(need for need in task.needs if need not in dropped)
    return PlannedTask(task.key, task.title, task.type, task.description, task.priority, needs)


def _without(task: PlannedTask, dropped: set[str]) -> PlannedTask:
    return replace(task, needs=tuple(need for need in task.needs if need not in dropped))
