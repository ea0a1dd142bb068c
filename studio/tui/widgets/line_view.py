"""A view of prepared lines: no widget per line, cached, repainting only what changed, scrolling by jumps.

Textual repaints each line that moved, so scrolling with every new line costs a screen a frame (2,363 bytes a token); scrolling by
two thirds of a page when the end is followed costs about 24 (`benchmarks/streaming.py`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import ClassVar

from textual import events
from textual.message import Message

from studio.tui.presenters.lines import Line
from studio.tui.widgets.line_canvas import LineCanvas


class LineView(LineCanvas, can_focus=True):
    """Lines with a cursor that steps by stops (paragraphs, rows).

    Subclasses override `prepare` to make their lines for a width. `scopes` are the places of the keymap that count while the
    focus is here. `indent` cells stand before each line, and two more for the cursor's mark when `marked` is set.
    """

    DEFAULT_CSS = "LineView { height: 1fr; }"
    scopes: ClassVar[tuple[str, ...]] = ("workbench", "anywhere")

    class CursorMoved(Message):
        """The cursor stands on another stop, by the person's key or click."""

        def __init__(self, view: LineView, stop: Hashable) -> None:
            super().__init__()
            self.view = view
            self.landed = stop

    def __init__(self, lines: Iterable[Line] = (), *, id: str | None = None) -> None:
        super().__init__(lines, id=id)
        self.following = False
        self._stops: list[tuple[Hashable, int, int]] | None = None

    # Content

    def set_lines(self, lines: Iterable[Line], *, full: bool = False) -> None:
        """Show other lines. What stood at the top stays there where its stop still exists, else (and with `full`) a full screen
        is shown: no empty rows at the end while lines are hidden above. Only rows that differ are painted."""
        anchor = self._anchor()
        self.lines = list(lines)
        self._stops = None
        there = anchor is not None and self._span(anchor[0]) is not None
        if anchor is not None and there:
            self.top = self._find_anchor(*anchor)
        self.top = min(self.top, max(len(self.lines) - (1 if there and not full else self.size.height), 0))
        if self.cursor is not None and self._span(self.cursor) is None:
            self.cursor = None
        self.repaint()

    def append(self, lines: Sequence[Line]) -> None:
        self.replace_tail(len(self.lines), lines)

    def replace_tail(self, start: int, lines: Sequence[Line]) -> None:
        """Lines from `start` on become `lines`. Paints what differs; follows the end by a jump if the end was followed."""
        self.lines[start:] = lines
        self._stops = None
        self._follow()
        self.repaint()

    # Stops and scrolling

    @property
    def stops(self) -> list[tuple[Hashable, int, int]]:
        """Each stop with its first and last line, in order."""
        if self._stops is None:
            found: list[tuple[Hashable, int, int]] = []
            for index, row in enumerate(self.lines):
                if row.stop is None:
                    continue
                if found and found[-1][0] == row.stop:
                    found[-1] = (row.stop, found[-1][1], index)
                else:
                    found.append((row.stop, index, index))
            self._stops = found
        return self._stops

    def _span(self, stop: Hashable) -> tuple[int, int] | None:
        return next(((first, last) for key, first, last in self.stops if key == stop), None)

    def _anchor(self) -> tuple[Hashable, int] | None:
        for key, first, last in self.stops:
            if last >= self.top:
                return key, self.top - first
        return None

    def _find_anchor(self, stop: Hashable, offset: int) -> int:
        span = self._span(stop)
        return self.top if span is None else max(span[0] + offset, 0)

    @property
    def at_end(self) -> bool:
        return self.top + self.size.height >= len(self.lines)

    def _follow(self) -> None:
        height = self.size.height
        if self.following and height and len(self.lines) > self.top + height:
            self.top = max(len(self.lines) - max(height // 3, 1), 0)

    def scroll_lines(self, top: int) -> None:
        """Show from line `top` on; at the end, the end is followed from now."""
        limit = max(len(self.lines) - self.size.height, 0)
        wanted = min(max(top, 0), max(limit, self.top if top >= self.top else limit))
        if wanted != self.top:
            self.top = wanted
            self.repaint()
        self.following = self.at_end

    def set_cursor(self, stop: Hashable, *, scroll: bool = True) -> None:
        """Put the cursor on a stop without telling anybody."""
        if stop != self.cursor:
            self.cursor = stop
            self.repaint()
        if scroll:
            self._show(stop)

    def _show(self, stop: Hashable) -> None:
        span = self._in_sight(stop)
        height = self.size.height
        if span is None or not height:
            return
        first, last = span
        if first < self.top or last >= self.top + height:
            self.scroll_lines(min(first, max(last - height + 1, first - height // 3)))
        self.following = self.at_end and bool(self.stops) and stop == self.stops[-1][0]

    def _in_sight(self, stop: Hashable) -> tuple[int, int] | None:
        """The rows that should be seen, as many of them as fit, when the cursor comes to a stop."""
        return self._span(stop)

    def move(self, step: int) -> None:
        """The cursor one stop on (1) or back (-1). Inside a stop taller than the view, scrolls first."""
        if not self.stops:
            self.scroll_lines(self.top + step)
            return
        keys = [key for key, _, _ in self.stops]
        here = keys.index(self.cursor) if self.cursor in keys else None
        if here is None:
            self._land(self._first_visible())
            return
        _, first, last = self.stops[here]
        if step > 0 and last >= self.top + self.size.height:
            self.scroll_lines(self.top + self.size.height - 2)
        elif step < 0 and first < self.top:
            self.scroll_lines(self.top - self.size.height + 2)
        else:
            self._land(keys[min(max(here + step, 0), len(keys) - 1)])

    def turn(self, step: int) -> None:
        """A screen on (1) or back (-1); the cursor goes along."""
        self.scroll_lines(self.top + step * max(self.size.height - 2, 1))
        if self.stops:
            stop = self._first_visible() if step < 0 or not self.at_end else self.stops[-1][0]
            self._land(stop, scroll=False)

    def to_top(self) -> None:
        self.scroll_lines(0)
        if self.stops:
            self._land(self.stops[0][0])

    def to_end(self) -> None:
        if self.stops:
            self._land(self.stops[-1][0])
        self.scroll_lines(len(self.lines))
        self.following = True

    def _first_visible(self) -> Hashable:
        return next((key for key, _, last in self.stops if last >= self.top), self.stops[-1][0])

    def _land(self, stop: Hashable, *, scroll: bool = True) -> None:
        moved = stop != self.cursor
        self.set_cursor(stop, scroll=scroll)
        if moved:
            self.post_message(self.CursorMoved(self, stop))

    # Events

    def on_focus(self) -> None:
        self.repaint()

    def on_blur(self) -> None:
        self.repaint()

    def on_click(self, event: events.Click) -> None:
        index = self.top + event.y
        if 0 <= index < len(self.lines) and self.lines[index].stop is not None:
            self._land(self.lines[index].stop, scroll=False)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_lines(self.top + 5)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_lines(self.top - 5)
