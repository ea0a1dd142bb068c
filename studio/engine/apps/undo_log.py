"""The undo log of `app/`: what files were before an act that changes several of them and is recorded afterwards.

The folder and the database cannot be changed in one step. What happens between the two, a kill too, is undone before the next act.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

import msgspec
from msgspec import Struct

from studio.store import meta
from studio.store.database import Store
from studio.store.transaction import Tx
from studio.workspace.app_files import AppFiles, FileState, Wanted

_KEY = "undo:app"
T = TypeVar("T")
log = logging.getLogger(__name__)


class _Bytes(Struct, frozen=True):
    digest: str
    mode: int


class _Entry(Struct, frozen=True):
    """A file: what it `was` (None: not there), and the digest of what the act makes of it (None: it is removed)."""

    was: _Bytes | None
    becomes: str | None


class UndoLog:
    """Of one project, whose engine is alone with the folder. One act at a time: see `AppRoom.turn`."""

    def __init__(self, files: AppFiles, store: Store) -> None:
        self._files, self._store = files, store
        self._resting = asyncio.Event()
        self._resting.set()
        self._may_hold = True  # what an earlier process left, until it was looked for
        self._ended = False

    @asynccontextmanager
    async def act(self) -> AsyncGenerator[None]:
        """The block is an act: it notes its files, changes them and calls `end` in the transaction that records it. Whatever it
        raises, its files are put back first; what cannot be now (a full disk) is before the next act."""
        self._resting.clear()
        self._ended = False
        try:
            yield
            self._may_hold = not self._ended
        except (Exception, asyncio.CancelledError) as error:
            try:
                await _to_the_end(asyncio.create_task(self._put_back()))
            except Exception:
                log.exception("after %r", error)
            raise
        finally:
            self._resting.set()

    async def begin(self, wanted: Mapping[str, Wanted | None]) -> None:
        """Note the files that the act is about to make what is `wanted` (None: no file). Raises StorageError."""
        now = await asyncio.to_thread(self._files.snapshot)
        becomes = {path: file.digest if file else None for path, file in wanted.items()}
        await self._store.transact(lambda tx: self.note(tx, becomes, now), actor="engine")

    def note(self, tx: Tx, becomes: Mapping[str, str | None], now: Mapping[str, FileState]) -> None:
        """The same in the act's first transaction: every file that it changes, with the digest of what it will be. `now` is a snapshot."""
        entries = {}
        for path, digest in becomes.items():
            state = now.get(path)
            entries[path] = _Entry(_Bytes(state.digest, state.mode) if state else None, digest)
        write = meta.put if self._may_hold else meta.add
        self._may_hold = True
        write(tx, _KEY, msgspec.json.encode(entries).decode())

    async def change(self, work: Callable[[], T]) -> T:
        """Change files in a thread, to the end also when nobody waits for it any more: they are put back only after it."""
        return await _to_the_end(asyncio.create_task(asyncio.to_thread(work)))

    def end(self, tx: Tx) -> None:
        """In the transaction that records the act: it is whole, and nothing of it will be undone."""
        self._ended = True
        meta.remove(tx, _KEY)

    async def undo(self) -> bool:
        """Put back what an act left that was not recorded; what somebody changed since stays as it is. False where there is nothing, or
        an act is at work. Raises StorageError."""
        return self._resting.is_set() and self._may_hold and await self._put_back()

    async def rest(self) -> None:
        """Wait for the end of an act that is at work."""
        await self._resting.wait()

    async def _put_back(self) -> bool:
        value = await self._store.read(lambda tx: meta.get(tx, _KEY))
        if value is not None:
            entries = msgspec.json.decode(value, type=dict[str, _Entry])
            were = {path: entry.was for path, entry in entries.items()}
            became = {path: entry.becomes for path, entry in entries.items()}
            left = await asyncio.to_thread(lambda: self._files.put_back(were, written=became))
            if left:
                log.warning("changed since, or not to be put back: %s", ", ".join(left))
            await self._store.transact(self.end, actor="engine")
        self._may_hold = False
        return value is not None


async def _to_the_end(task: asyncio.Task[T]) -> T:
    """What the task comes to. Cancelled meanwhile, that is raised after its end."""
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
    return task.result()
