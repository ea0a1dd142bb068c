"""Run as a program: creates databases in forked children that are killed at chosen moments, and checks what they leave.

Arguments: folder. Prints one line per kill: the way, whether a file was left, what opening it found. The parent imports DuckDB
once and never opens a database, so that a fork costs little and holds no thread.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb  # noqa: F401  (imported before the forks)

from studio.store import meta
from studio.store.database import Store


def create(path: Path) -> None:
    asyncio.run(_create(path))


async def _create(path: Path) -> None:
    await (await Store.open(path)).aclose()


async def _check(path: Path) -> None:
    store = await Store.open(path)
    assert await store.transact(lambda tx: meta.put(tx, "k", "v")) is None
    await store.aclose()
    left = sorted(file.name for file in path.parent.iterdir())
    assert left == [path.name], left


def forked(act: Callable[[], None]) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            act()
        except BaseException as error:
            print("FAILED", type(error).__name__, error, flush=True)
            os._exit(1)
        os._exit(0)
    return pid


def outcome(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def killed_after(seconds: float, path: Path) -> None:
    pid = forked(lambda: create(path))
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    outcome(pid)


def killed_at_file_size(size: int, path: Path) -> None:
    """The kernel ends the process at the write that would make any file larger than `size`."""

    def act() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        create(path)

    outcome(forked(act))


def killed_at_call(name: str, nth: int, after: bool, path: Path) -> None:
    """Killed before or after the nth call of a function of `os`."""
    real, calls = getattr(os, name), [0]

    def counted(*args: object, **kwargs: object) -> object:
        calls[0] += 1
        if calls[0] == nth and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args, **kwargs)
        if calls[0] == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    def act() -> None:
        setattr(os, name, counted)
        create(path)

    outcome(forked(act))


def main(folder: Path) -> None:
    kills: list[tuple[str, Callable[[Path], None]]] = []
    kills += [(f"after {n} ms", lambda path, n=n: killed_after(n / 1000, path)) for n in range(0, 120, 8)]
    kills += [
        (f"at {size} bytes", lambda path, size=size: killed_at_file_size(size, path))
        for size in (0, 100, 4096, 8192, 12287, 12288, 50_000, 274_432, 600_000, 1_100_000, 1_700_000)
    ]
    kills += [
        (f"{'after' if after else 'before'} {name} {nth}", lambda path, c=(name, nth, after): killed_at_call(*c, path))
        for name in ("chmod", "fsync", "rename", "mkdir")
        for nth in (1, 2)
        for after in (False, True)
    ]
    for number, (way, kill) in enumerate(kills):
        path = folder / str(number) / ".studio" / "studio.duckdb"
        path.parent.parent.mkdir(parents=True)
        kill(path)
        left = path.exists()
        result = outcome(forked(lambda path=path: asyncio.run(_check(path))))
        print(f"{way}: {'whole' if left else 'none'} {'opens' if result == 0 else 'BROKEN'}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
