"""Views of the board of a change: its tasks, and who is at them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from studio.domain.board_plan import board_plan
from studio.domain.build import TASK_TYPES, BuildTask, TaskStatus
from studio.domain.workflow import OutputKind
from studio.engine.handlers.board import board_closed
from studio.engine.limits import spend
from studio.engine.open_project import OpenProject
from studio.protocol import build_queries as q
from studio.protocol import build_views as v
from studio.store import build_tasks, builds, pages, revisions, tool_uses
from studio.store.transaction import Tx


@dataclass(frozen=True, slots=True)
class Work:
    """What workers did, by task: how many calls and the line of the last, and what it cost. `now` is the time of looking."""

    now: datetime
    calls: dict[str, tuple[int, str]] = field(default_factory=dict)
    costs: dict[str, float] = field(default_factory=dict)
    live: bool = False


async def get_tasks(project: OpenProject, query: q.GetTasks, actor: str) -> v.TasksView:
    def read(tx: Tx) -> v.TasksView:
        page = pages.resolve(tx, query.page, final_state=project.workflow.final_state)
        work = Work(
            now=tx.now,
            calls=tool_uses.last_of_tasks(tx, page.id),
            costs=tool_uses.costs_of_tasks(tx, page.id),
            live=project.live.of_page(page.id) is not None,
        )
        tasks = build_tasks.listing(tx, page.id)
        return v.TasksView(
            page=page.id,
            tasks=tuple(task_view(task, work) for task in tasks),
            editable=not board_closed(project, tx, page),
            types=dict(TASK_TYPES),
            workers=project.settings.app.workers,
            spend=spend(tx, project.settings.limits),
            build_id=built.build_id if (built := builds.get(tx, page.id)) else "",
            differs=_differs(project, tx, page.id, tasks),
        )

    return await project.store.read(read)


def _differs(project: OpenProject, tx: Tx, page_id: str, tasks: list[BuildTask]) -> str:
    planning = next((stage.name for stage in project.workflow.stages if stage.output is OutputKind.PLAN), None)
    head = revisions.head(tx, page_id, planning) if planning and tasks else None
    return board_plan(head, tasks).differs if head is not None else ""


def task_view(task: BuildTask, work: Work) -> v.TaskView:
    calls, line = work.calls.get(task.id, (0, ""))
    running = task.status is TaskStatus.RUNNING
    return v.TaskView(
        id=task.id,
        page=task.page_id,
        key=task.key,
        position=task.position,
        title=task.title,
        type=task.type,
        description=task.description,
        priority=task.priority,
        needs=task.needs,
        status=task.status.value,
        attempts=task.attempts,
        model=task.model or "",
        summary=task.summary,
        error=task.error,
        elapsed=_elapsed(task, work.now),
        live=running and work.live,
        activity=line,
        calls=calls,
        cost_usd=work.costs.get(task.id),
        edited_by=task.edited_by,
    )


def _elapsed(task: BuildTask, now: datetime) -> float | None:
    """Seconds of work; None when it was not begun, or was left without an end by a crash."""
    if task.started_at is None:
        return None
    end = task.ended_at or (now if task.status is TaskStatus.RUNNING else None)
    return None if end is None else max((end - task.started_at).total_seconds(), 0.0)
