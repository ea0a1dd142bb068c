"""Hosts the engine: accepts connections while it opens and after, decides when to leave, and leaves in order.

Order of leaving: the socket's name goes, the listener closes, drafts end with their text kept, clients see the end of the stream,
the database is written and closed, and the process's end frees the lock. Whoever arrives in between sees no hello and tries again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from studio import __version__
from studio.config import modes
from studio.config.logs import log_file
from studio.config.paths import state_folder
from studio.daemon.connection import Connection
from studio.daemon.peers import in_group, peer
from studio.domain.errors import Refused, StudioError
from studio.engine.engine import Engine
from studio.protocol import wire
from studio.workspace.lock import moved
from studio.workspace.sharing import group_of, share
from studio.workspace.socket_path import socket_path

log = logging.getLogger(__name__)

WATCH_SECONDS = 2.0
DRAIN_WATCH_SECONDS = 0.1
# Clients that connected while the project could not be opened are told why within this time.
REFUSAL_SECONDS = 0.5
_KEY_ENDING = "_API_KEY"


class EngineHost:
    """One per process. `run` returns the process's exit code."""

    def __init__(self, root: Path, listener: socket.socket, open_engine: Callable[[], Awaitable[Engine]]) -> None:
        self.root = root
        self.leaving = False
        self.draining = False
        self._listener = listener
        self._open_engine = open_engine
        self._opened: asyncio.Future[Engine] = asyncio.get_running_loop().create_future()
        self._connections: set[Connection] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._leave = asyncio.Event()
        self._wake = asyncio.Event()
        self._reason = "signal"
        self._drain_reason = "stop"
        self._started = time.time()
        self._idle_since = time.monotonic()
        self._anchor = os.open(state_folder(root), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    async def run(self) -> int:
        """Serve until it is time to leave."""
        server = await asyncio.start_unix_server(self._accept, sock=self._listener, limit=wire.MAX_REQUEST)
        try:
            engine = await self._open_engine()
        except StudioError as error:
            await self._refuse(server, error)
            return 1
        try:
            self._share(engine)
        except StudioError as error:
            log.warning("%s", error)
        self._opened.set_result(engine)
        log.info("engine %s ready after %.0f ms", __version__, (time.time() - self._started) * 1000)
        self._idle_since = time.monotonic()
        watching = asyncio.create_task(self._watch(engine), name="idle watch")
        await self._leave.wait()
        watching.cancel()
        await self._go(server, engine)
        return 0

    # Clients

    async def engine(self) -> Engine:
        """The engine, once it is open. Raises the error that kept it from opening."""
        return await asyncio.shield(self._opened)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        you = peer(writer.get_extra_info("socket"))
        if you.uid != os.geteuid() and not await self._lets_in(writer.get_extra_info("socket")):
            log.warning("user %s (%d) was refused", you.user, you.uid)
            writer.write(wire.error_line(Refused("This engine belongs to another user.")))
            writer.close()
            return
        if self.leaving:
            writer.close()
            return
        connection = Connection(self, reader, writer, you)
        self._connections.add(connection)
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            await connection.serve()
        finally:
            self._serving.discard(task)
            self._connections.discard(connection)
            self._idle_since = time.monotonic()
            if self._opened.done() and self._opened.exception() is None:
                self._opened.result().presence.leave(connection.id)

    async def _lets_in(self, connection: socket.socket) -> bool:
        """Whether another user may attach: in a shared engine, who belongs to the project's group."""
        try:
            return (await self.engine()).shared and in_group(connection, group_of(self.root))
        except (StudioError, OSError):
            return False

    def _share(self, engine: Engine) -> None:
        """Also while it runs: a command of the owner's that finds the folder open to others makes it private again."""
        if engine.shared:
            modes.go_shared()  # what it writes for people (the manuscript, an application) can be written by the group
            share(self.root)

    async def hello(self, you: wire.You) -> wire.Hello:
        standing = await (await self.engine()).standing()
        return wire.Hello(
            proto=wire.PROTO,
            app=__version__,
            schema=wire.SCHEMA,
            engine_pid=os.getpid(),
            project=str(self.root),
            busy=standing.running + standing.queued,
            last_seq=standing.last_seq,
            you=you,
            services=wire.service_names(os.environ),
        )

    async def status(self) -> wire.EngineStatus:
        engine = await self.engine()
        standing = await engine.standing()
        return wire.EngineStatus(
            pid=os.getpid(),
            app=__version__,
            proto=wire.PROTO,
            schema=wire.SCHEMA,
            project=str(self.root),
            started=datetime.fromtimestamp(self._started, UTC).isoformat(timespec="seconds"),
            uptime_s=time.time() - self._started,
            clients=len(self._connections),
            people=len(engine.presence),
            running=standing.running,
            queued=standing.queued,
            draining=self.draining,
            idle_minutes=engine.idle_minutes,
            keys=tuple(sorted(name for name, value in os.environ.items() if name.endswith(_KEY_ENDING) and value)),
            log=str(log_file(self.root)),
            memory_mb=_memory_mb(),
            last_seq=standing.last_seq,
        )

    # Leaving

    def leave_soon(self, reason: str) -> None:
        """Leave as soon as what is being written is out."""
        if not self._leave.is_set():
            self._reason = reason
            self._leave.set()

    async def drain(self, reason: str) -> str:
        """Take no new drafts, and leave when none runs or waits. What was decided, in words."""
        standing = await (await self.engine()).standing()
        busy = standing.running + standing.queued
        self.draining = True
        self._drain_reason = reason
        self._wake.set()
        if not busy:
            return "The engine leaves."
        return f"The engine leaves once {busy} draft{'s have' if busy != 1 else ' has'} ended."

    def check_place(self) -> None:
        """Raises StorageError, and leaves, when the project's folder is no longer where it was."""
        if not self._in_place():
            self.leave_soon("moved")
            raise moved(self.root)

    def _in_place(self) -> bool:
        try:
            return os.path.samestat(os.stat(state_folder(self.root)), os.fstat(self._anchor))
        except OSError:
            return False

    async def _watch(self, engine: Engine) -> None:
        while True:
            minutes = engine.idle_minutes
            pause = min(WATCH_SECONDS, minutes * 15 or WATCH_SECONDS)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), DRAIN_WATCH_SECONDS if self.draining else pause)
            self._wake.clear()
            try:
                self.check_place()
                await self._consider(engine, minutes)
                self._share(engine)
            except StudioError as error:
                log.warning("%s", error)

    async def _consider(self, engine: Engine, minutes: float) -> None:
        """Leave when drained or idle. No await stands between the decision and the closed door but the one that took it."""
        standing = await engine.standing()
        if standing.running or standing.queued:
            self._idle_since = time.monotonic()
        elif self.draining:
            self.leave_soon(self._drain_reason)
        elif self._connections:
            self._idle_since = time.monotonic()
        elif minutes and time.monotonic() - self._idle_since >= minutes * 60:
            self.leave_soon("idle")

    async def _go(self, server: asyncio.Server, engine: Engine) -> None:
        log.info("leaving: %s", self._reason)
        self.leaving = True
        if self._in_place():
            socket_path(self.root).unlink(missing_ok=True)
        server.close()
        await engine.settle()
        await self._part()
        await engine.aclose()
        log.info("left")

    async def _part(self) -> None:
        """Clients read what is written for them, then the end of the stream."""
        for connection in list(self._connections):
            connection.say_goodbye(self._reason)
        if self._serving:
            await asyncio.wait(self._serving, timeout=3)

    async def _refuse(self, server: asyncio.Server, error: StudioError) -> None:
        """The project cannot be opened: those who wait are told. The lock is held until after the socket is gone."""
        log.error("not opened: %s", error)
        self._opened.set_exception(error)
        self._opened.exception()
        await asyncio.sleep(REFUSAL_SECONDS)
        self.leaving = True
        socket_path(self.root).unlink(missing_ok=True)
        server.close()
        if self._serving:
            await asyncio.wait(self._serving, timeout=REFUSAL_SECONDS)


def _memory_mb() -> float:
    """Resident memory (proc(5), statm), 0 where that cannot be read."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
