"""The one writer thread: group commit, journal numbering, listeners, checkpoints, mending. Reading is in `readers`."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.domain.errors import StorageError
from studio.protocol.events import AnyEvent
from studio.store import vanished
from studio.store.failures import database_error, frameless, open_error
from studio.store.readers import Readers
from studio.store.transaction import Tx

if TYPE_CHECKING:
    import duckdb

Listener = Callable[[tuple[AnyEvent, ...]], None]
log = logging.getLogger(__name__)

# Bounds how long the first of a group waits for the last: at 2 ms of work each, about a tenth of a second.
_LARGEST_GROUP = 64
# DuckDB's own checkpoints are off (see `opening`): one that fails at a COMMIT would leave in doubt whether that was saved.
_CHECKPOINT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Write:
    """A queued unit of work and where its answer goes."""

    work: Callable[[Tx], Any]
    actor: str
    future: Future[Any] = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class Alone:
    """Something done on the writer's thread between transactions; `last` ends the thread."""

    act: Callable[[], Any]
    last: bool = False
    future: Future[Any] = field(default_factory=Future)


class Writer:
    """Owns the connection. `connect` runs on the thread, so that importing and opening block nobody.

    It is told whether the file may be made: when it is opened anew later, a file that vanished is an error, not an empty book.
    """

    def __init__(
        self, path: Path, connect: Callable[[bool], duckdb.DuckDBPyConnection], clock: Callable[[], datetime]
    ) -> None:
        self._path = path
        self._wal = path.with_name(f"{path.name}.wal")
        self._connect = connect
        self._clock = clock
        self._queue: queue.SimpleQueue[Write | Alone] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._seq = 0
        self._file: vanished.Identity | None = None
        self._checkpoint_at = _CHECKPOINT_BYTES
        self.listeners: list[Listener] = []
        self.readers = Readers(clock, lambda: self.put(Alone(self._mend)))
        self.opened: Future[None] = Future()
        self.thread = threading.Thread(target=self._run, name="studio-writer", daemon=True)
        self.thread.start()

    def put(self, item: Write | Alone) -> Future[Any]:
        """Queue an item; everything put before the last one is carried out. Raises StorageError after that."""
        with self._closing:
            if self._closed:
                raise StorageError("The project is closed.", hint="Open it again.")
            self._closed = isinstance(item, Alone) and item.last
            self._queue.put(item)
        return item.future

    def checkpoint(self) -> None:
        """Write the log into the file. To be put into the queue."""
        import duckdb

        try:
            self._in_place().execute("CHECKPOINT")
        except duckdb.Error as error:
            self._mend()
            raise database_error(error, "write its log into the file") from error

    def finish(self) -> None:
        """Answer the reads, write the log into the file, close it. To be put into the queue as the last item."""
        self.readers.close()
        try:
            self.checkpoint()
        except StorageError as error:
            log.warning("closed without a checkpoint; the log stays beside the file: %s", error)
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _run(self) -> None:
        try:
            self._open()
        except BaseException as error:
            self.opened.set_exception(frameless(error))
            return
        self.opened.set_result(None)
        while True:
            group, alone = self._gather()
            if group:
                self._commit(group)
                self._relieve()
            if alone is not None:
                self._act(alone)
                if alone.last:
                    return

    def _open(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        if self._connection is None:
            connection = self._connect(not self.opened.done())
            try:
                row = connection.execute("SELECT coalesce(max(seq), 0) FROM workflow_events").fetchone()
            except duckdb.Error as error:
                connection.close()
                raise open_error(error, self._path) from error
            self._seq = row[0] if row else 0
            self._connection = connection
            self._file = vanished.identity(self._path)
            self.readers.attach(connection)
        return self._connection

    def _in_place(self) -> duckdb.DuckDBPyConnection:
        """The connection, to a file that has its name: a commit to a deleted one would be lost with this process."""
        import duckdb

        connection = self._open()
        if self._file is None or not vanished.is_deleted(self._path, self._file):
            return connection
        log.warning("%s was deleted while it was open, and is written again", self._path)
        try:
            connection.execute("CHECKPOINT")
        except duckdb.Error as error:
            raise database_error(error, "write its log into the file") from error
        vanished.write_back(self._path, self._file)
        with self.readers.detached():
            connection.close()
            self._connection = None
        return self._open()

    def _gather(self) -> tuple[list[Write], Alone | None]:
        """Wait for work, then take all that queued during the last commit, in order."""
        group: list[Write] = []
        item = self._queue.get()
        while isinstance(item, Write):
            group.append(item)
            if len(group) == _LARGEST_GROUP:
                return group, None
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return group, None
        return group, item

    def _act(self, alone: Alone) -> None:
        try:
            alone.future.set_result(alone.act())
        except BaseException as error:
            alone.future.set_exception(frameless(error))

    def _commit(self, group: list[Write]) -> None:
        """Commit the group as one. DuckDB has no savepoints: a group that fails is rolled back and replayed one by one."""
        try:
            results, events = self._attempt(group)
        except BaseException as error:
            self._mend()
            if len(group) == 1:
                group[0].future.set_exception(frameless(error))
                return
            for write in group:
                self._commit([write])
            return
        self._tell(events)
        for write, result in zip(group, results, strict=True):
            write.future.set_result(result)

    def _attempt(self, group: list[Write]) -> tuple[list[Any], tuple[AnyEvent, ...]]:
        import duckdb

        connection = self._in_place()
        seq, results, events = self._seq, [], []
        try:
            connection.execute("BEGIN TRANSACTION")
            for write in group:
                tx = Tx(connection, now=self._clock(), actor=write.actor, seq=seq)
                try:
                    results.append(write.work(tx))
                    tx.flush()
                finally:
                    tx.end()
                events += tx.events
                seq = tx.seq
            connection.execute("COMMIT")
        except duckdb.Error as error:
            _roll_back(connection)
            raise database_error(error, "save the change") from error
        except BaseException:
            _roll_back(connection)
            raise
        self._seq = seq
        return results, tuple(events)

    def _mend(self) -> None:
        """Open the file anew when DuckDB has given up on it (a checkpoint on a full disk does that); nothing saved is lost."""
        if self._connection is not None:
            if _usable(self._connection):
                return
            log.warning("the database is opened anew after a failure")
            with self.readers.detached():
                self._connection.close()
                self._connection = None
        try:
            self._open()
        except Exception as error:
            log.warning("the database cannot be opened now, the next use tries again: %s", error)

    def _relieve(self) -> None:
        """Write a large log into the file. A failure costs nothing but the log's size: it is tried again after more of it."""
        try:
            size = self._wal.stat().st_size
        except OSError:
            return
        if size < self._checkpoint_at:
            return
        try:
            self.checkpoint()
            self._checkpoint_at = _CHECKPOINT_BYTES
        except StorageError as error:
            self._checkpoint_at = size + _CHECKPOINT_BYTES
            log.warning("the checkpoint is put off: %s", error)

    def _tell(self, events: tuple[AnyEvent, ...]) -> None:
        if not events:
            return
        for listener in tuple(self.listeners):
            try:
                listener(events)
            except Exception:
                log.exception("a listener of the journal failed")


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    import duckdb

    try:
        connection.execute("ROLLBACK")
    except duckdb.Error as error:
        log.debug("no transaction left to roll back: %s", error)  # a failed COMMIT has ended it already


def _usable(connection: duckdb.DuckDBPyConnection) -> bool:
    import duckdb

    try:
        connection.execute("SELECT 1").fetchone()
    except duckdb.Error:
        return False
    return True
