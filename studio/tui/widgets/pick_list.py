"""A list of rows to choose from, driven by a query field or by itself; the row under the cursor is marked without colour too."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import ClassVar

from studio.tui.presenters.lines import Line, line
from studio.tui.widgets.line_view import LineView


class PickList(LineView):
    """`make(width)` gives the rows; the cursor always stands on one of them."""

    scopes: ClassVar[tuple[str, ...]] = ("pick", "anywhere")

    def __init__(self, make: Callable[[int], Sequence[Line]], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._make = make

    def prepare(self, width: int) -> None:
        self.show()

    def show(self, *, first: bool = False) -> None:
        """Make the rows again; `first` puts the cursor on the first one, as after another query."""
        if not self.size.width:
            return
        top = self.top
        moved = self._anchor()
        self.set_lines(self._make(self.text_width - 1), full=True)
        if not top and moved is not None and moved[0] == self.cursor and self.top:
            self.top = 0  # the row under the cursor went down: it is the others that stay
            self.repaint()
        if not self.stops:
            return
        if first or self.cursor is None:
            if first:
                self.scroll_lines(0)
            self.set_cursor(self.stops[0][0])

    def _mark(self, row: Line) -> tuple[tuple[str, str], ...]:
        if row.stop is None or row.stop != self.cursor:
            return (("  ", "text"),)
        return ((self.app.glyphs.bar, "accent"), (" ", "text"))

    @property
    def mark_width(self) -> int:
        return self.size.width

    def decorate(self, row: Line) -> Iterable[tuple[str, str]]:
        if row.stop is None or row.stop != self.cursor:
            return row.spans
        return tuple((text, "cursor" if style == "text" else style) for text, style in row.spans)


def empty_row(sentence: str) -> list[Line]:
    """What stands in a list that has no rows."""
    return [line(), line((sentence, "dim"))]


def stop_at(view: LineView, index: int) -> Hashable:
    """The stop of the row `index` of `stops`, None when there is none."""
    return view.stops[index][0] if -len(view.stops) <= index < len(view.stops) else None
