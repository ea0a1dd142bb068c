"""Real engine processes for tests: attaching to one, and ending those that a test has started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Literal

from studio.client.attach import NotRunning, attach
from studio.client.socket_client import SocketClient
from studio.domain.errors import StudioError
from studio.protocol.wire import Introduction
from studio.workspace.lock import holder, is_holder
from tests.fakes.project import AUTHOR

# The environment of an engine: what tests give, and nothing of the machine's own keys.
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV", "COVERAGE_PROCESS_START")


def whole(env: Mapping[str, str]) -> dict[str, str]:
    return {name: os.environ[name] for name in KEPT if name in os.environ} | dict(env)


@contextlib.asynccontextmanager
async def attached(
    root: Path,
    env: Mapping[str, str],
    author: str = AUTHOR,
    kind: Literal["workbench", "command", "gateway"] = "workbench",
    *,
    view: bool = False,
    stays: bool = False,
) -> AsyncIterator[SocketClient]:
    """A client of the project's engine process, started if need be; the process ends with the block, unless it `stays`."""
    client = await attach(root, Introduction(author=author, kind=kind, view=view), env=whole(env))
    try:
        yield client
    finally:
        await client.aclose()
        if not stays:
            await end_engine(root)


async def end_engine(root: Path) -> None:
    """Let the engine leave in order; kill it when it does not."""
    with contextlib.suppress(NotRunning, StudioError, TimeoutError):
        async with asyncio.timeout(10):
            last = await attach(root, spawn=False)
            try:
                await last.stop_engine()
            finally:
                await last.aclose()
            await gone(root)
            return
    kill_engine(root)


def engine_pid(root: Path) -> int | None:
    found = holder(root)
    return found.pid if found else None


def kill_engine(root: Path, number: int = signal.SIGKILL) -> int | None:
    """Send a signal to this project's engine, which is made sure of first."""
    pid = engine_pid(root)
    if pid is None or not is_holder(root, pid):
        return None
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
    return pid


async def gone(root: Path, seconds: float = 15.0) -> None:
    """Wait until nobody holds the project."""
    async with asyncio.timeout(seconds):
        while holder(root) is not None:
            await asyncio.sleep(0.02)


def engines_of(root: Path) -> list[int]:
    """All processes of the machine that are an engine of this project."""
    wanted = [b"studio.daemon", os.fsencode(root)]
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if wanted[0] in words and wanted[1] in words and _state(folder) != "Z":
                found.append(int(folder.name))
    return found


def _state(folder: Path) -> str:
    return (folder / "stat").read_text("ascii", "replace").rpartition(")")[2].split()[0]


assert sys.platform == "linux", "these tests look into /proc"
