"""What the screen does when the connection to an engine in another process is lost and found, and what is said on leaving it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.protocol.client import LinkState
from studio.tui.message import Level
from studio.tui.presenters.people import drafts_go_on

if TYPE_CHECKING:
    from studio.tui.app import StudioApp

_SAID: dict[LinkState, Level] = {LinkState.SILENT: "warning", LinkState.STOPPED: "warning", LinkState.FAILED: "error"}
"""States that a person should know of. A connection that is being found again says so in the header only."""


def watch_link(app: StudioApp) -> None:
    """Show the state of the connection; once it is back, tell the engine where we are and what is typed."""
    told = ""

    def linked(state: LinkState, words: str) -> None:
        nonlocal told
        app.workbench.header.show(app.workbench.header.work)
        if level := _SAID.get(state):
            app.say(words, level)
            told = app.message.text if app.message else ""
        elif told and app.message is not None and app.message.text == told:
            app.clear_message()
        if state is LinkState.CONNECTED:
            app.workbench.place.again()
            app.workbench.inspector.show(again=True)
            for keep in app.when_back:
                app.spawn(keep())

    app.session.linked = linked


def farewell(app: StudioApp) -> str:
    """Which drafts go on without this terminal, in a sentence; empty without any."""
    session = app.session
    if not session.in_background or session.link is LinkState.STOPPED:
        return ""
    return drafts_go_on([run.page for run in session.running], session.project)
