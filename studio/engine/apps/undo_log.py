"""The undo log of `app/`: what files were before an act that changes several of them and is recorded afterwards.

The folder and the database cannot be changed in one step. A kill between the two is undone when the project opens again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from studio.domain.errors import StudioError
from studio.store import meta
from studio.store.database import Store
from studio.store.transaction import Tx
from studio.workspace.app_files import AppFiles, FileState, Wanted

_KEY = "undo:app"
log = logging.getLogger(__name__)


class _Bytes(Struct, frozen=True):
    digest: str
    mode: int


class _Entry(Struct, frozen=True):
    """A file: what it `was` (None: not there), and the digest of what the act makes of it (None: it is removed)."""

    was: _Bytes | None
    becomes: str | None


class UndoLog:
    """Of one project. Who notes files holds `AppRoom.versioning`, or has a version open, until the act ends."""

    def __init__(self, files: AppFiles, store: Store) -> None:
        self._files, self._store = files, store

    async def begin(self, wanted: Mapping[str, Wanted | None]) -> None:
        """Note the files that the act is about to make what is `wanted` (None: no file). What an earlier act left is undone first.
        Raises StorageError."""
        await self.undo()
        now = await asyncio.to_thread(self._files.snapshot)
        becomes = {path: file.digest if file else None for path, file in wanted.items()}
        await self._store.transact(lambda tx: self.note(tx, becomes, now), actor="engine")

    def note(self, tx: Tx, becomes: Mapping[str, str | None], now: Mapping[str, FileState]) -> None:
        """The same in the act's first transaction. Every file that it changes, with the digest of what it will be; `now` is a snapshot."""
        entries = {}
        for path, digest in becomes.items():
            state = now.get(path)
            entries[path] = _Entry(_Bytes(state.digest, state.mode) if state else None, digest)
        meta.put(tx, _KEY, msgspec.json.encode(entries).decode())

    def end(self, tx: Tx) -> None:
        """In the transaction that records the act: it is whole, and nothing of it will be undone."""
        meta.remove(tx, _KEY)

    async def undo(self) -> bool:
        """Make the files what they were before an act that was not recorded; what somebody changed since stays as it is. False when
        there was none. Raises StorageError."""
        value = await self._store.read(lambda tx: meta.get(tx, _KEY))
        if value is None:
            return False
        entries = msgspec.json.decode(value, type=dict[str, _Entry])
        were = {path: entry.was for path, entry in entries.items()}
        became = {path: entry.becomes for path, entry in entries.items()}
        await asyncio.to_thread(lambda: self._files.put_back(were, written=became))
        await self._store.transact(self.end, actor="engine")
        return True

    async def undo_after(self, error: Exception) -> None:
        """The same after an act that failed, whose error is what the person is told. What cannot be undone now (a full disk) is when
        the next act begins, or the project opens."""
        try:
            await self.undo()
        except StudioError:
            log.exception("after %r", error)
