"""The header: one line and a rule. Painted where it changed only."""

from __future__ import annotations

from studio.tui.presenters.lines import line
from studio.tui.presenters.status import header_line
from studio.tui.widgets.line_view import LineView


class Header(LineView, can_focus=False):
    """Book, place, model and cost; while a draft's own head is out of sight, what it does."""

    DEFAULT_CSS = "Header { height: 2; dock: top; }"
    marked = False
    work = ""

    def prepare(self, width: int) -> None:
        app = self.app
        session = app.session
        if width:
            top = header_line(
                session.project,
                session.page,
                app.options.title,
                self.work,
                width,
                app.glyphs,
                opening=not session.connected,
            )
            self.set_lines([top, line((app.glyphs.rule * width, "rule"))])

    def show(self, work: str = "") -> None:
        self.work = work
        self.prepare(self.size.width)
