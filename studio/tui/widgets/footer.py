"""The footer: a rule (or the message to the person), then the keys that work now, most useful first."""

from __future__ import annotations

from studio.tui.presenters.lines import Line, Span, line, wrap
from studio.tui.widgets.line_view import LineView

MAX_ROWS = 4
"""Rows of a long message at most."""


class Footer(LineView, can_focus=False):
    """Grows by the rows of a long message and goes back to two."""

    DEFAULT_CSS = "Footer { height: 2; dock: bottom; }"
    marked = False

    def prepare(self, width: int) -> None:
        if not width:
            return
        rows = self._message(width) or [line((self.app.glyphs.rule * width, "rule"))]
        if self.styles.height is None or self.styles.height.value != len(rows) + 1:
            self.styles.height = len(rows) + 1
        self.set_lines([*rows, self._keys(width)])

    def show(self) -> None:
        self.prepare(self.size.width)

    def _message(self, width: int) -> list[Line]:
        message = self.app.message
        if message is None:
            return []
        rows = wrap(message.text, width - 2)[:MAX_ROWS]
        rule = self.app.glyphs.rule
        if len(rows) == 1:
            rest = rule * max(width - 3 - len(rows[0]), 0)
            return [line((" " + rows[0] + " ", message.style), (rest, "rule"))]
        return [line((rule * width, "rule")), *(line((" " + row, message.style)) for row in rows)]

    def _keys(self, width: int) -> Line:
        app = self.app
        if app.pending is not None:
            return line((" enter", "key"), (" go", "text"), ("   esc", "key"), (" not now", "text"))
        end = self._end()
        room = width - sum(len(text) for text, _ in end) - 1
        spans: list[Span] = [(" ", "text")]
        used = 1
        for row in app.keymap.footer(app.current_scopes()):
            key = app.keymap.shown(row.id)
            size = len(key) + len(row.label) + 4
            if not key or not app.can(row.id):
                continue
            if used + size > room:
                break
            spans += [(key, "key"), (f" {row.label}   ", "dim")]
            used += size
        return line(*spans, (" " * max(width - used - sum(len(text) for text, _ in end) - 1, 0), "text"), *end)

    def _end(self) -> list[Span]:
        spans: list[Span] = []
        for action_id, label in (("help", " more"), ("palette", "")):
            if action_id in self.app.keymap.by_id and (key := self.app.keymap.shown(action_id)):
                spans += [("  ", "text")] if spans else []
                spans += [(key, "key"), (label, "dim")]
        return spans
