"""Search in pages and canon: results as one types; enter goes there, and n and N go on from the page."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

from textual.timer import Timer

from studio.domain.errors import StudioError
from studio.protocol.queries import Search
from studio.protocol.views import SearchView
from studio.tui.actions.looking import show_hit
from studio.tui.presenters.lines import Line
from studio.tui.presenters.search import Hits, hit_row, numbers, places, summary
from studio.tui.screens.pick import PickScreen
from studio.tui.widgets.pick_list import empty_row

_PAUSE = 0.12
"""Seconds without a key before the engine is asked."""


class SearchScreen(PickScreen):
    placeholder = "words in pages and canon"

    def __init__(self, typed: str = "") -> None:
        super().__init__(typed)
        self.found: Hits | None = None
        self.problem = ""
        self._timer: Timer | None = None
        self._asked = 0

    def on_mount(self) -> None:
        super().on_mount()
        if self.typed.strip():
            self.query_line.action_select_all()  # words from before: typing replaces them, enter takes them again
            self.app.spawn(self.ask())

    def show_head(self) -> None:
        found = summary(self.found) if self.found else ""
        self.head.say(self.title_spans("Search"), ((found, "dim"),))

    def typed_changed(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_PAUSE, lambda: self.app.spawn(self.ask()))

    async def ask(self) -> None:
        """Ask the engine for what is typed; an answer that comes after a newer question is dropped."""
        self._asked += 1
        mine, text = self._asked, self.typed.strip()
        self.problem = ""
        try:
            view = await self.app.session.query(Search(text=text)) if text else SearchView(hits=(), more=False)
        except StudioError as error:
            view, self.problem = SearchView(hits=(), more=False), str(error)
        if mine == self._asked and self.is_mounted:
            self.found = Hits(text, view.hits, more=view.more) if text else None
            self.refresh_rows(first=True)

    def rows(self, typed: str, width: int) -> Sequence[Line]:
        if self.problem:
            return empty_row(self.problem)
        if self.found is None:
            return empty_row("Type to search; results come as you type.")
        project = self.app.session.project
        known = numbers(places(project)) if project else {}
        rows = [hit_row(hit, known, width, at, self.app.glyphs.more) for at, hit in enumerate(self.found.hits)]
        return rows or empty_row("Nothing found.")

    async def take(self) -> None:
        """Enter typed before the answer came waits for it, so that quick typing goes where it meant to."""
        if self._timer is not None:
            self._timer.stop()
        if self.found is None or self.found.text != self.typed.strip():
            await self.ask()
        await super().take()

    async def choose(self, stop: Hashable) -> None:
        if self.found is None or not isinstance(stop, int):
            return
        self.app.hits = replace(self.found, at=stop)
        await self.leave()
        await show_hit(self.app)
