"""Running git safely: one process at a time, a clean environment, no configuration but ours, a deadline, bounded output.

Nothing here reads a repository's own configuration or runs its hooks: the caller gives a git folder of our own making
(`studio.publishers.repository`), and every setting comes through the environment (`GIT_CONFIG_COUNT`, git 2.31).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from studio.config import modes
from studio.domain.errors import NotFound, StorageError, TimedOut
from studio.domain.text import clean, one_line

LOCAL_DEADLINE_S = 120.0
OUTPUT_LIMIT = 64_000_000
ERROR_LIMIT = 64_000
_STEP = 1 << 16
_FOLDER = "studio-git-"
_OLD_S = 3600.0

_PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "no_proxy", "NO_PROXY")
_FOR_NETWORK = (
    "SSH_AUTH_SOCK",
    "https_proxy",
    "HTTPS_PROXY",
    "http_proxy",
    "all_proxy",
    "ALL_PROXY",
    "XDG_RUNTIME_DIR",
)

_FIXED_ENV = {
    "LC_ALL": "C.UTF-8",
    "LANGUAGE": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "false",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_PAGER": "cat",
    "GIT_EDITOR": "false",
}

SETTINGS: tuple[tuple[str, str], ...] = (
    ("core.hooksPath", os.devnull),
    ("core.fsmonitor", "false"),
    ("core.attributesFile", os.devnull),
    ("core.excludesFile", os.devnull),
    ("core.untrackedCache", "false"),
    ("core.protectHFS", "true"),
    ("core.protectNTFS", "true"),
    ("core.autocrlf", "false"),
    ("core.fsync", "committed"),
    ("core.fsyncMethod", "batch"),
    ("commit.gpgSign", "false"),
    ("tag.gpgSign", "false"),
    ("push.gpgSign", "false"),
    ("credential.helper", ""),
    ("http.followRedirects", "false"),
    ("protocol.allow", "never"),
    ("submodule.recurse", "false"),
    ("push.recurseSubmodules", "no"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
)
"""Laid over whatever a git folder says. An empty `credential.helper` forgets those named before it."""


def empty_folder() -> TemporaryDirectory[str]:
    """A folder of our own to run git in, gone when it is left; those that ended processes left behind are swept first."""
    _sweep()
    return TemporaryDirectory(prefix=f"{_FOLDER}{os.getpid()}-")


@cache
def _sweep() -> None:
    """Once in a process. Only what is old goes: a process of another container may write to the same place, unseen."""
    for path in Path(gettempdir()).glob(f"{_FOLDER}*-*"):
        pid = path.name.removeprefix(_FOLDER).partition("-")[0]
        with contextlib.suppress(OSError):
            facts = path.lstat()
            ours = stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid()
            if ours and facts.st_mtime < time.time() - _OLD_S and pid.isdecimal() and not _runs(int(pid)):
                shutil.rmtree(path, ignore_errors=True)  # links in it are unlinked, not followed


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


@dataclass(frozen=True, slots=True)
class GitResult:
    """`out` as it came; `err` as clean text without secrets."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode("utf-8", "replace").strip()


@dataclass(frozen=True, slots=True)
class Git:
    """How to run git: in which git folder, with what more in settings and environment, and what to take out of messages."""

    git_dir: Path
    settings: tuple[tuple[str, str], ...] = field(default=(), repr=False)  # a key may be in one
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    network: bool = False
    deadline_s: float = LOCAL_DEADLINE_S
    unset: tuple[str, ...] = ()

    async def run(
        self,
        *arguments: str,
        stdin: bytes | Iterable[bytes] = b"",
        env: Mapping[str, str] | None = None,
        accept: Sequence[int] | None = (0,),
    ) -> GitResult:
        """Run git. Raises StorageError when it ends with a code not in `accept` (None: any), TimedOut, NotFound without git."""
        process = await self._start(arguments, env or {})
        try:
            async with asyncio.timeout(self.deadline_s):
                out, err = await _exchange(process, stdin)
        except TimeoutError:
            raise TimedOut(
                f"git {arguments[0]} took longer than {self.deadline_s:.0f} seconds and was ended."
            ) from None
        finally:
            await _end(process)
        if len(out) > OUTPUT_LIMIT:
            raise StorageError(f"git {arguments[0]} printed more than {OUTPUT_LIMIT} bytes.")
        result = GitResult(process.returncode or 0, out, self._words(err))
        if accept is not None and result.code not in accept:
            raise StorageError(f"git {arguments[0]} failed: {self.reason(result)}.", data={"code": result.code})
        return result

    def reason(self, result: GitResult) -> str:
        """The line of git's words that says most, or its exit code."""
        lines = [line for line in result.err.splitlines() if line.strip()]
        telling = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines[-1:]
        return one_line(telling[0], 300).rstrip(".") if telling else f"it ended with code {result.code}"

    async def _start(self, arguments: Sequence[str], env: Mapping[str, str]) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                "git",
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=self.git_dir,
                env=self.environment(env),
                umask=modes.umask(),
                start_new_session=True,  # no terminal to ask on, and one group to end
            )
        except FileNotFoundError as error:
            raise NotFound("git is not installed on this computer.", hint="Install git 2.31 or newer.") from error

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """The whole environment of the process: nothing is inherited but what is named here."""
        names = _PASSED_ON + _FOR_NETWORK if self.network else _PASSED_ON
        found = {name: os.environ[name] for name in names if name in os.environ}
        settings = (*SETTINGS, *self.settings)
        fixed = {name: value for name, value in _FIXED_ENV.items() if name not in self.unset}
        found |= fixed | {"GIT_DIR": str(self.git_dir), "GIT_CONFIG_COUNT": str(len(settings))}
        for number, (key, value) in enumerate(settings):
            found |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return found | dict(self.env) | dict(more)

    def _words(self, err: bytes) -> str:
        text = clean(err.decode("utf-8", "replace"))
        for secret in self.secrets:
            text = text.replace(secret, "[key removed]")
        return text


async def _exchange(process: asyncio.subprocess.Process, stdin: bytes | Iterable[bytes]) -> tuple[bytes, bytes]:
    assert process.stdout is not None
    assert process.stderr is not None
    async with asyncio.TaskGroup() as group:
        group.create_task(_feed(process, stdin))
        out = group.create_task(_collect(process.stdout, OUTPUT_LIMIT + 1))
        err = group.create_task(_collect(process.stderr, ERROR_LIMIT))
    await process.wait()
    return out.result(), err.result()


async def _feed(process: asyncio.subprocess.Process, stdin: bytes | Iterable[bytes]) -> None:
    stream = process.stdin
    assert stream is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it ended early: its exit code tells
        pieces = iter([stdin] if isinstance(stdin, bytes) else stdin)
        # What makes the pieces may read files: it runs in a thread, one piece at a time.
        while (piece := await asyncio.to_thread(_next, pieces)) is not None:
            stream.write(piece)
            await stream.drain()
    stream.close()


def _next(pieces: Iterator[bytes]) -> bytes | None:
    return next(pieces, None)


async def _collect(stream: asyncio.StreamReader, limit: int) -> bytes:
    """At most `limit` bytes; the rest is read and dropped, so that the process does not wait for ever."""
    pieces: list[bytes] = []
    left = limit
    while piece := await stream.read(_STEP):
        pieces.append(piece[:left])
        left -= len(pieces[-1])
    return b"".join(pieces)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
