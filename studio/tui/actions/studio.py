"""The studio itself: leaving, the mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.tui.actions.registry import action

if TYPE_CHECKING:
    from studio.tui.app import StudioApp


@action("quit")
def quit_studio(app: StudioApp) -> None:
    """At once while nothing runs here; a draft in an engine of this process asks, since it ends with this terminal."""
    if app.session.in_background or not app.session.running:
        app.leave(0)
        return

    async def go() -> None:
        app.leave(0)

    app.ask("A draft is being written. Leaving stops it and keeps its text.", "quit", go)


@action("mouse")
def mouse(app: StudioApp) -> None:
    on = app.terminal.toggle_mouse()
    app.say("The mouse works here." if on else "The mouse is the terminal's again: select and copy as usual.")
