"""A screen with a line to type in and a list that follows it: the palette, help, jump, search and the model picker."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import ClassVar

from textual import events
from textual.widget import Widget
from textual.widgets import Input

from studio.domain.text import clean, flat
from studio.tui.presenters.lines import Line
from studio.tui.screens.framed import Acts, FramedScreen
from studio.tui.widgets.bars import Rule, Strip
from studio.tui.widgets.drawable import Drawable
from studio.tui.widgets.pick_list import PickList


class Query(Drawable, Input):
    """A line to type in. A paste is cleaned and becomes one line."""

    DEFAULT_CSS = """
    Query { border: none; height: 1; background: $background; }
    Query:focus { border: none; background-tint: $foreground 0%; }
    """

    def __init__(self, placeholder: str, value: str = "") -> None:
        super().__init__(value, placeholder=placeholder, compact=True, select_on_focus=False)
        self.cursor_blink = False
        self.styles.padding = (0, 2)  # the compact form of Input has none, and a rule of ours would lose to it

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.replace(flat(event.text), *self.selection)


class PickScreen(FramedScreen):
    """Subclasses give `rows` for what is typed, `details` of a row, and `choose` for enter."""

    DEFAULT_CSS = "PickScreen PickList { height: 1fr; }"
    scopes: ClassVar[tuple[str, ...]] = ("pick", "anywhere")
    placeholder = ""

    def __init__(self, typed: str = "") -> None:
        super().__init__()
        self.query_line = Query(self.placeholder, typed)
        self._listed: str | None = None
        self.list = PickList(self._rows, id="list")
        self.about = Strip(self._about, most=2, id="about")

    def body(self) -> Iterable[Widget]:
        yield self.query_line
        yield Rule()
        yield self.list
        yield self.about

    def on_mount(self) -> None:
        self.query_line.focus()
        self.show_head()

    # What a subclass gives

    def show_head(self) -> None: ...

    def rows(self, typed: str, width: int) -> Sequence[Line]:
        raise NotImplementedError

    def details(self, stop: Hashable, width: int) -> Sequence[Line]:
        return ()

    async def choose(self, stop: Hashable) -> None:
        raise NotImplementedError

    # The rest

    def acts(self) -> Acts:
        return {
            **super().acts(),
            "pick.down": lambda: self.move(1),
            "pick.up": lambda: self.move(-1),
            "pick.page_down": lambda: self.page(1),
            "pick.page_up": lambda: self.page(-1),
            "pick.choose": self.take,
        }

    @property
    def typed(self) -> str:
        return clean(self.query_line.value)

    def _rows(self, width: int) -> Sequence[Line]:
        self._listed = self.typed
        return self.rows(self.typed, width)

    def _about(self, width: int) -> Sequence[Line]:
        return self.details(self.list.cursor, width)

    def refresh_rows(self, *, first: bool = False) -> None:
        self.list.show(first=first)
        self.about.show()
        self.show_head()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.typed_changed()

    def typed_changed(self) -> None:
        """Called at each change of the line; a subclass that asks the engine waits a moment here."""
        self.refresh_rows(first=True)

    def on_line_view_cursor_moved(self) -> None:
        self.about.show()

    def move(self, step: int) -> None:
        self.list.move(step)
        self.about.show()

    def page(self, step: int) -> None:
        self.list.turn(step)
        self.about.show()

    async def take(self) -> None:
        """Act on the row under the cursor, of the list for what is typed by now: enter can be faster than the field's own news."""
        if self._listed != self.typed:
            self.refresh_rows(first=True)
        if self.list.cursor is not None:
            await self.choose(self.list.cursor)
