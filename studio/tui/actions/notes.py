"""What is done to the note under the cursor of the inspector's notes: change its words, dismiss it, take that back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.protocol.commands import ResolveComment
from studio.protocol.views import FeedbackView
from studio.tui.actions.composing import compose
from studio.tui.actions.conditions import in_notes
from studio.tui.actions.registry import action
from studio.tui.presenters import composing

if TYPE_CHECKING:
    from studio.tui.app import StudioApp


def _note(app: StudioApp, state: str) -> FeedbackView | None:
    """The note under the cursor, if it is a note in this state."""
    note = app.workbench.inspector.note() if in_notes(app) else None
    return note if note is not None and note.kind == "note" and note.state == state else None


def _on_an_open_one(app: StudioApp) -> bool:
    return _note(app, "open") is not None


def _on_a_dismissed_one(app: StudioApp) -> bool:
    return _note(app, "dismissed") is not None


@action("note.edit", when=_on_an_open_one, inline=True, changes=True)
async def edit(app: StudioApp) -> None:
    note, page = _note(app, "open"), app.session.page
    if note is not None and page is not None:
        await compose(app, composing.note(page, note))


@action("note.dismiss", when=_on_an_open_one, inline=True, changes=True)
async def dismiss(app: StudioApp) -> None:
    if note := _note(app, "open"):
        await _settle(app, note, resolved=True)


@action("note.reopen", when=_on_a_dismissed_one, inline=True, changes=True)
async def reopen(app: StudioApp) -> None:
    if note := _note(app, "dismissed"):
        await _settle(app, note, resolved=False)


async def _settle(app: StudioApp, note: FeedbackView, *, resolved: bool) -> None:
    done = await app.session.execute(ResolveComment(feedback=note.id, resolved=resolved))
    await app.session.update()
    key = app.keymap.shown("note.reopen")
    app.say(f"{done.message} {key} takes that back." if resolved and key else done.message)
