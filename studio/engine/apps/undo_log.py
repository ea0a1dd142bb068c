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
from studio.workspace.app_files import AppFiles, Wanted

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
    """Of one project, whose `AppRoom.versioning` is held from `begin` to the act's end: its transaction, or `undo`."""

    def __init__(self, files: AppFiles, store: Store) -> None:
        self._files, self._store = files, store

    async def begin(self, wanted: Mapping[str, Wanted | None]) -> None:
        """Note the files that the act is about to make what is `wanted` (None: no file). What an earlier act left is undone first.
        Raises StorageError."""
        await self.undo()
        now = await asyncio.to_thread(self._files.snapshot)
        entries = {}
        for path, file in wanted.items():
            state = now.get(path)
            was = _Bytes(state.digest, state.mode) if state else None
            entries[path] = _Entry(was, file.digest if file else None)
        value = msgspec.json.encode(entries).decode()
        await self._store.transact(lambda tx: meta.put(tx, _KEY, value), actor="engine")

    def end(self, tx: Tx) -> None:
        """In the transaction that records the act: it is whole, and nothing of it will be undone."""
        meta.remove(tx, _KEY)

    async def undo(self) -> None:
        """Make the files what they were before an act that was not recorded; what somebody changed since stays as it is.
        Raises StorageError."""
        value = await self._store.read(lambda tx: meta.get(tx, _KEY))
        if value is None:
            return
        entries = msgspec.json.decode(value, type=dict[str, _Entry])
        were = {path: entry.was for path, entry in entries.items()}
        became = {path: entry.becomes for path, entry in entries.items()}
        await asyncio.to_thread(lambda: self._files.put_back(were, written=became))
        await self._store.transact(self.end, actor="engine")

    async def undo_after(self, error: Exception) -> None:
        """The same after an act that failed, whose error is what the person is told. What cannot be undone now (a full disk) is when
        the next act begins, or the project opens."""
        try:
            await self.undo()
        except StudioError:
            log.exception("after %r", error)
