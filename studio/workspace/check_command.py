"""Running a project's check command: a clean environment, no secrets, bounded time and output, and nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path

from studio.domain.errors import NotFound, StorageError
from studio.domain.text import clean

OUTPUT_BYTES = 200_000
_ENDING_SECONDS = 2.0
_ROUNDS = 5
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ")


@dataclass(frozen=True, slots=True)
class CheckResult:
    """`code` is the exit status, None when the time was up; `output` is both streams as they came, its beginning cut away first."""

    code: int | None
    output: str
    seconds: float
    cut: bool = False

    @property
    def passed(self) -> bool:
        return self.code == 0


async def run(command: str, folder: Path, seconds: float) -> CheckResult:
    """Run `command` with `/bin/sh` in `folder`. Raises NotFound without the folder, StorageError when it can not be started.

    The environment holds the search path and the language, and a home folder of its own that is removed afterwards.
    """
    if not await asyncio.to_thread(folder.is_dir):
        raise NotFound("There are no files to check yet: app/ does not exist.")
    loop = asyncio.get_running_loop()
    started = loop.time()
    with tempfile.TemporaryDirectory(prefix="studio-check-") as home:
        env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        try:
            process = await asyncio.create_subprocess_exec(
                "/bin/sh", "-c", command, cwd=folder, env={**env, "HOME": home, "TMPDIR": home, "CI": "1"},
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise StorageError(f"The check command could not be started: {error.strerror}.") from error
        output = _Output()
        try:
            code: int | None = await asyncio.wait_for(_follow(process, output), seconds)
        except TimeoutError:
            code = None
        finally:
            await _end(process)
            await asyncio.to_thread(_end_strays, home)
            # A process that left the session may hold the pipe for good: our end of it is closed all the same.
            vars(process)["_transport"].close()
    return CheckResult(code, clean(output.text), loop.time() - started, output.cut)


class _Output:
    """The last `OUTPUT_BYTES` of what was printed."""

    def __init__(self) -> None:
        self._data = bytearray()
        self.cut = False

    def add(self, data: bytes) -> None:
        self._data += data
        if len(self._data) > OUTPUT_BYTES:
            del self._data[:-OUTPUT_BYTES]
            self.cut = True

    @property
    def text(self) -> str:
        return self._data.decode("utf-8", "replace")


async def _follow(process: asyncio.subprocess.Process, output: _Output) -> int:
    assert process.stdout is not None
    while data := await process.stdout.read(65_536):
        output.add(data)
    return await process.wait()


def _end_strays(home: str) -> None:
    """End what left the session (`setsid`), known by the home folder that nobody else was given. One that empties its own
    environment as well is not found; where there is no /proc, none is."""
    mark = f"HOME={home}".encode()
    for _ in range(_ROUNDS):  # again, while one that is ended has just started another
        strays = [pid for pid in _processes() if mark in _environment(pid)]
        if not strays:
            return
        for pid in strays:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _processes() -> list[int]:
    with contextlib.suppress(OSError):
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    return []


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # ended meanwhile, or another user's
        return []


async def _end(process: asyncio.subprocess.Process) -> None:
    """End the whole session: what the command started ends with it."""
    for number, wait in ((signal.SIGTERM, _ENDING_SECONDS), (signal.SIGKILL, _ENDING_SECONDS)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), wait)
            if number is signal.SIGKILL:
                return
