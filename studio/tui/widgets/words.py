"""The text field of the composer: no blinking cursor, cleaned pastes, lines broken for the width that it really has."""

from __future__ import annotations

from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widgets import TextArea

from studio.domain.text import clean
from studio.tui.widgets.drawable import Drawable


class Words(Drawable, TextArea):
    """Every character of its text is on the screen, or a scroll away, in each frame."""

    def __init__(self, text: str, placeholder: str) -> None:
        super().__init__(text, soft_wrap=True, placeholder=placeholder, compact=True, highlight_cursor_line=False)
        self.cursor_blink = False
        self._wrapped_for = -1

    @property
    def wrap_width(self) -> int:
        """Columns for a line, one left for the cursor. From the size of the last layout: the regions that Textual asks here can be
        those of the layout before, and then the ends of lines stood outside the field until the first key."""
        return max(self.outer_size.width - self.styles.gutter.width - 1, 0)

    def render_lines(self, crop: Region) -> list[Strip]:
        width = self.wrap_width
        if width != self._wrapped_for:
            self._wrapped_for = width
            self.wrapped_document.wrap(width, self.indent_width)
            self._line_cache.clear()
            self.call_later(self._refresh_size)
        return super().render_lines(crop)

    async def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.put_in(clean(event.text))

    def put_in(self, text: str) -> None:
        """Text where the cursor is, instead of what is selected; the cursor goes to its end."""
        done = self.replace(text, *self.selection, maintain_selection_offset=False)
        self.move_cursor(done.end_location)
