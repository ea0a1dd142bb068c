"""Follows the tasks of the change on the screen, and how far it is as a build. Nothing is asked of a project that writes no files."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from studio.domain.errors import StudioError
from studio.protocol import build_events as events
from studio.protocol.build_queries import GetBuild, GetTasks
from studio.protocol.build_views import BuildView, TasksView, TaskView
from studio.protocol.events import AnyEvent
from studio.tui.presenters.words import writes_files

if TYPE_CHECKING:
    from studio.tui.app import StudioApp

log = logging.getLogger(__name__)

GATHER = 0.4
"""Seconds between two questions for the tasks: three workers use several tools a second, and each is shown at once from its
event; what only the engine knows (cost, tries) may come a moment later."""


class BoardWatch:
    """`board` and `build` are those of the page on the screen, None before they are known and for a story."""

    def __init__(self, app: StudioApp) -> None:
        self._app = app
        self.board: TasksView | None = None
        self.build: BuildView | None = None
        self._asked_at = 0.0
        self._due: asyncio.TimerHandle | None = None
        self._shown: tuple[object, ...] = ()

    @property
    def since(self) -> float:
        """Whole seconds since the tasks were asked for."""
        return float(int(time.monotonic() - self._asked_at)) if self.board is not None else 0.0

    def turned(self, *, again: bool = False) -> None:
        """The page on the screen may be another one, or in another state; `again` asks although it is not."""
        page = self._app.session.page
        if page is None or not writes_files(self._app.session.project):
            self.board = self.build = None
            self._shown = ()
            return
        key = (page.id, page.version, page.state)
        if key == self._shown and not again:
            return
        if not self._shown or self._shown[0] != page.id:
            self.board = self.build = None
        self._shown = key
        self._app.spawn(self._ask(whole=True))

    def hear(self, event: AnyEvent) -> None:
        page = self._app.session.page
        if page is None or getattr(event, "page", None) != page.id:
            return
        match event:
            case events.TaskChanged():
                self._change(event.task, {"status": event.status} if event.status else {})
                self._soon()
            case events.ToolUsed():
                if event.task:
                    self._change(event.task, {"activity": event.line})
                self._soon()
            case events.FindingChanged() | events.VersionChanged() | events.HandedOff():
                self._soon()
            case _:
                pass

    def _change(self, task: str, fields: dict[str, str]) -> None:
        """Put what an event says of a task on the board at once; the figures follow."""
        if self.board is None or not fields:
            return
        tasks = tuple(_changed(one, fields) if one.id == task else one for one in self.board.tasks)
        self.board = replace(self.board, tasks=tasks)

    def _soon(self) -> None:
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(GATHER, self._now)

    def _now(self) -> None:
        self._due = None
        self._app.spawn(self._ask())

    async def _ask(self, *, whole: bool = False) -> None:
        session = self._app.session
        page = session.page
        if page is None or session.away or not session.connected:
            return
        running = session.live_on(page.id) is not None
        try:
            board = await session.query(GetTasks(page=page.id))
            build = await session.query(GetBuild(page=page.id)) if whole or not running else self.build
        except StudioError as error:
            log.info("the tasks are not known: %s", error)
            return
        if session.page is not None and session.page.id == page.id:
            self.board, self.build, self._asked_at = board, build, time.monotonic()
            if board.spend is not None:
                session.spent(board.spend)
            if not running or whole:
                self._app.workbench.show()


def _changed(task: TaskView, fields: dict[str, str]) -> TaskView:
    status = fields.get("status", task.status)
    began = status == "running" and task.status != "running"
    live = status == "running"
    return replace(task, status=status, live=live, activity=fields.get("activity", "" if began else task.activity))
