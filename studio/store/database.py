"""`Store`: the open database of a project, as async code sees it. SQL about the book is in the repository modules beside it."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from studio.domain.errors import ProjectBusy, StorageError, StudioError
from studio.store.migrate import Step, packaged_steps
from studio.store.opening import open_database
from studio.store.readers import Read
from studio.store.transaction import Tx, utc_now
from studio.store.writer import Alone, Listener, Write, Writer

T = TypeVar("T")

_open_files: set[Path] = set()
_open_files_lock = threading.Lock()


class Store:
    """One writer thread with group commit and two readers. May be used from any thread and event loop.

    Made by `open`; nothing of DuckDB is imported or called on the caller's thread.
    """

    def __init__(self, path: Path, writer: Writer) -> None:
        self.path = path
        self._writer = writer
        self._ended: Future[None] | None = None
        self._ending = threading.Lock()
        atexit.register(self.close)

    @classmethod
    async def open(
        cls, path: Path, *, clock: Callable[[], datetime] = utc_now, steps: Sequence[Step] | None = None
    ) -> Store:
        """Open the database at `path`, made or migrated as needed (a copy `<name>.before-N` is kept before a migration).

        Raises ProjectBusy when it is open elsewhere, StorageError with a hint for a foreign, broken or newer file.
        """
        place = _claim(path)
        try:
            writer = Writer(
                place,
                lambda create: open_database(place, packaged_steps() if steps is None else steps, clock, create=create),
                clock,
            )
            await _answer(writer.opened)
        except StudioError:
            _release(place)
            writer.thread.join()
            raise
        except BaseException:
            writer.opened.add_done_callback(lambda opened: _abandon(writer, opened, place))
            raise
        return cls(place, writer)

    async def transact(self, work: Callable[[Tx], T], *, actor: str = "") -> T:
        """Run `work` in a transaction on the writer thread; returns once it is on disk.

        Works queued together share one commit. An error raised in `work` rolls back that work alone and is raised here.
        `work` may be run twice. When the awaiting task is cancelled, the queued work is carried out all the same.
        """
        future: Future[T] = self._writer.put(Write(work, actor))
        return await _answer(future)

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Run `work` on a snapshot that holds everything committed before the call."""
        future: Future[T] = self._writer.readers.put(Read(work))
        return await _answer(future)

    def on_commit(self, callback: Listener) -> None:
        """Call `callback` on the writer thread with the events of each commit, in the order of their numbers, each once ever."""
        self._writer.listeners.append(callback)

    async def checkpoint(self) -> None:
        """Write the log into the database file."""
        await _answer(self._writer.put(Alone(self._writer.checkpoint)))

    async def aclose(self) -> None:
        """Carry out what is queued, write the log into the file and close it. May be called more than once."""
        await _answer(self._end())
        self._writer.thread.join()

    def close(self) -> None:
        """`aclose` for a thread without an event loop; also run when the program ends without it."""
        with suppress(StorageError, TimeoutError):
            self._end().result(timeout=30)
            self._writer.thread.join()

    def _end(self) -> Future[None]:
        with self._ending:
            if self._ended is None:
                self._ended = self._writer.put(Alone(self._finish, last=True))
            return self._ended

    def _finish(self) -> None:
        self._writer.finish()
        _release(self.path)
        atexit.unregister(self.close)


async def _answer(future: Future[T]) -> T:
    """Await a result from another thread.

    Unlike `asyncio.wrap_future`, cancelling the wait leaves the work queued, and a loop that closed meanwhile is no error.
    """
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not waiter.done():
            waiter.set_result(None)

    def done(_: Future[T]) -> None:
        with suppress(RuntimeError):  # the loop has closed: nobody waits any more
            loop.call_soon_threadsafe(wake)

    future.add_done_callback(done)
    await waiter
    return future.result()


def _abandon(writer: Writer, opened: Future[None], path: Path) -> None:
    """Nobody waits for the opening any more: close what it opened, then let go of the name."""
    if opened.exception() is not None:
        _release(path)
        return
    closing: Future[None] = writer.put(Alone(writer.finish, last=True))
    closing.add_done_callback(lambda _: _release(path))


def _claim(path: Path) -> Path:
    """One Store a file: a second writer in this process would number the journal twice, which DuckDB does not refuse."""
    path = path.absolute()
    with _open_files_lock:
        if path in _open_files:
            raise ProjectBusy(f"{path.name} is open in this process already.", data={"pid": os.getpid(), "host": ""})
        _open_files.add(path)
    return path


def _release(path: Path) -> None:
    with _open_files_lock:
        _open_files.discard(path)
