"""The tasks of a plan's text as rows of its board, and what is said where a person's text leaves the board as it was."""

from __future__ import annotations

from collections.abc import Sequence

from studio.domain import plan as plans
from studio.domain.board_plan import Kept, carried
from studio.domain.build import BuildTask, TaskStatus
from studio.domain.page import Origin, Revision
from studio.domain.text import counted
from studio.store import build_tasks, revisions
from studio.store.transaction import Tx


def plan_tasks(tx: Tx, page_id: str, revision: Revision) -> list[BuildTask]:
    """The rows of a plan's tasks. What people did to the board of the text before lives on under a person's text; a model is shown
    that board with its question instead. Raises BadInput for a text that cannot be read."""
    plan = plans.kept(revision.text, revision.data)
    kept = _of_a_person(tx, page_id, revision, plan) if revision.origin in (Origin.PERSON, Origin.MIRROR) else []
    rows = build_tasks.plan(tx, page_id, revision.id, [one.task for one in kept] or plan.tasks)
    own = {one.task.id: one for one in kept if one.by}
    return [_marked(tx, row, own[row.key]) if row.key in own else row for row in rows]


def _of_a_person(tx: Tx, page_id: str, revision: Revision, plan: plans.Plan) -> Sequence[Kept]:
    before = build_tasks.newest_plan(tx, page_id)
    if before is None or before == revision.id:
        return []
    return carried(revisions.get(tx, before), build_tasks.listing(tx, page_id, before), plan)


def _marked(tx: Tx, row: BuildTask, kept: Kept) -> BuildTask:
    status = TaskStatus.DROPPED if kept.dropped else row.status
    return build_tasks.update(tx, row.id, status=status, edited_by=kept.by)


def board_stays(tx: Tx, revision: Revision) -> str:
    """A sentence where a person's text of a plan names no task: what is worked at is still the board of the text before."""
    if build_tasks.newest_plan(tx, revision.page_id) == revision.id:
        return ""
    tasks = build_tasks.listing(tx, revision.page_id)
    if not tasks:
        return "It names no task; add some to its board before the work starts."
    return f"It names no task: the board keeps its {counted(len(tasks), 'task')}."
