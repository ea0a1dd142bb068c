"""The board of a change: its tasks with live workers; edited, added, dropped and reordered before the work starts."""

from __future__ import annotations

import time
from typing import ClassVar

from studio.protocol.build_commands import DropTask, MoveTask
from studio.protocol.build_events import TaskChanged, ToolUsed
from studio.protocol.build_queries import GetTasks
from studio.protocol.build_views import TasksView, TaskView
from studio.protocol.commands import Done
from studio.protocol.events import AnyEvent, PageChanged
from studio.tui.actions.composing import compose
from studio.tui.presenters import composing
from studio.tui.presenters.board import BoardLook, counts, look_at, task_row, task_story
from studio.tui.presenters.lines import Line
from studio.tui.screens.framed import Acts
from studio.tui.screens.listed import ListedScreen

_UNSTARTED = ("planned", "waiting", "dropped")
_CAME_TO_NOTHING = ("interrupted", "failed", "skipped", "dropped")
"""Those that may be dropped, or taken in again, though they were worked at."""


class TasksScreen(ListedScreen):
    """While workers are at it the rows change by the engine's events; figures are asked for again with them."""

    scopes: ClassVar[tuple[str, ...]] = ("tasks", "rows", "anywhere")
    part: ClassVar[float] = 0.58
    title_text = "Tasks"

    def __init__(self, page: str, task: str | None = None) -> None:
        super().__init__()
        self.page, self._first = page, task
        self.board: TasksView | None = None
        self._asked_at = 0.0

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(1.0, self._tick)

    def _tick(self) -> None:
        """The time of tasks at work; nothing is painted while none is."""
        if self.board is not None and any(task.live for task in self.board.tasks):
            self.list.show()

    async def ask(self) -> None:
        self.board = await self.app.session.query(GetTasks(page=self.page))
        self._asked_at = time.monotonic()
        if self._first is not None:
            self.list.cursor, self._first = self._first, None

    def concerns(self, event: AnyEvent) -> bool:
        return isinstance(event, TaskChanged | ToolUsed | PageChanged) and event.page == self.page

    def nothing(self) -> str:
        return "No tasks yet. The plan makes them; once it is drafted they can be changed here."

    def rows(self, width: int) -> list[Line]:
        look = BoardLook(width, self.app.glyphs, float(int(time.monotonic() - self._asked_at)))
        if self.board is None:
            return []
        look = look_at(self.board, look)
        return [task_row(task, look, task.id) for task in self.board.tasks]

    def detail_rows(self, width: int) -> list[Line]:
        return task_story(self.row, min(width, 90), self.board) if self.row and self.board else []

    def about(self) -> str:
        return self.place_of(self.page)

    def said(self) -> str:
        if self.board is None:
            return ""
        closed = "" if self.board.editable or not self.board.tasks else "closed to changes"
        return "   ".join(filter(None, (counts(self.board), closed)))

    @property
    def row(self) -> TaskView | None:
        return next((task for task in self.board.tasks if task.id == self.here), None) if self.board else None

    def acts(self) -> Acts:
        acts = super().acts()
        board, task = self.board, self.row
        if board is None or not board.editable:
            return acts
        acts["tasks.new"] = self.add
        if task is not None and task.status in _UNSTARTED and not task.attempts:
            acts["tasks.edit"] = self.edit
            acts["tasks.drop"] = self.drop
            acts["tasks.down"] = lambda: self.move(task, 1)
            acts["tasks.up"] = lambda: self.move(task, -1)
        elif task is not None and task.status in _CAME_TO_NOTHING:
            acts["tasks.drop"] = self.drop
        return acts

    def why_not(self, action_id: str) -> str:
        board, task = self.board, self.row
        if not action_id.startswith("tasks.") or board is None:
            return ""
        if any(one.live for one in board.tasks):
            return "The board is closed to changes: workers are at this change."
        if not board.editable:
            return "The board is closed to changes: the tasks of this change are done with."
        if task is None:
            return "There is no task to do this with."
        new = self.app.keymap.shown("tasks.new")
        return f"This task was worked at already: it is {task.status}, and stays as it is; {new} adds another."

    async def edit(self) -> None:
        page = self.app.session.page
        if page is not None and page.id == self.page:
            await compose(self.app, composing.task(page, self.row))

    async def add(self) -> None:
        page = self.app.session.page
        if page is not None and page.id == self.page:
            await compose(self.app, composing.task(page, None))

    async def sent(self, done: Done) -> None:
        """The cursor on the task that was written."""
        self._first = done.task
        await self.refresh_rows()

    async def drop(self) -> None:
        task = self.row
        if task is None:
            return
        done = await self.app.session.execute(DropTask(task=task.id, dropped=task.status != "dropped"))
        await self.refresh_rows()
        self.app.say(done.message)

    async def move(self, task: TaskView, step: int) -> None:
        await self.app.session.execute(MoveTask(task=task.id, position=task.position + step))
        await self.refresh_rows()
