"""What all screens share: no keys of Textual's own, and a scope of the keymap."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.screen import Screen
from textual.widget import Widget

from studio.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from studio.tui.app import StudioApp


class StudioScreen(Screen[object], inherit_bindings=False):
    """A full screen. `scopes` are the places of the keymap that count while it is on top and no child names its own."""

    scopes: ClassVar[tuple[str, ...]] = ("anywhere",)
    ESCAPE_TO_MINIMIZE = False
    drawer: Widget | None = None
    """What stands open above the footer, on screens that have a place for it."""

    if TYPE_CHECKING:

        @property
        def app(self) -> StudioApp: ...  # type: ignore[override]

    def _extend_compose(self, widgets: list[Widget]) -> None:
        """No toast rack and no tooltip: messages stand above the footer, and an empty rack costs a full repaint at the start."""

    async def close_drawer(self) -> None:
        """Take the drawer away, where there is one."""

    async def answered(self) -> Path | None:
        """What the person chose on a screen that asks for a folder; None where nothing was asked."""
        return None

    def why_not(self, action_id: str) -> str:
        """Why a key of this screen does nothing now, in one sentence; empty where there is nothing to say beyond the usual."""
        return ""

    def on_screen_resume(self) -> None:
        """What lay over it is gone, and with it the keys of that."""
        self.show_footer()

    def show_message(self) -> None:
        """The message to the person changed."""

    def tell_more(self) -> None:
        """How much of what is read stands below the screen is another number."""

    def reading(self) -> LineView | None:
        """The view that stands above the footer, whose rule counts what goes on below."""
        return self.focused if isinstance(self.focused, LineView) else None

    def show_footer(self) -> None:
        """What the keys do now changed."""
