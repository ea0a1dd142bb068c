"""The thin rule between two panes."""

from __future__ import annotations

from studio.tui.presenters.lines import line
from studio.tui.widgets.line_view import LineView


class Wall(LineView, can_focus=False):
    DEFAULT_CSS = "Wall { width: 1; height: 1fr; }"
    marked = False

    def prepare(self, width: int) -> None:
        self.set_lines([line((self.app.glyphs.wall, "rule"))] * self.size.height)
