"""The header: one line and a rule. Painted where it changed only."""

from __future__ import annotations

from studio.protocol.client import LinkState
from studio.tui.presenters.lines import line
from studio.tui.presenters.people import present
from studio.tui.presenters.status import header_line
from studio.tui.widgets.line_view import LineView

_STATES = {
    LinkState.RECONNECTING: "reconnecting",
    LinkState.SILENT: "engine does not answer",
    LinkState.STOPPED: "engine stopped",
    LinkState.FAILED: "no engine",
}


class Header(LineView, can_focus=False):
    """Book, place, model and cost; who else is here; while a draft's own head is out of sight, what it does."""

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
                people=self._people(width),
                state=self._state(),
                view=app.options.view,
                words=app.words,
            )
            self.set_lines([top, line((app.glyphs.rule * width, "rule"))])

    def _people(self, width: int) -> str:
        """Less room where a draft's figures stand beside it, or on a narrow screen."""
        session = self.app.session
        if self.work:
            room = width // 6 if width >= 100 else 0
        else:
            room = width // 3 if width >= 100 else width // 5
        return present(session.others, session.project, self.app.glyphs, room=room)

    def _state(self) -> str:
        session, more = self.app.session, self.app.glyphs.more
        if not session.connected:
            return f"opening{more}"
        state = _STATES.get(session.link, "")
        return state + more if session.link is LinkState.RECONNECTING else state

    def show(self, work: str = "") -> None:
        self.work = work
        self.prepare(self.size.width)
