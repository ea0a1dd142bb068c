"""Writing the approved book to a file, as `studio export markdown` does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from studio.domain.errors import BadInput, Refused
from studio.domain.text import counted, slugify
from studio.protocol.queries import GetBook
from studio.tui.actions.conditions import connected
from studio.tui.actions.registry import action
from studio.tui.clipboard import project_root

if TYPE_CHECKING:
    from studio.tui.app import StudioApp


@action("export", when=connected, changes=True)
async def export(app: StudioApp) -> None:
    """Into the project's folder; a file of that name that is not an export is never replaced."""
    root = project_root(app)
    if root is None:
        raise BadInput("The project's folder cannot be reached from here.", hint="Use `studio export markdown` there.")
    book = await app.session.query(GetBook())
    if not book.pages:
        key = app.keymap.shown("approve")
        raise Refused("Nothing is approved yet, so there is nothing to export.", hint=f"{key} approves a draft.")
    from studio.exporters import registry

    path = root / f"{slugify(book.title) or 'book'}.md"
    made = await asyncio.to_thread(registry.export, "markdown", book, path)
    pages = app.words.put(counted(made.pages, "page"))
    left_out = f"; {made.skipped} without approved text left out" if made.skipped else ""
    edited = f" What you had edited there is kept as {made.kept.name}." if made.kept else ""
    more = "In a folder of files, or in part: studio export markdown --help"
    app.say(f"{pages} written to {made.path}{left_out}.{edited} {more}")
