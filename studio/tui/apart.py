"""Where a composer's words go that cannot lie where words are kept: to a file, for another terminal of the same person keeps
others there, or the engine could not keep them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from studio.domain.errors import Conflict, StorageError, StudioError
from studio.domain.text import clean, digest
from studio.protocol.commands import KeepWords
from studio.tui.clipboard import project_root
from studio.tui.presenters import composing
from studio.tui.presenters.composing import Request
from studio.workspace import edits

if TYPE_CHECKING:
    from studio.tui.app import StudioApp


class WordsSender:
    """Has a composer's words kept. It names the words that it last knew to be kept there: where others are found, these stay, and
    its own go to a file from then on, which is written anew with every save."""

    def __init__(self, app: Callable[[], StudioApp], request: Callable[[], Request]) -> None:
        self._app, self._request = app, request
        self._seen = request().stored
        self._unanswered: set[str] = set()
        self.apart = False
        self.path: Path | None = None

    async def send(self, command: KeepWords) -> None:
        """Raises StudioError when the words are neither with the engine nor in a file."""
        if not self.apart:
            await self._send(command)
        if self.apart:
            self._write(command.text)

    async def _send(self, command: KeepWords) -> None:
        self._unanswered.add(clean(command.text))
        try:
            await self._app().session.execute(replace(command, seen=digest(clean(self._seen))))
        except Conflict as error:
            await self._meet(command, error)
            return
        self._took(command)

    async def _meet(self, command: KeepWords, error: Conflict) -> None:
        """What is kept there are own words whose answer never came, or those of another terminal."""
        theirs = error.data.get("theirs")
        if not isinstance(theirs, str) or theirs not in self._unanswered:
            self.apart = True
            return
        try:
            await self._app().session.execute(replace(command, seen=digest(theirs)))
        except Conflict:
            self.apart = True
            return
        self._took(command)

    def _took(self, command: KeepWords) -> None:
        self._seen = command.text
        self._unanswered.clear()
        self._app().session.kept(command)

    def _write(self, text: str) -> None:
        """The file with these words in the place of the one before; words that are nothing new need none. Raises StudioError."""
        before, self.path = self.path, None
        if text:
            try:
                self.path = write_aside(self._app(), self._request(), text)
            except StudioError:
                self.path = before
                raise
            if self.path is None:
                self.path = before
                raise StorageError("Another terminal keeps other words here, and there is no project folder for these.")
        if before is not None and before != self.path:
            edits.remove(before)

    @property
    def said(self) -> str:
        """Where the words are, for whom they were taken apart from others."""
        if self.path is None:
            return ""
        root = project_root(self._app())
        where = self.path.relative_to(root) if root is not None and self.path.is_relative_to(root) else self.path
        return (
            f"Another terminal of yours keeps other words here; these are in {where}, and the next start offers them."
        )


def write_aside(app: StudioApp, request: Request, text: str) -> Path | None:
    """Write words to a file beside those of editors, which the next start offers; None without a project. Raises StorageError."""
    root = project_root(app)
    if root is None:
        return None
    return edits.write(
        root, page_id=request.page, page_slug=slug_of(app, request), stage=composing.file_stage(request), typed=text,
        revision_id=request.revision, title=request.title or request.heading, text=request.original,
    )  # fmt: skip


def slug_of(app: StudioApp, request: Request) -> str:
    page = app.session.page
    return (page.slug if page is not None and page.id == request.page else "") or request.page
