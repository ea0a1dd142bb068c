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

_HEIGHT_WITH_EDGES = 3
"""Rows from which a view says where its lines go on."""

Face = tuple[Line, int, int, int]
"""All that the cells of one row come from, two equal faces look the same: the line; 0 without the cursor, 1 with it, 2 with it in
the view that has the focus; the indent; -1 where lines go on above this row, 1 where they go on below it. A plain tuple, for there
is one a row in each frame of a stream."""


class LineCanvas(Widget):
    """Subclasses override `prepare` to make their lines for a width. `indent` cells stand before each line, and two more for the
    cursor's mark when `marked` is set; then the last cell of the first and the last row says that lines go on above or below.

    What each row of the window was last asked to show is remembered as a `Face`, and `repaint` compares with that. So lines,
    cursor, scroll and indent may change in any order and number before it: a row that looks otherwise is painted, no other is.
    """

    ALLOW_SELECT = False
    marked = True

    def __init__(self, lines: Iterable[Line] = (), *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lines: list[Line] = list(lines)
        self.top = 0
        self.cursor: Hashable = None
        self.indent = 0
        self._strips: dict[int, tuple[Face, Strip]] = {}
        self._faces: list[Face | None] = []
        self._drawn_with: Palette | None = None
        self._prepared_for = (0, 0)
        self._preparing = self._hidden = False
        self._told = 0

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
        self.lines[index] = row
        self.repaint()

    def face(self, index: int) -> Face:
        """How line `index` looks now; past the end an empty line."""
        row = self.lines[index] if 0 <= index < len(self.lines) else BLANK
        edge = self._edge(index)
        if row.stop is None or row.stop != self.cursor or not self.marked:
            return row, 0, self.indent, edge
        return row, 2 if self.has_focus else 1, self.indent, edge

    def _edge(self, index: int) -> int:
        height = self._prepared_for[1]
        if not self.marked or height < _HEIGHT_WITH_EDGES:
            return 0
        if index == self.top + height - 1 and self.below:
            return 1
        return -1 if index == self.top and index else 0

    @property
    def below(self) -> int:
        """How many lines stand below the window."""
        return max(len(self.lines) - self.top - self._prepared_for[1], 0)

    def repaint(self) -> None:
        """Have painted every row of the window that looks otherwise than it was last asked to."""
        if not self.is_mounted or self._preparing:
            return
        width, height = self._prepared_for
        if len(self._faces) != height:
            self._faces = [None] * height
        regions: list[Region] = []
        for y, before in enumerate(self._faces):
            now = self.face(self.top + y)
            if now != before:
                self._faces[y] = now
                regions.append(Region(0, y, min(self._changed_width(before, now), width), 1))
        if regions:
            self.refresh(*regions)
        if self.marked and self.below != self._told:
            self._told = self.below
            self.app.tell_more()

    def _changed_width(self, before: Face | None, now: Face) -> int:
        """How many cells from the left can differ between two faces."""
        if before is None or before[3] != now[3]:
            return self.size.width
        if before[0] == now[0] and before[2] == now[2]:
            return self.mark_width
        return max(row.width + indent for row, _, indent, _ in (before, now)) + 2

    @property
    def mark_width(self) -> int:
        """How many cells of a line change with the cursor: its mark only."""
        return self.indent + 2

    def on_resize(self, event: events.Resize) -> None:
        if (self.size.width, self.size.height) != self._prepared_for:
            self._prepare()
        self.repaint()

    def on_hide(self) -> None:
        self._hidden = True

    def on_show(self) -> None:
        """What was hidden may have missed a change."""
        if self._hidden:
            self._hidden = False
            self._prepare()
            self.repaint()

    def _prepare(self) -> None:
        if self.size.width != self._prepared_for[0]:
            self._faces = []
        self._prepared_for = (self.size.width, self.size.height)
        self.prepare(self.size.width)
        self.top = min(self.top, max(len(self.lines) - 1, 0))

    # Drawing

    def render_lines(self, crop: Region) -> list[Strip]:
        size = self.size  # worked out from the style at each access, 5 us
        if self._prepared_for != (size.width, size.height):
            # The first frame comes before the Resize event; without this it would be a blank one.
            self._preparing = True
            self._prepare()
            self._preparing = self._hidden = False
        palette = self.app.palette
        if palette is not self._drawn_with:
            self._strips.clear()
            self._drawn_with = palette
        if crop.x == 0 and crop.right >= size.width:
            self._take_as_painted(crop)
        return [self._strip(self.top + y, palette, size.width).crop(crop.x, crop.right) for y in crop.line_range]

    def _take_as_painted(self, crop: Region) -> None:
        """Whole rows that Textual asks for by itself need no painting after this."""
        height = self._prepared_for[1]
        if len(self._faces) != height:
            self._faces = [None] * height
        for y in crop.line_range:
            if y < height:
                self._faces[y] = self.face(self.top + y)

    def _strip(self, index: int, palette: Palette, width: int) -> Strip:
        face = self.face(index)
        kept = self._strips.get(index)
        if kept is not None and kept[0] == face and kept[1].cell_length == width:
            return kept[1]
        strip = self._draw(face, palette)
        if len(self._strips) > 4 * max(self._prepared_for[1], 25):
            self._strips.clear()
        self._strips[index] = face, strip
        return strip

    def _draw(self, face: Face, palette: Palette) -> Strip:
        width, (row, _, indent, edge) = self.size.width, face
        spans = [(" " * indent, "text"), *self._mark(row), *self.decorate(row)]
        merged: list[list[str]] = []
        for text, style in spans:
            if merged and (merged[-1][1] == style or palette[merged[-1][1]] == palette[style]):
                merged[-1][0] += text
            elif text:
                merged.append([text, style])
        strip = Strip([Segment(text, palette[style]) for text, style in merged]).adjust_cell_length(width, palette.base)
        if not edge:
            return strip
        sign = self.app.glyphs.down if edge > 0 else self.app.glyphs.up
        return Strip([*strip.crop(0, width - 1), Segment(sign, palette["accent"])])

    def _mark(self, row: Line) -> tuple[tuple[str, str], ...]:
        if not self.marked:
            return ()
        if row.stop is None or row.stop != self.cursor:
            return (("  ", "text"),)
        return ((self.app.glyphs.bar, "accent" if self.has_focus else "dim"), (" ", "text"))

    def decorate(self, row: Line) -> Iterable[tuple[str, str]]:
        """Spans of a line as drawn now; a list overrides this to mark the row under the cursor."""
        return row.spans
