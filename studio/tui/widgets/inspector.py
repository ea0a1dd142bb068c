"""The inspector pane: one of four tabs about the page on the screen, asked for when it is looked at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from studio.domain.errors import StudioError
from studio.protocol.queries import GetContext, GetCosts, GetHistory
from studio.protocol.views import ContextView, CostsView, FeedbackView, HistoryView
from studio.tui.actions.conditions import is_app
from studio.tui.presenters import inspector
from studio.tui.presenters.lines import BLANK, Line, line, wrap
from studio.tui.presenters.progress import progress_lines
from studio.tui.widgets.line_view import LineView

MOST = 72
"""Cells of a row at most, where the inspector has the whole screen."""


class Inspector(LineView):
    """While an answer is on its way it shows a sign of waiting, and never what was said of another page."""

    scopes: ClassVar = ("inspector", "workbench", "anywhere")

    def __init__(self) -> None:
        super().__init__(id="inspector")
        self.tab = inspector.TABS[0]
        self.context: ContextView | None = None
        self.history: HistoryView | None = None
        self.costs: CostsView | None = None
        self.problem = ""
        self._loaded: tuple[object, ...] = ()
        self._page: str | None = None

    @property
    def text_width(self) -> int:
        return min(super().text_width, MOST)

    def prepare(self, width: int) -> None:
        self._ask()
        width = self.text_width - 1
        tabs = (*inspector.TABS, inspector.PROGRESS) if is_app(self.app) else inspector.TABS
        rows = [inspector.tabs_line(self.tab, width, tabs), BLANK]
        if self.problem:
            rows += [line((row, "warn")) for row in wrap(self.app.words.put(self.problem), width)]
        else:
            rows += self._rows(width)
        self.set_lines(rows, full=True)  # rows that came above the cursor push nothing out where all of them fit
        self._to_a_note()

    def _rows(self, width: int) -> list[Line]:
        session, glyphs = self.app.session, self.app.glyphs
        known = {"context": self.context, "history": self.history, "costs": self.costs}
        if session.page is not None and known.get(self.tab, self) is None:
            return [line((glyphs.more, "dim"))]
        if self.tab == inspector.PROGRESS:
            watch = self.app.board
            return progress_lines(watch.build, watch.board, width, glyphs)
        if self.tab == "context":
            return inspector.context_lines(self.context, width, glyphs, self.app.words)
        if self.tab == "notes":
            return inspector.notes_lines(session.page, width, glyphs)
        if self.tab == "history":
            return inspector.history_lines(self.history, width, glyphs, datetime.now(UTC))
        spend = session.project.spend if session.project else None
        board = self.app.board.board
        tasks = board.tasks if board is not None else ()
        return inspector.costs_lines(self.costs, spend, session.page, width, self.app.words, tasks)

    def note(self) -> FeedbackView | None:
        """What the cursor is on in the notes."""
        page = self.app.session.page
        notes = [note for cell in page.cells for note in cell.notes] if page else []
        return next((note for note in notes if self.cursor == ("note", note.id)), None) if self.tab == "notes" else None

    def on_focus(self) -> None:
        self._to_a_note()

    def _to_a_note(self) -> None:
        """In the notes the cursor stands on one from the start: keys act on it."""
        if self.tab == "notes" and self.screen.focused is self and self.cursor is None and self.stops:
            self.set_cursor(self.stops[0][0], scroll=False)

    def open_tab(self, tab: str) -> None:
        if tab != self.tab:
            self.tab, self.problem = tab, ""
            self.top, self.cursor = 0, None
        self.show()

    def show(self, *, again: bool = False) -> None:
        """Draw what is known. `again` asks although the page is the same (canon or a template changed)."""
        if again:
            self._loaded = ()
        if self.display and self.size.width:
            self.prepare(self.size.width)

    def _ask(self) -> None:
        """Ask for what the open tab shows, once per version of the page."""
        page = self.app.session.page
        # A note changes the next prompt, not the page.
        notes = sum(len(cell.notes) for cell in page.cells) if page else 0
        key = (self.tab, page.id, page.version, page.state, notes) if page else ()
        if key == self._loaded:
            return
        self._loaded = key
        if page is None or page.id != self._page:
            self._page = page.id if page else None
            self.context = self.history = self.costs = None
            self.problem = ""
            self.top, self.cursor = 0, None
        if page is not None and self.tab not in ("notes", inspector.PROGRESS):
            self.app.spawn(self._load(key, page.id))

    async def _load(self, key: tuple[object, ...], page: str) -> None:
        ask = self.app.session.query
        context, history, costs, problem = self.context, self.history, self.costs, ""
        try:
            if key[0] == "context":
                context = await ask(GetContext(page=page, price=False, likely=True))
            elif key[0] == "history":
                history = await ask(GetHistory(page=page))
            else:
                costs = await ask(GetCosts(page=page, executions=True))
        except StudioError as error:
            context = None
            problem = str(error)
        if key == self._loaded:
            self.context, self.history, self.costs, self.problem = context, history, costs, problem
            self.prepare(self.size.width)
