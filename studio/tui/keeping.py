"""Keeps what is typed while it is typed: sends the newest words to the engine, in order, at most 0.3 s after a key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from studio.domain.errors import StudioError
from studio.protocol.commands import KeepWords

PAUSE = 0.3
"""Seconds of typing that a kill may cost. It counts from the first key not kept yet, so that steady typing is kept too."""


class Keeper:
    """`send` carries a command out; `failed` hears the error of a save that did not work (the next change tries again)."""

    def __init__(
        self,
        send: Callable[[KeepWords], Awaitable[object]],
        words: Callable[[str], KeepWords],
        failed: Callable[[StudioError | None], None],
        *,
        saved: str = "",
    ) -> None:
        self._send = send
        self._words = words
        self._failed = failed
        self._text = saved
        self._saved: str | None = saved
        self._task: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()

    def changed(self, text: str) -> None:
        """The words are `text` now."""
        self._text = text
        if text != self._saved and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._soon())

    async def _soon(self) -> None:
        await asyncio.sleep(PAUSE)
        await self._save()
        if self._text != self._saved:
            self._task = asyncio.create_task(self._soon())

    def unsaved(self) -> None:
        """The engine does not have these words yet, though nobody typed them here."""
        self._saved = None

    async def flush(self) -> None:
        """Keep the newest words now."""
        await self._save()

    @property
    def safe(self) -> bool:
        """Whether the engine has the newest words."""
        return self._text == self._saved

    async def forget(self, text: str) -> None:
        """`text` was sent: nothing is left to keep. Words typed since then stay kept."""
        if self._text == text:
            await self._put("")

    async def _save(self) -> None:
        if self._text != self._saved:
            await self._put(self._text)

    async def _put(self, text: str) -> None:
        async with self._turn:
            try:
                await self._send(self._words(text))
            except StudioError as error:
                self._failed(error)
                return
            self._saved = text
            if not text:
                self._text = text
            self._failed(None)
