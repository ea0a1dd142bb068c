"""A canvas of prepared lines: cached strips, a window on them, and painting of what changed only. Moving in it is in `line_view`.

The compositor's line cache and filters are bypassed: styles come ready from `studio.tui.theme`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from studio.tui.presenters.lines import BLANK, Line
from studio.tui.theme import Palette

if TYPE_CHECKING:
    from studio.tui.app import StudioApp


class LineCanvas(Widget):
    """Subclasses override `prepare` to make their lines for a width. `indent` cells stand before each line, and two more for the
    cursor's mark when `marked` is set."""

    ALLOW_SELECT = False
    marked = True

    def __init__(self, lines: Iterable[Line] = (), *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lines: list[Line] = list(lines)
        self.top = 0
        self.cursor: Hashable = None
        self.indent = 0
        self._strips: dict[int, Strip] = {}
        self._drawn_with: Palette | None = None
        self._prepared_for = (0, 0)
        self._preparing = False

    if TYPE_CHECKING:

        @property
        def app(self) -> StudioApp: ...  # type: ignore[override]

    # Content

    def prepare(self, width: int) -> None:
        """Called when the width or height changed: make lines for `width` cells (`text_width` without indent and gutter)."""

    @property
    def text_width(self) -> int:
        return max(self.size.width - self.indent - (2 if self.marked else 0), 1)

    def set_line(self, index: int, row: Line) -> None:
        """One line in its own cells; for a figure that ticks."""
        if self.lines[index] == row:
            return
        shown = self._visible()
        self.lines[index] = row
        self._strips.pop(index, None)
        self._repaint_changed(shown)

    def _visible(self) -> tuple[int, list[Line]]:
        return self.top, self.lines[self.top : self.top + self.size.height]

    def _repaint_changed(self, shown: tuple[int, list[Line]]) -> None:
        """Mark rows that no longer look as they did; `shown` is the earlier window (top line, lines)."""
        if not self.is_mounted or self._preparing:
            return
        _, before = shown
        after = self.lines[self.top : self.top + self.size.height]
        extra = self.indent + (2 if self.marked else 0)
        regions: list[Region] = []
        for row in range(max(len(before), len(after))):
            old = before[row] if row < len(before) else BLANK
            new = after[row] if row < len(after) else BLANK
            if old != new or shown[0] != self.top:
                width = max(old.width, new.width) + extra
                regions.append(Region(0, row, min(max(width, extra), self.size.width), 1))
        if regions:
            self.refresh(*regions)

    def _forget(self, start: int) -> None:
        if start == 0:
            self._strips.clear()
            return
        for index in [index for index in self._strips if index >= start]:
            del self._strips[index]

    def on_resize(self, event: events.Resize) -> None:
        if (self.size.width, self.size.height) != self._prepared_for:
            self._prepare()
            self.refresh()

    def _prepare(self) -> None:
        self._prepared_for = (self.size.width, self.size.height)
        self._strips.clear()
        self.prepare(self.size.width)
        self.top = min(self.top, max(len(self.lines) - 1, 0))

    # Drawing

    def render_lines(self, crop: Region) -> list[Strip]:
        if self._prepared_for != (self.size.width, self.size.height):
            # The first frame comes before the Resize event; without this it would be a blank one.
            self._preparing = True
            self._prepare()
            self._preparing = False
        palette = self.app.palette
        if palette is not self._drawn_with:
            self._strips.clear()
            self._drawn_with = palette
        return [self._strip(self.top + y, palette).crop(crop.x, crop.right) for y in crop.line_range]

    def _strip(self, index: int, palette: Palette) -> Strip:
        strip = self._strips.get(index)
        if strip is None:
            strip = self._draw(index, palette)
            if len(self._strips) > 4 * max(self.size.height, 25):
                self._strips.clear()
            self._strips[index] = strip
        return strip

    def _draw(self, index: int, palette: Palette) -> Strip:
        width = self.size.width
        if not 0 <= index < len(self.lines):
            return Strip([Segment(" " * width, palette.base)], width)
        row = self.lines[index]
        spans = [(" " * self.indent, "text"), *self._mark(row), *self.decorate(row)]
        merged: list[list[str]] = []
        for text, style in spans:
            if merged and (merged[-1][1] == style or palette[merged[-1][1]] == palette[style]):
                merged[-1][0] += text
            elif text:
                merged.append([text, style])
        return Strip([Segment(text, palette[style]) for text, style in merged]).adjust_cell_length(width, palette.base)

    def _mark(self, row: Line) -> tuple[tuple[str, str], ...]:
        if not self.marked:
            return ()
        if row.stop is None or row.stop != self.cursor:
            return (("  ", "text"),)
        return ((self.app.glyphs.bar, "accent" if self.has_focus else "dim"), (" ", "text"))

    def decorate(self, row: Line) -> Iterable[tuple[str, str]]:
        """Spans of a line as drawn now; a list overrides this to mark the row under the cursor."""
        return row.spans

    def clear_strips(self) -> None:
        """Draw all again (the focus, the palette or the glyphs changed)."""
        self._strips.clear()
        self.refresh()
