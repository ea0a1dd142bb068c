"""Findings of a change: what is open first; each settled with a word and a reason, or looked at in its file."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar, Literal

from msgspec.structs import replace

from studio.protocol.build_commands import SettleFinding, TakeKept
from studio.protocol.build_events import FindingChanged
from studio.protocol.build_queries import GetFindings, GetKept
from studio.protocol.build_views import FindingsView, FindingView, KeptView
from studio.protocol.events import AnyEvent
from studio.tui.presenters.code_diff import file_lines
from studio.tui.presenters.findings import CONFLICT, finding_rows, in_order, story, where
from studio.tui.presenters.lines import BLANK, Line
from studio.tui.screens.framed import Acts
from studio.tui.screens.listed import ListedScreen
from studio.tui.widgets.prompt_line import PromptLine

Settled = Literal["open", "waived", "intended", "false"]


class FindingsScreen(ListedScreen):
    scopes: ClassVar[tuple[str, ...]] = ("findings", "rows", "anywhere")
    part: ClassVar[float] = 0.5
    title_text = "Findings"

    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page
        self.view: FindingsView | None = None
        self.every = False
        self.kept: KeptView | None = None

    async def ask(self) -> None:
        self.view = await self.app.session.query(GetFindings(page=self.page))
        if self.view.findings and not self.view.open and not self.loaded:
            self.every = True

    def concerns(self, event: AnyEvent) -> bool:
        return isinstance(event, FindingChanged) and event.page == self.page

    def rows(self, width: int) -> list[Line]:
        found = in_order(self.view.findings, every=self.every) if self.view else []
        return [row for one in found for row in finding_rows(one, width, self.app.glyphs)]

    def nothing(self) -> str:
        settled = len(self.view.findings) if self.view else 0
        key = self.app.keymap.shown("findings.all")
        return f"Nothing is open. {key} shows {settled} settled." if settled else "Nothing was found yet."

    def detail_rows(self, width: int) -> list[Line]:
        rows = story(self.one, min(width, 90), datetime.now(UTC)) if self.one else []
        if self.kept is None or self.kept.diff is None or self.kept.finding != self.here:
            return rows
        return [*rows, BLANK, *file_lines(self.kept.diff, width, self.app.glyphs)]

    def about(self) -> str:
        return self.place_of(self.page)

    def said(self) -> str:
        if self.view is None:
            return ""
        settled = len(self.view.findings) - self.view.open
        return f"{self.view.open} open" + (f", {settled} settled" if settled else "")

    @property
    def one(self) -> FindingView | None:
        return next((one for one in self.view.findings if one.id == self.here), None) if self.view else None

    def acts(self) -> Acts:
        acts = super().acts()
        acts["findings.all"] = self.toggle_all
        one = self.one
        if one is None:
            return acts
        if one.path:
            acts["rows.open"] = self.open_file
        if one.source == CONFLICT and one.quote:
            acts["rows.open"] = lambda: self.compare(one)
            if one.state == "open":
                acts["findings.take"] = lambda: self.take(one)
                acts["findings.mine"] = lambda: self.settle(one, "intended", "Your text stays.")
        if one.state == "open":
            acts["findings.waive"] = lambda: self.with_reason(one, "waived")
            acts["findings.intended"] = lambda: self.with_reason(one, "intended")
            acts["findings.false"] = lambda: self.settle(one, "false", "")
        else:
            acts["findings.reopen"] = lambda: self.settle(one, "open", "")
        return acts

    def labels(self) -> dict[str, str]:
        return {"rows.open": "open the file"} if self.one is not None and self.one.path else {}

    async def open_file(self) -> None:
        """The file at its line, with the words of the finding above the footer: they stand on this screen alone."""
        one = self.one
        if one is not None:
            await self.app.open_screen("files", path=one.path, at=one.line)
            self.app.say(f"{where(one)}: {one.message}", "warning")

    async def compare(self, one: FindingView) -> None:
        """Your file against the worker's text, over the whole screen."""
        await self._look(one)
        self.zoom(whole=True)

    async def _look(self, one: FindingView) -> KeptView:
        self.kept = found = await self.app.session.query(GetKept(path=one.path, kept=one.quote))
        if found.finding != one.id:  # another conflict kept the same text
            self.kept = found = replace(found, finding=one.id)
        self.draw()
        return found

    async def take(self, one: FindingView) -> None:
        """Show what would change, and wait for the same key."""
        found = await self._look(one)

        async def go() -> None:
            done = await self.app.session.execute(TakeKept(path=one.path, kept=one.quote, seen=found.lying))
            await self.refresh_rows()
            self.app.say(done.message)

        key = self.app.keymap.shown("findings.take")
        words = f"{one.path} gets the worker's text, as shown. {key} again does it; yours becomes a version first."
        self.app.ask(words, "findings.take", go)

    async def with_reason(self, one: FindingView, state: Settled) -> None:
        """Ask why, on one line: the reason is kept and shown to the next reviewer."""

        async def settle(reason: str) -> None:
            await self.settle(one, state, reason)

        leave = self.app.keymap.shown("prompt.leave")
        missing = f"Say why it is {state}: the next reviewer is told so. {leave} leaves it open."
        prompt = PromptLine(f"{where(one)} is {state}, because", settle, needs=missing)
        await self.open_drawer(prompt, focus=prompt.input)

    async def settle(self, one: FindingView, state: Settled, reason: str) -> None:
        done = await self.app.session.execute(SettleFinding(finding=one.id, state=state, reason=reason))
        await self.refresh_rows()
        self.app.say(done.message)

    async def toggle_all(self) -> None:
        self.every = not self.every
        await self.refresh_rows()
