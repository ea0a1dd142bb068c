"""The tool log and the audit trail of a change: every call and every step, newest last, each in full beside the list."""

from __future__ import annotations

from typing import ClassVar

from studio.protocol.build_events import FindingChanged, HandedOff, ToolUsed, VersionChanged
from studio.protocol.build_queries import GetAudit, GetTasks, GetToolLog
from studio.protocol.build_views import AuditLine, AuditView, ToolCallView, ToolLogView
from studio.protocol.events import AnyEvent, PageChanged
from studio.tui.presenters.lines import Line
from studio.tui.presenters.trail import audit_row, audit_story, call_row, call_story
from studio.tui.screens.framed import Acts
from studio.tui.screens.listed import ListedScreen


class TrailScreen(ListedScreen):
    """Opens at the newest row, and follows it while the cursor is there."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page

    async def refresh_rows(self) -> None:
        stops = self.list.stops
        last = not self.loaded or not stops or stops[-1][0] == self.list.cursor
        await super().refresh_rows()
        if last and self.is_mounted and self.list.stops and self.list.stops[-1][0] != self.list.cursor:
            self.list.set_cursor(self.list.stops[-1][0])
            await self.show_row()

    def about(self) -> str:
        return self.place_of(self.page)


class ToolLogScreen(TrailScreen):
    scopes: ClassVar[tuple[str, ...]] = ("tools", "rows", "anywhere")
    part: ClassVar[float] = 0.5
    title_text = "Tool log"

    def __init__(self, page: str) -> None:
        super().__init__(page)
        self.view: ToolLogView | None = None
        self.tasks: dict[str, str] = {}
        self.problems = False

    async def ask(self) -> None:
        ask = self.app.session.query
        self.view = await ask(GetToolLog(page=self.page))
        self.tasks = {task.id: task.key for task in (await ask(GetTasks(page=self.page))).tasks}

    def concerns(self, event: AnyEvent) -> bool:
        return isinstance(event, ToolUsed) and event.page == self.page

    def nothing(self) -> str:
        if self.problems and self.view is not None and self.view.calls:
            key, count = self.app.keymap.shown("tools.problems"), len(self.view.calls)
            return f"No call failed or was refused; {key} shows all {count}."
        return "No tool was used yet. Every call will stand here, with what it was given and what it answered."

    def rows(self, width: int) -> list[Line]:
        calls = self.view.calls if self.view else ()
        shown = [one for one in calls if one.status != "ok" or not self.problems]
        return [call_row(one, self.tasks, width, self.app.glyphs) for one in shown]

    @property
    def one(self) -> ToolCallView | None:
        return next((one for one in self.view.calls if one.id == self.here), None) if self.view else None

    def detail_rows(self, width: int) -> list[Line]:
        return call_story(self.one, self.tasks, width) if self.one else []

    def said(self) -> str:
        if self.view is None:
            return ""
        bad = sum(1 for one in self.view.calls if one.status != "ok")
        left = f", the last {len(self.view.calls)} here" if self.view.total > len(self.view.calls) else ""
        return f"{self.view.total} call{'s' if self.view.total != 1 else ''}{left}" + (
            f", {bad} did not work" if bad else ""
        )

    def acts(self) -> Acts:
        return {**super().acts(), "tools.problems": self.toggle_problems}

    async def toggle_problems(self) -> None:
        self.problems = not self.problems
        await self.refresh_rows()
        self.app.say("Only calls that did not work or were refused." if self.problems else "All calls.")


class AuditScreen(TrailScreen):
    scopes: ClassVar[tuple[str, ...]] = ("rows", "anywhere")
    part: ClassVar[float] = 0.56
    title_text = "Audit trail"

    def __init__(self, page: str) -> None:
        super().__init__(page)
        self.view: AuditView | None = None

    async def ask(self) -> None:
        self.view = await self.app.session.query(GetAudit(page=self.page))

    def concerns(self, event: AnyEvent) -> bool:
        kinds = (PageChanged, HandedOff, ToolUsed, VersionChanged, FindingChanged)
        return isinstance(event, kinds) and event.page == self.page

    def nothing(self) -> str:
        return "Nothing has happened yet."

    def rows(self, width: int) -> list[Line]:
        return [audit_row(one, width, self.app.glyphs) for one in self.view.lines] if self.view else []

    @property
    def one(self) -> AuditLine | None:
        return next((one for one in self.view.lines if one.seq == self.here), None) if self.view else None

    def detail_rows(self, width: int) -> list[Line]:
        return audit_story(self.one, min(width, 90)) if self.one else []

    def said(self) -> str:
        if self.view is None:
            return ""
        more = f" after {self.view.left_out} older ones" if self.view.left_out else ""
        return f"{len(self.view.lines)} steps{more}"
