"""What is settled before the book is on the screen: which project, where there is none yet, and what its workflow calls things."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.tui import keymap
from studio.tui.actions import registry
from studio.tui.launcher import Launcher
from studio.tui.presenters.words import words_of

if TYPE_CHECKING:
    from studio.tui.app import StudioApp


async def first_run(app: StudioApp, launcher: Launcher) -> bool:
    """Ask what to begin with; False when the person leaves. After it, `connect` opens what was made."""
    registry.load()
    screen = await app.open_screen("first_run", launcher=launcher)
    if await screen.answered() is None:
        return False
    await app.pop_screen()
    return True


def take_words(app: StudioApp) -> None:
    """The words of the project's workflow, in labels and sentences from now on."""
    words = words_of(app.session.project)
    if words != app.words:
        app.words = words
        app.keymap = keymap.build(app.options.keys).worded(words.put)
