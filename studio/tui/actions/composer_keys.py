"""Keys inside the composer: send, leave, newline, the ends of the text, its last and its first words. What opens it is in `composing`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.tui.actions.composing import is_composing, open_composer
from studio.tui.actions.registry import action
from studio.tui.presenters.composing import Purpose

if TYPE_CHECKING:
    from studio.tui.app import StudioApp


def _send_shown(app: StudioApp) -> tuple[int, str]:
    """A text is saved; words about it are sent."""
    composer = open_composer(app)
    purpose = composer.request.purpose if composer is not None else None
    return (1, "save" if purpose and purpose.whole else "send back" if purpose is Purpose.RETURN else "send")


@action("composer.send", when=is_composing, inline=True, shown=_send_shown)
async def send(app: StudioApp) -> None:
    if composer := open_composer(app):
        await composer.send()


@action("composer.leave", when=is_composing, inline=True)
async def leave(app: StudioApp) -> None:
    if composer := open_composer(app):
        await composer.leave()


@action("composer.newline", when=is_composing, inline=True)
async def newline(app: StudioApp) -> None:
    if composer := open_composer(app):
        composer.newline()


@action("composer.top", when=is_composing, inline=True)
async def to_top(app: StudioApp) -> None:
    if composer := open_composer(app):
        composer.words.move_cursor((0, 0))


@action("composer.end", when=is_composing, inline=True)
async def to_end(app: StudioApp) -> None:
    if composer := open_composer(app):
        composer.words.move_cursor(composer.words.document.end)


def _differs(app: StudioApp) -> bool:
    composer = open_composer(app)
    return composer is not None and composer.text != composer.request.original


@action("composer.discard", when=_differs, inline=True)
async def throw_away(app: StudioApp) -> None:
    """The field as it was before anything was typed; nothing stays kept, and the field's own undo brings the words back."""
    if composer := open_composer(app):
        composer.put(composer.request.original)
        await composer.keep_now()
        app.say("Thrown away. ctrl+z brings the words back while this stays open.")
        app.refresh_footer()


def _has_last(app: StudioApp) -> bool:
    composer = open_composer(app)
    return composer is not None and bool(composer.request.last)


@action("composer.last", when=_has_last, inline=True)
async def last(app: StudioApp) -> None:
    if composer := open_composer(app):
        composer.put_last()
