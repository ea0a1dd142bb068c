"""Reader threads, each on its own cursor: every read is one consistent snapshot that cannot write."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from studio.domain.errors import StorageError
from studio.store.failures import database_error
from studio.store.transaction import Tx

if TYPE_CHECKING:
    import duckdb

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Read:
    work: Callable[[Tx], Any]
    future: Future[Any] = field(default_factory=Future)


class Readers:
    """`count` threads that answer from one queue."""

    def __init__(self, root: duckdb.DuckDBPyConnection, clock: Callable[[], datetime], count: int = 2) -> None:
        self._clock = clock
        self._queue: queue.SimpleQueue[Read | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._run, args=(root.cursor(),), name=f"studio-reader-{number}", daemon=True)
            for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def put(self, read: Read) -> Future[Any]:
        with self._closing:
            if self._closed:
                raise StorageError("The project is closed.", hint="Open it again.")
            self._queue.put(read)
        return read.future

    def close(self) -> None:
        """Answer what is queued, then end the threads."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            for _ in self._threads:
                self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self, cursor: duckdb.DuckDBPyConnection) -> None:
        while (read := self._queue.get()) is not None:
            try:
                read.future.set_result(self._answer(cursor, read))
            except BaseException as error:
                read.future.set_exception(error)
        cursor.close()

    def _answer(self, cursor: duckdb.DuckDBPyConnection, read: Read) -> Any:
        import duckdb

        try:
            cursor.execute("BEGIN TRANSACTION READ ONLY")
        except duckdb.Error as error:
            raise database_error(error, "be read") from error
        try:
            return read.work(Tx(cursor, now=self._clock()))
        finally:
            try:
                cursor.execute("ROLLBACK")
            except duckdb.Error as error:
                log.debug("the reading transaction had ended: %s", error)
