"""Reader threads, each on its own cursor: every read is one consistent snapshot that cannot write."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from studio.domain.errors import StorageError
from studio.store.failures import database_error, frameless
from studio.store.transaction import Tx

if TYPE_CHECKING:
    import duckdb

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Read:
    work: Callable[[Tx], Any]
    future: Future[Any] = field(default_factory=Future)


@dataclass(slots=True)
class _Seat:
    """A reader thread's cursor; None while the file is being opened anew."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    cursor: duckdb.DuckDBPyConnection | None = None


class Readers:
    """Threads that answer from one queue. `mend` asks the writer to open the file anew if DuckDB has given up on it."""

    def __init__(self, clock: Callable[[], datetime], mend: Callable[[], Future[None]], count: int = 2) -> None:
        self._clock = clock
        self._mend = mend
        self._queue: queue.SimpleQueue[Read | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._seats = [_Seat() for _ in range(count)]
        self._threads: list[threading.Thread] = []

    def attach(self, root: duckdb.DuckDBPyConnection) -> None:
        """Give each thread a cursor of the connection; starts the threads the first time."""
        for seat in self._seats:
            with seat.lock:
                seat.cursor = root.cursor()
        if not self._threads:
            self._threads = [
                threading.Thread(target=self._run, args=(seat,), name=f"studio-reader-{number}", daemon=True)
                for number, seat in enumerate(self._seats)
            ]
            for thread in self._threads:
                thread.start()

    @contextmanager
    def detached(self) -> Generator[None, None, None]:
        """While this lasts no read is at work and no cursor is open."""
        with ExitStack() as stack:
            for seat in self._seats:
                stack.enter_context(seat.lock)
                _close(seat)
            yield

    def put(self, read: Read) -> Future[Any]:
        with self._closing:
            if self._closed:
                raise StorageError("The project is closed.", hint="Open it again.")
            self._queue.put(read)
        return read.future

    def close(self) -> None:
        """Answer what is queued, then end the threads."""
        with self._closing:
            self._closed = True
            for _ in self._threads:
                self._queue.put(None)
        for thread in self._threads:
            thread.join()
        for seat in self._seats:
            _close(seat)

    def _run(self, seat: _Seat) -> None:
        while (read := self._queue.get()) is not None:
            try:
                read.future.set_result(self._answer(seat, read.work))
            except BaseException as error:
                read.future.set_exception(frameless(error))

    def _answer(self, seat: _Seat, work: Callable[[Tx], Any]) -> Any:
        try:
            return self._attempt(seat, work)
        except StorageError:
            if _usable(seat):
                raise
        self._mend().result()
        return self._attempt(seat, work)

    def _attempt(self, seat: _Seat, work: Callable[[Tx], Any]) -> Any:
        import duckdb

        with seat.lock:
            if seat.cursor is None:
                raise StorageError("The database is not open.", hint="Free some space on the disk and try again.")
            try:
                seat.cursor.execute("BEGIN TRANSACTION READ ONLY")
            except duckdb.Error as error:
                raise database_error(error, "be read") from error
            tx = Tx(seat.cursor, now=self._clock())
            try:
                return work(tx)
            finally:
                tx.end()
                _end(seat.cursor)


def _end(cursor: duckdb.DuckDBPyConnection) -> None:
    import duckdb

    try:
        cursor.execute("ROLLBACK")
    except duckdb.Error as error:
        log.debug("the reading transaction had ended: %s", error)


def _usable(seat: _Seat) -> bool:
    import duckdb

    with seat.lock:
        if seat.cursor is None:
            return False
        try:
            seat.cursor.execute("SELECT 1").fetchone()
        except duckdb.Error:
            return False
    return True


def _close(seat: _Seat) -> None:
    if seat.cursor is not None:
        seat.cursor.close()
        seat.cursor = None
