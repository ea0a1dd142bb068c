"""One-row and few-row strips of prepared lines that never take the focus: heads, details, notes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from studio.tui.presenters.lines import Line, Span, line, spread
from studio.tui.widgets.line_view import LineView


class Strip(LineView, can_focus=False):
    """As many rows as it is given, up to `most`; none when it has none."""

    DEFAULT_CSS = "Strip { height: 0; }"
    marked = False

    def __init__(self, make: Callable[[int], Sequence[Line]], *, most: int = 99, id: str | None = None) -> None:
        super().__init__(id=id)
        self._make = make
        self.most = most

    def prepare(self, width: int) -> None:
        self.show()

    def show(self) -> None:
        """Make the rows again for the width there is."""
        width = self.size.width
        if not width:
            return
        rows = list(self._make(width))[: self.most]
        height = self.styles.height
        if height is None or height.value != len(rows):
            self.styles.height = len(rows)
        self.set_lines(rows)


class Head(LineView, can_focus=False):
    """The first row of a screen, its ends apart, and a rule under it."""

    DEFAULT_CSS = "Head { height: 2; }"
    marked = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._left: tuple[Span, ...] = ()
        self._right: tuple[Span, ...] = ()

    def say(self, left: Sequence[Span], right: Sequence[Span] = ()) -> None:
        self._left, self._right = tuple(left), tuple(right)
        self.prepare(self.size.width)

    def prepare(self, width: int) -> None:
        if width:
            space: Span = (" ", "text")
            top = spread((space, *self._left), (*self._right, space) if self._right else (), width)
            self.set_lines([top, line((self.app.glyphs.rule * width, "rule"))])


class Rule(LineView, can_focus=False):
    """A thin line across."""

    DEFAULT_CSS = "Rule { height: 1; }"
    marked = False

    def prepare(self, width: int) -> None:
        if width:
            self.set_lines([line((self.app.glyphs.rule * width, "rule"))])
