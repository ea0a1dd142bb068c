"""The tasks of a plan's text as rows of its board, and what is said where a person's text leaves the board as it was."""

from __future__ import annotations

from studio.domain import plan as plans
from studio.domain.board_plan import Kept, carried, cut_words, worked
from studio.domain.build import TASKS_LIMIT, BuildTask, TaskStatus
from studio.domain.errors import BadInput, Refused
from studio.domain.page import Origin, Revision
from studio.domain.text import counted
from studio.store import build_tasks, revisions
from studio.store.transaction import Tx

_OF_A_PERSON = (Origin.PERSON, Origin.MIRROR, Origin.RESTORE)


def plan_tasks(tx: Tx, page_id: str, revision: Revision) -> list[BuildTask]:
    """The rows of a plan's tasks. What was done to the board of the text before, by people and by workers, lives on under a person's
    text; a model is shown that board with its question, and only work that is done lives on under its text.

    Raises BadInput for a text that cannot be read, Refused for one that makes more tasks than a plan may have.
    """
    plan = plans.kept(revision.text, revision.data)
    kept = _merged(tx, revision, plan)
    if not kept:
        return build_tasks.plan(tx, page_id, revision.id, plan.tasks)
    _refuse_many(kept, plan)
    rows = build_tasks.plan(tx, page_id, revision.id, [one.task for one in kept if not one.row])
    ids = {row.key: row.id for row in rows}
    for one in kept:
        if one.row:
            build_tasks.carry(tx, one.row, revision.id, one.task)
        elif one.by or one.dropped:
            status = TaskStatus.DROPPED if one.dropped else TaskStatus.PLANNED
            build_tasks.update(tx, ids[one.task.id], status=status, edited_by=one.by)
    build_tasks.reorder(tx, [one.row or ids[one.task.id] for one in kept])
    return build_tasks.listing(tx, page_id, revision.id)


def _merged(tx: Tx, revision: Revision, plan: plans.Plan) -> list[Kept]:
    before = build_tasks.newest_plan(tx, revision.page_id)
    if before is None or before == revision.id:
        return []
    merge = carried if revision.origin in _OF_A_PERSON else worked
    return merge(revisions.get(tx, before), build_tasks.listing(tx, revision.page_id, before), plan)


def _refuse_many(kept: list[Kept], plan: plans.Plan) -> None:
    """Tasks that the studio added, to answer feedback or findings, do not count: nobody could take them out."""
    named = {one.id for one in plan.tasks}
    count = sum(1 for one in kept if one.by or one.task.id in named)
    if count > TASKS_LIMIT:
        raise Refused(
            f"The plan has {count} tasks; at most {TASKS_LIMIT} are allowed.",
            hint=f"The text names {len(named)}, the others were added on its board: name fewer.",
        )


def not_carried(tx: Tx, revision: Revision) -> str:
    """A sentence on what of the board a person's new text does not allow, asked for before its rows are made."""
    try:
        return cut_words(_merged(tx, revision, plans.kept(revision.text, revision.data)))
    except BadInput:
        return ""


def board_stays(tx: Tx, revision: Revision) -> str:
    """A sentence where a person's text of a plan names no task: what is worked at is still the board of the text before."""
    if build_tasks.newest_plan(tx, revision.page_id) == revision.id:
        return ""
    tasks = build_tasks.listing(tx, revision.page_id)
    if not tasks:
        return "It names no task; add some to its board before the work starts."
    return f"It names no task: the board keeps its {counted(len(tasks), 'task')}."
