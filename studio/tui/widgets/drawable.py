"""A text field that can be drawn at any time, also in the moment between its removal and the next layout."""

from __future__ import annotations

from textual.css.styles import RenderStyles
from textual.widget import Widget


class Drawable(Widget, can_focus=True):
    """Textual forgets the styles of a field's parts (cursor, selection, margin) when it removes the field; a repaint of the whole
    screen that comes before the next layout, as after an external editor, then ended the program with a KeyError."""

    def get_component_styles(self, *names: str) -> RenderStyles:
        try:
            return super().get_component_styles(*names)
        except KeyError:
            return self.styles
