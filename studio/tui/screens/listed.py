"""A list with a text beside or under it: what the screens of an application share. Enter reads the row over the whole screen."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import ClassVar

from textual import events
from textual.containers import Container
from textual.widget import Widget

from studio.protocol.events import AnyEvent
from studio.tui.presenters.lines import Line, line, wrap
from studio.tui.screens.framed import Acts, FramedScreen
from studio.tui.widgets.bars import Rule, below
from studio.tui.widgets.composer import Composer
from studio.tui.widgets.line_view import LineView
from studio.tui.widgets.pick_list import PickList, empty_row
from studio.tui.widgets.wall import Wall

BESIDE = 116
"""Columns from which the list stands beside the text."""
AGAIN = 0.25
"""Seconds in which several events become one question."""


class Rows(PickList):
    """The list; the keys are those of its screen."""

    scopes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, screen: ListedScreen) -> None:
        super().__init__(screen.list_rows, id="list")


class Detail(LineView):
    """What is known of the row under the list's cursor."""

    scopes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, screen: ListedScreen) -> None:
        super().__init__(id="detail")
        self.listed = screen

    def prepare(self, width: int) -> None:
        if width:
            self.set_lines(self.listed.detail_rows(self.text_width - 1))


class ListedScreen(FramedScreen):
    """Subclasses give `ask` (what is shown), `list_rows`, `detail_rows` and `acts`; `concerns` says which events ask again.

    `part` is the share of the width for the list, where it stands beside the text; `rows_above` its height where it stands above.
    """

    DEFAULT_CSS = """
    ListedScreen #panes { layout: vertical; height: 1fr; }
    ListedScreen #panes.beside { layout: horizontal; }
    ListedScreen #list { width: 1fr; }
    ListedScreen #detail { height: 1fr; width: 1fr; }
    """
    scopes: ClassVar[tuple[str, ...]] = ("rows", "anywhere")
    part: ClassVar[float] = 0.42
    title_text: ClassVar[str] = ""

    def __init__(self) -> None:
        super().__init__()
        self.loaded = False
        self.whole = False
        self._again = False
        self._drawn: Hashable = None
        self.list = Rows(self)
        self.detail = Detail(self)
        self.wall = Wall(id="listed-wall")
        self.between = Rule(id="between")
        self.panes = Container(self.list, self.wall, self.between, self.detail, id="panes")

    def body(self) -> Iterable[Widget]:
        yield self.panes

    def on_mount(self) -> None:
        self.fold()
        self.list.focus()
        self.app.session.listeners.append(self._hear)
        self.show_head()
        self.app.spawn(self.refresh_rows())

    def on_unmount(self) -> None:
        self.app.session.listeners.remove(self._hear)

    def on_resize(self, event: events.Resize) -> None:
        self.fold()

    def fold(self) -> None:
        """The list beside the text where there is room, else above it; alone or gone where the text has the whole screen. Over a form
        that is open there is no room for both one above the other."""
        width, height = self.app.size
        beside = width >= BESIDE
        alone = not beside and not self.whole and isinstance(self.drawer, Composer)
        self.panes.set_class(beside, "beside")
        self.list.display = not self.whole
        self.wall.display = beside and not self.whole
        self.between.display = not beside and not self.whole and not alone
        self.detail.display = not alone
        self.list.styles.width = max(int(width * self.part), 40) if beside else "1fr"
        self.list.styles.height = "1fr" if beside or alone else max((height - 4) * 2 // 5, 4)

    async def open_drawer(self, widget: Widget, focus: Widget | None = None) -> None:
        await super().open_drawer(widget, focus)
        self.fold()
        self.show_footer()

    async def close_drawer(self) -> None:
        await super().close_drawer()
        self.fold()

    # What is shown

    async def ask(self) -> None:
        """Put new answers of the engine into this screen."""
        raise NotImplementedError

    def tell_more(self) -> None:
        super().tell_more()
        if self.is_mounted:
            self.between.say(below(self.list, self.app.glyphs))

    def reading(self) -> LineView | None:
        """What stands above the footer: the text; beside it, the list while the cursor is in that; nothing under a form."""
        if isinstance(self.drawer, Composer):
            return None
        beside = self.panes.has_class("beside") and not self.whole
        return self.list if beside and self.focused is self.list else self.detail

    def list_rows(self, width: int) -> Sequence[Line]:
        if not self.loaded:
            return empty_row("Looking...")
        return self.rows(width) or [line(), *(line((row, "dim")) for row in wrap(self.nothing(), width - 1))]

    def nothing(self) -> str:
        """What stands in a list without rows, in one sentence."""
        return "Nothing here yet."

    def rows(self, width: int) -> list[Line]:
        raise NotImplementedError

    def detail_rows(self, width: int) -> list[Line]:
        raise NotImplementedError

    def said(self) -> str:
        """What stands at the right of the head."""
        return ""

    async def chosen(self) -> None:
        """Another row is under the cursor, or it is known anew: ask for what its text needs."""

    def concerns(self, event: AnyEvent) -> bool:
        """Whether an event means that the rows may be others now."""
        return False

    def show_head(self) -> None:
        if self.is_mounted:
            self.head.say(self.title_spans(self.app.words.put(self.title_text), self.about()), ((self.said(), "dim"),))

    def about(self) -> str:
        return ""

    def place_of(self, page_id: str) -> str:
        """`1/2 The cart`, as the workbench's own head has it; empty for a page that does not stand there."""
        page = self.app.session.page
        if page is None or page.id != page_id:
            return ""
        number = f"{page.chapter_number}/{page.number} " if page.number and not page.archived else ""
        return f"{number}{page.title or page.slug}"

    async def refresh_rows(self) -> None:
        """Ask again; the cursor stays on its row while that exists, else it goes to the row in its place."""
        await self.ask()
        if not self.is_mounted:
            return
        self.loaded = True
        stood = next((n for n, (stop, _, _) in enumerate(self.list.stops) if stop == self.list.cursor), 0)
        self.list.show()
        if self.list.stops and all(stop != self.list.cursor for stop, _, _ in self.list.stops):
            self.list.set_cursor(self.list.stops[min(stood, len(self.list.stops) - 1)][0])
        self.list.set_cursor(self.list.cursor)
        await self.show_row()

    async def show_row(self) -> None:
        """Draw the text of the row under the cursor, with what it needs from the engine."""
        await self.chosen()
        if self.is_mounted:
            self.draw()

    def draw(self) -> None:
        """The text of the row under the cursor; that of another row begins at its top."""
        if self.here != self._drawn:
            self._drawn = self.here
            self.detail.lines, self.detail.top, self.detail.cursor = [], 0, None
        self.detail.prepare(self.detail.size.width)
        self.show_head()
        self.show_footer()

    def _hear(self, event: AnyEvent) -> None:
        if self.concerns(event) and not self._again:
            self._again = True
            self.set_timer(AGAIN, lambda: self.app.spawn(self._ask_again()))

    async def _ask_again(self) -> None:
        self._again = False
        if self.is_mounted:
            await self.refresh_rows()

    @property
    def here(self) -> Hashable:
        return self.list.cursor

    def on_line_view_cursor_moved(self, event: LineView.CursorMoved) -> None:
        if event.view is self.list:
            self.app.spawn(self.show_row())

    # Keys

    def acts(self) -> Acts:
        acts = super().acts()
        if self.list.stops and not self.whole:
            acts["rows.open"] = self.open_row
        if not self.whole:
            acts["rows.pane"] = self.other_pane
        return acts

    def other_pane(self) -> None:
        self.set_focus(self.detail if self.focused is self.list else self.list, scroll_visible=False)
        self.show_footer()

    def open_row(self) -> None:
        self.zoom(whole=True)

    def zoom(self, *, whole: bool) -> None:
        """The text over the whole screen, or list and text."""
        self.whole = whole
        self.list.display = not whole
        self.set_focus(self.detail if whole else self.list, scroll_visible=False)
        self.fold()
        self.show_footer()

    async def leave(self) -> None:
        """Back to the list where the text has the whole screen, else to the screen below."""
        if self.whole:
            self.zoom(whole=False)
        else:
            await super().leave()
