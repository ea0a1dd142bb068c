"""The main screen: header, outline, page, inspector, footer; which panes stand side by side at which width, and what ticks."""

from __future__ import annotations

import time
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widget import Widget

from studio.protocol.events import (
    AnyEvent,
    CanonReloaded,
    Delta,
    MirrorConflict,
    Notice,
    PageChanged,
    RunEnded,
    RunSnapshot,
    RunStarted,
    TemplateReloaded,
)
from studio.tui.message import Level
from studio.tui.place import PlaceKeeper
from studio.tui.presenters.outcomes import done_words, stopped_words
from studio.tui.presenters.people import done_by_another
from studio.tui.presenters.warnings import place
from studio.tui.presenters.words import writes_in
from studio.tui.screens.base import StudioScreen
from studio.tui.widgets.footer import Footer
from studio.tui.widgets.header import Header
from studio.tui.widgets.inspector import Inspector
from studio.tui.widgets.line_view import LineView
from studio.tui.widgets.outline import Outline
from studio.tui.widgets.page_view import PageView
from studio.tui.widgets.wall import Wall

TWO_PANES = 100
THREE_PANES = 120
_INFO_STAYS = 8.0
"""Seconds until an information goes by itself; a question or an error waits for a key."""
_LEVELS: dict[str, Level] = {"warning": "warning", "error": "error"}


