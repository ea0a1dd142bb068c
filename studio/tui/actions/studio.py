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


def _nothing_selected(app: StudioApp) -> bool:
    return not getattr(app.focused, "selected_text", "")


@action("interrupt", when=_nothing_selected)
def interrupt(app: StudioApp) -> None:
    """In a field ctrl+c copies what is selected; without a selection, and everywhere else, it says what to press instead."""
    shown = app.keymap.shown
    leaving = next((key for key in app.keymap.by_id["quit"].keys if "+" in key), shown("quit"))
    said = [f"{leaving} leaves"] if leaving else []
    if app.session.running and shown("stop"):
        said.append(f"{shown('stop')} stops the draft")
    if app.screen is app.workbench and app.session.page is not None and shown("copy"):
        said.append(f"{shown('copy')} copies the text")
    app.say(f"{', '.join(said)}." if said else "Nothing is interrupted here.")


@action("mouse")
def mouse(app: StudioApp) -> None:
    on = app.terminal.toggle_mouse()
    app.say("The mouse works here." if on else "The mouse is the terminal's again: select and copy as usual.")
