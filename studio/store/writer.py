"""The one writer thread: group commit, journal numbering, listeners. Reading is in `readers`."""

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
from studio.protocol.events import AnyEvent
from studio.store.failures import database_error
from studio.store.transaction import Tx

if TYPE_CHECKING:
    import duckdb

Listener = Callable[[tuple[AnyEvent, ...]], None]
log = logging.getLogger(__name__)

# Bounds how long the first of a group waits for the last: at 2 ms of work each, about a tenth of a second.
_LARGEST_GROUP = 64


@dataclass(frozen=True, slots=True)
class Write:
    """A queued unit of work and where its answer goes."""

    work: Callable[[Tx], Any]
    actor: str
    future: Future[Any] = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class Alone:
    """Something done on the writer's connection between transactions; `last` ends the thread."""

    act: Callable[[duckdb.DuckDBPyConnection], Any]
    last: bool = False
    future: Future[Any] = field(default_factory=Future)


class Writer:
    """Owns the connection. `open_connection` runs on the thread, so that importing and opening block nobody."""

    def __init__(self, open_connection: Callable[[], duckdb.DuckDBPyConnection], clock: Callable[[], datetime]) -> None:
        self._open_connection = open_connection
        self._clock = clock
        self._queue: queue.SimpleQueue[Write | Alone] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._connection: duckdb.DuckDBPyConnection
        self._seq = 0
        self.listeners: list[Listener] = []
        self.opened: Future[duckdb.DuckDBPyConnection] = Future()
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

    def _run(self) -> None:
        try:
            self._connection = self._open_connection()
            row = self._connection.execute("SELECT coalesce(max(seq), 0) FROM workflow_events").fetchone()
            self._seq = row[0] if row else 0
        except BaseException as error:
            self.opened.set_exception(error)
            return
        self.opened.set_result(self._connection)
        while True:
            group, alone = self._gather()
            if group:
                self._commit(group)
            if alone is not None:
                self._act(alone)
                if alone.last:
                    return

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
            alone.future.set_result(alone.act(self._connection))
        except BaseException as error:
            alone.future.set_exception(error)

    def _commit(self, group: list[Write]) -> None:
        """Commit the group as one. DuckDB has no savepoints: a group that fails is rolled back and replayed one by one."""
        try:
            results, events = self._attempt(group)
        except BaseException as error:
            if len(group) == 1:
                group[0].future.set_exception(error)
                return
            for write in group:
                self._commit([write])
            return
        self._tell(events)
        for write, result in zip(group, results, strict=True):
            write.future.set_result(result)

    def _attempt(self, group: list[Write]) -> tuple[list[Any], tuple[AnyEvent, ...]]:
        import duckdb

        seq, results, events = self._seq, [], []
        try:
            self._connection.execute("BEGIN TRANSACTION")
            for write in group:
                tx = Tx(self._connection, now=self._clock(), actor=write.actor, seq=seq)
                results.append(write.work(tx))
                events += tx.events
                seq = tx.seq
            self._connection.execute("COMMIT")
        except duckdb.Error as error:
            self._roll_back()
            raise database_error(error, "save the change") from error
        except BaseException:
            self._roll_back()
            raise
        self._seq = seq
        return results, tuple(events)

    def _roll_back(self) -> None:
        import duckdb

        try:
            self._connection.execute("ROLLBACK")
        except duckdb.Error as error:
            log.debug("no transaction left to roll back: %s", error)  # a failed COMMIT has ended it already

    def _tell(self, events: tuple[AnyEvent, ...]) -> None:
        if not events:
            return
        for listener in tuple(self.listeners):
            try:
                listener(events)
            except Exception:
                log.exception("a listener of the journal failed")
