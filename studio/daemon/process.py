"""The engine's process: descriptors taken over, log, signals, and an end that always comes."""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import signal
import socket
import threading
from pathlib import Path

from studio import __version__
from studio.config import modes
from studio.config.logs import start_logging
from studio.daemon.host import EngineHost
from studio.domain.errors import StudioError
from studio.engine.engine import Engine
from studio.engine.opening import open_engine
from studio.workspace.lock import ProjectLock

log = logging.getLogger(__name__)

# Ending drafts and writing the database takes well under a second; what has not ended by then never will.
LAST_SECONDS = 30.0


def serve(lock_handle: int, listener_handle: int, root: str) -> int:
    """Host the engine of the project at `root` until it leaves; the process's exit code."""
    modes.go_private()
    os.chdir("/")
    faulthandler.enable()
    place = Path(root)
    start_logging(place)
    try:
        lock = ProjectLock.adopt(place, lock_handle, version=__version__)
        listener = socket.socket(fileno=listener_handle)
        listener.setblocking(False)
        os.set_inheritable(listener_handle, False)
        return asyncio.run(_host(place, lock, listener))
    except StudioError as error:
        log.error("%s", error)
    except Exception:
        log.exception("the engine failed")
    return 1


async def _host(root: Path, lock: ProjectLock, listener: socket.socket) -> int:
    async def opened() -> Engine:
        return await open_engine(root, lock=lock)

    host = EngineHost(root, listener, opened)
    loop = asyncio.get_running_loop()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _asked_to_leave, host)
    return await host.run()


def _asked_to_leave(host: EngineHost) -> None:
    host.leave_soon("signal")
    last = threading.Timer(LAST_SECONDS, os._exit, (1,))
    last.daemon = True
    last.start()
