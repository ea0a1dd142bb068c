"""One-row and few-row strips of prepared lines that never take the focus: heads, details, notes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len

from studio.tui.glyphs import Glyphs
from studio.tui.presenters.lines import Line, Span, line, spread
from studio.tui.widgets.line_view import LineView

_AFTER = 2
"""Cells of a rule after the words in it."""


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

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._said = ""

    def say(self, words: str) -> None:
        """Words near its right end."""
        if words != self._said:
            self._said = words
            self.prepare(self.size.width)

    def prepare(self, width: int) -> None:
        if width:
            self.set_lines([ruled(width, self.app.glyphs, self._said)])


def ruled(width: int, glyphs: Glyphs, said: str = "", left: tuple[Span, ...] = ()) -> Line:
    """A rule with words near its right end, and others at its left; those at the right go where there is no room."""
    used = sum(cell_len(text) for text, _ in left)
    words = f" {said} " if said else ""
    rest = width - used - cell_len(words) - _AFTER
    if not words or rest < 1:
        return line(*left, (glyphs.rule * max(width - used, 0), "rule"))
    return line(*left, (glyphs.rule * rest, "rule"), (words, "accent"), (glyphs.rule * _AFTER, "rule"))


def below(view: LineView | None, glyphs: Glyphs, *, counted: bool = True) -> str:
    """How much of a view stands below it, in words; empty where nothing does. A text that grows is not counted."""
    count = view.below if view is not None and view.size.height else 0
    if not count:
        return ""
    return f"{glyphs.down} {count} more line{'s' if count != 1 else ''}" if counted else f"{glyphs.down} more"