class Workbench(StudioScreen):
    """Panes fold with the width: the page alone below 100 columns, two panes below 120; a folded pane that is looked at stands in
    the page's place, all of it: half a line of prose beside it says nothing."""

    DEFAULT_CSS = """
    Workbench #panes { height: 1fr; }
    Workbench #middle { width: 1fr; height: 1fr; }
    """
    scopes: ClassVar = ("workbench", "anywhere")

    def __init__(self) -> None:
        super().__init__()
        self.header = Header(id="header")
        self.outline = Outline()
        self.page_view = PageView()
        self.inspector = Inspector()
        self.footer = Footer(id="footer")
        self.walls = Wall(id="left-wall"), Wall(id="right-wall")
        self.middle = Vertical(self.page_view, id="middle")
        self.drawer: Widget | None = None
        self._before_drawer: LineView | None = None
        self.place = PlaceKeeper(self)
        self._ticking: Timer | None = None
        self._ticked = -1
        self._folded_for: tuple[int, LineView | None] = (0, None)
        self._message_timer: Timer | None = None

    def compose(self) -> ComposeResult:
        yield self.header
        with Horizontal(id="panes"):
            yield self.outline
            yield self.walls[0]
            yield self.middle
            yield self.walls[1]
            yield self.inspector
        yield self.footer

    def on_mount(self) -> None:
        self.fold_panes()
        self.page_view.focus()

    def on_resize(self, event: events.Resize) -> None:
        self.fold_panes()

    # Panes

    def fold_panes(self) -> None:
        """Which panes stand for the width of the screen; one that is looked at and has no place stands where the page does."""
        width, used = self.app.size.width, self.pane_in_use()
        if (width, used) == self._folded_for:
            return
        self._folded_for = (width, used)
        stands: dict[Widget, bool] = {self.outline: width >= TWO_PANES, self.inspector: width >= THREE_PANES}
        covering = used if used in stands and not stands[used] else None
        inspector = 28 if width < 132 else 34 if width < 150 else 42
        beside: dict[Widget, int] = {self.outline: 24 if width < 140 else 30, self.inspector: inspector}
        self.middle.display = covering is None
        for (pane, has_place), wall in zip(stands.items(), self.walls, strict=True):
            pane.styles.width = "1fr" if pane is covering else beside[pane]
            pane.display = has_place or pane is covering
            wall.display = has_place

    def pane_in_use(self) -> LineView | None:
        """The pane with the focus, or the one from which the line above the footer was opened."""
        focused = self.focused
        if self._before_drawer is not None:
            return self._before_drawer
        return focused if isinstance(focused, LineView) else None

    def cycle(self, step: int) -> None:
        """The focus to the next pane (1) or the one before (-1)."""
        panes: list[LineView] = [self.outline, self.page_view, self.inspector]
        here = next((n for n, pane in enumerate(panes) if pane is self.focused), 1)
        self.to_pane(panes[(here + step) % 3])

    def to_pane(self, pane: LineView) -> None:
        """The focus into a pane, which shows the page on the screen as it is now."""
        pane.display = self.middle.display = True
        self._folded_for = (0, None)
        self.set_focus(pane, scroll_visible=False)
        self.fold_panes()
        self.show()

    def on_descendant_focus(self) -> None:
        self.fold_panes()
        self.show_footer()

    def on_line_view_cursor_moved(self, event: LineView.CursorMoved) -> None:
        if event.view is self.page_view:
            self.place.moved()
        elif event.view in (self.outline, self.inspector):
            self.show_footer()

    # The drawer: what opens under the page, or above the footer over the full width

    async def open_drawer(self, widget: Widget, focus: Widget | None = None, *, across: bool = False) -> None:
        """Put `widget` under the page and the focus into it (or into `focus`); another one is closed first. With `across` it stands
        above the footer under all panes, and the pane that was in use stays and has the focus again after it."""
        await self.close_drawer()
        self.drawer = widget
        if across:
            self._before_drawer = self.pane_in_use()
            await self.mount(widget, before=self.footer)
        else:
            self.middle.display = True
            self._folded_for = (0, None)
            await self.middle.mount(widget)
        self.set_focus(focus or widget, scroll_visible=False)
        self.fold_panes()
        self.show_footer()

    async def close_drawer(self) -> None:
        """Take the drawer away; the focus goes back to where it was, the page as a rule."""
        widget, self.drawer = self.drawer, None
        pane, self._before_drawer = self._before_drawer or self.page_view, None
        if widget is not None:
            self.to_pane(pane)
            await widget.remove()
            self.show_footer()

    # What is shown

    def show(self) -> None:
        """Draw the session as it is now; only rows that changed are painted."""
        if not self.is_mounted:
            return
        self.outline.show()
        self.page_view.show()
        self.inspector.show()
        self._tick_if_needed()
        self.header.show(self._work())
        self.footer.show()
        self.app.terminal.show()
        self.place.moved()

    def tell_more(self) -> None:
        if self.is_mounted:
            self.footer.show_rule()

    def reading(self) -> LineView | None:
        """The page, also while the line above the footer is open; a pane that stands in its place."""
        return self.page_view if self.middle.display and self.drawer is None else super().reading()

    def show_footer(self) -> None:
        if self.is_mounted:
            self.footer.show()

    def show_message(self) -> None:
        if self._message_timer is not None:
            self._message_timer.stop()
            self._message_timer = None
        message = self.app.message
        if message is not None and message.level == "info":
            self._message_timer = self.set_timer(_INFO_STAYS, self.app.clear_message)
        self.show_footer()

    def hear(self, event: AnyEvent) -> None:
        """An event that is not only a change of the page: text that grows, ends, notices."""
        match event:
            case Delta() | RunStarted() | RunSnapshot():
                self._tick_if_needed()
            case RunEnded():
                self.page_view.stream()
                self._say_end(event)
            case Notice():
                self.app.say(f"{event.message} {event.hint}".strip(), _LEVELS.get(event.level, "info"))
            case TemplateReloaded():
                self._say_template(event)
            case PageChanged():
                self._say_other(event)
            case CanonReloaded():
                self.inspector.show(again=True)
            case MirrorConflict():
                self.app.say(f"{event.message} The other text is kept in {event.kept}.", "warning")
            case _:
                pass

    def _say_end(self, event: RunEnded) -> None:
        here = self.app.session.page
        if not event.error:
            self._say_done(event)
            return
        if here is None or here.id != event.page:
            self.app.say(f"A draft on another page failed: {event.error} {event.hint}".strip(), "error")
        elif not (self.middle.display and self.page_view.at_end):
            self.app.say(f"The draft failed: {event.error} {event.hint}".strip(), "error")

    def _say_done(self, event: RunEnded) -> None:
        """That a draft is whole, or was stopped without a word, of which the page keeps no trace. What waits for a key, or
        went wrong, stays in its place."""
        app, message = self.app, self.app.message
        if message is not None and message.level != "info":
            return
        live, page = app.session.live.get(event.run), app.session.page
        wordless = live is None or not live.text.strip()
        if event.status == "completed":
            app.say(done_words(event, page, app.words))
        elif event.status == "stopped" and event.revision is None and wordless and page and page.id == event.page:
            app.say(stopped_words(event, page, app.keymap.shown("generate")))

    def _say_other(self, event: PageChanged) -> None:
        """Somebody else changed what is looked at. A question about it as it was is withdrawn; an error stays until it is read."""
        session, message = self.app.session, self.app.message
        here = session.page is not None and session.page.id == event.page
        said = done_by_another(event, session.project.author if session.project else "") if here else ""
        if said and (message is None or message.level != "error"):
            self.app.say(said)

    def _say_template(self, event: TemplateReloaded) -> None:
        if event.error:
            self.app.say(f"{place(event.path, event.line)}{event.error}", "warning")
        else:
            self.app.say(f"Template {event.name} reloaded; the next draft uses it.")
        self.inspector.show(again=True)

    # What ticks: only while a run is live

    def _tick_if_needed(self) -> None:
        running = bool(self.app.session.running)
        if running and self._ticking is None:
            self._ticked = -1
            self._ticking = self.set_interval(1 / self.app.options.fps, self._tick)
        elif not running and self._ticking is not None:
            self._ticking.stop()
            self._ticking = None

    def _tick(self) -> None:
        self.page_view.stream()
        second = int(time.monotonic())
        if second != self._ticked:
            self._ticked = second
            seen = self.page_view.tick() and self.middle.display
            self.header.show("" if seen else self._work())

    def _work(self) -> str:
        """What runs out of sight, for the header."""
        running = self.app.session.running
        page = self.app.session.page
        if not running:
            return ""
        first = running[0]
        if page is not None and first.page == page.id and self.middle.display and self.page_view.sees_live():
            return ""
        more = f" +{len(running) - 1}" if len(running) > 1 else ""
        figures = first.figures(time.monotonic(), words=not writes_in(self.app.session.project, first.stage))
        glyphs = self.app.glyphs
        return f"{glyphs.drafting} {first.stage} {figures}{more}".replace("·", glyphs.dot)
