"""The footer: a rule (or the message to the person), then the keys that work now, most useful first."""

from __future__ import annotations

from rich.cells import cell_len

from studio.tui.pointing import OF_THE_PAGE, elsewhere, on_a_chapter
from studio.tui.presenters.lines import BLANK, Line, Span, line, wrap
from studio.tui.screens.base import StudioScreen
from studio.tui.widgets.bars import below, ruled
from studio.tui.widgets.line_view import LineView

MAX_ROWS = 4
"""Rows of a long message at most."""


_ENDS = {"close": " close", "help": " more", "palette": ""}
"""What stands at the right end, however little room there is: the way out, and the way to all other keys."""


class Footer(LineView, can_focus=False):
    """Grows by the rows of a long message and goes back to two. Under another screen its keys stay as they were."""

    DEFAULT_CSS = "Footer { height: 2; dock: bottom; }"
    marked = False
    _row = BLANK

    def prepare(self, width: int) -> None:
        if not width:
            return
        rows = self._message(width) or [ruled(width, self.app.glyphs, self._below())]
        if self.styles.height is None or self.styles.height.value != len(rows) + 1:
            self.styles.height = len(rows) + 1
        if self.screen is self.app.screen or not self.lines:
            self._row = self._keys(width)
        self.set_lines([*rows, self._row])

    def show(self) -> None:
        self.prepare(self.size.width)

    def show_rule(self) -> None:
        """The rule again, or the first row of the message: what goes on below is told there."""
        width = self.size.width
        if not width or len(self.lines) < 2:
            return
        first = (self._message(width) or [ruled(width, self.app.glyphs, self._below())])[0]
        if first != self.lines[0]:
            self.set_line(0, first)

    def _below(self) -> str:
        screen = self.screen
        if not isinstance(screen, StudioScreen):
            return ""
        return below(screen.reading(), self.app.glyphs, counted=not self.app.session.running)

    def _message(self, width: int) -> list[Line]:
        message = self.app.message
        if message is None:
            return []
        rows = wrap(message.text, width - 2)[:MAX_ROWS]
        if len(rows) == 1:
            return [ruled(width, self.app.glyphs, self._below(), ((f" {rows[0]} ", message.style),))]
        return [ruled(width, self.app.glyphs, self._below()), *(line((" " + row, message.style)) for row in rows)]

    def _keys(self, width: int) -> Line:
        app = self.app
        if app.pending is not None:
            again = app.keymap.shown(app.pending.action_id)
            same = (f" {again}", "key"), (" or", "text")
            go = (" enter", "key"), (" go", "text"), ("   esc", "key"), (" not now", "text")
            return line(*(same if again else ()), *go)
        end = self._end()
        room = width - sum(len(text) for text, _ in end) - 1
        spans: list[Span] = [(" ", "text")]
        used = 1
        for key, label in self._rows():
            size = cell_len(key) + cell_len(label) + 4
            if used + size > room:
                break
            spans += [(key, "key"), (f" {label}   ", "dim")]
            used += size
        return line(*spans, (" " * max(width - used - sum(len(text) for text, _ in end) - 1, 0), "text"), *end)

    def _rows(self) -> list[tuple[str, str]]:
        """Key and label of each action that works now."""
        app = self.app
        other = elsewhere(app) is not None or on_a_chapter(app)
        typing = self._typing()
        found: list[tuple[int, str, str]] = []
        for row in app.keymap.footer(app.current_scopes()):
            key = app.keymap.shown(row.id, typing=typing)
            if other and row.id in OF_THE_PAGE:
                continue
            if key and row.id not in _ENDS and app.can(row.id):
                shown = app.handlers[row.id].shown
                order, label = shown(app) if shown else (row.order, row.label)
                found.append((order, key, label))
        return [(key, label) for _, key, label in sorted(found)]

    def _typing(self) -> bool:
        """Whether letters go into a field now."""
        focused = self.app.focused
        return focused is not None and focused.check_consume_key("a", "a")

    def _end(self) -> list[Span]:
        spans: list[Span] = []
        for action_id, label in _ENDS.items():
            row = self.app.keymap.by_id.get(action_id)
            here = row is not None and set(row.scopes) & set(self.app.current_scopes())
            if here and (key := self.app.keymap.shown(action_id, typing=self._typing())):
                spans += [("  ", "text")] if spans else []
                spans += [(key, "key"), (label, "dim")]
        return spans
