"""An approved plan against its board, which a person may have changed since: the plan as it holds now, and the difference in words."""

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


def _planned(task: BuildTask, dropped: set[str]) -> PlannedTask:
    needs = tuple(need for need in task.needs if need not in dropped)
    return PlannedTask(task.key, task.title, task.type, task.description, task.priority, needs)


def _without(task: PlannedTask, dropped: set[str]) -> PlannedTask:
    return replace(task, needs=tuple(need for need in task.needs if need not in dropped))
