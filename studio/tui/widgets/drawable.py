"""A text field that can be drawn at any time, also in the moment between its removal and the next layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.style import Style
from textual.css.styles import RenderStyles

if TYPE_CHECKING:
    from textual.widget import Widget as Base
else:
    # Not a Widget itself: Textual takes the default CSS of a class from the first base that is one.
    Base = object


_TERMINALS_OWN = Style(color="default", bgcolor="default")


class Drawable(Base):
    """Textual forgets the styles of a field's parts (cursor, selection, margin) and the colours that it has from its parents when it
    removes the field. A repaint of the whole screen that comes before the next layout, as after an external editor, then ended the
    program with a KeyError, or with a ColorParseError: where a text area has no colour, Textual asks Rich for `ansi_default`, which
    Rich does not know."""

    @property
    def rich_style(self) -> Style:
        return _TERMINALS_OWN + super().rich_style

    def get_component_styles(self, *names: str) -> RenderStyles:
        try:
            return super().get_component_styles(*names)
        except KeyError:
            return self.styles
