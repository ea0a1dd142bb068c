"""Rendering templates in a child process under limits. What is rendered is decided in `catalog` and `context`."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from studio.config.child import kill_child
from studio.domain.errors import BadInput, StudioError
from studio.prompts.source import Role, Source, TemplateError

WALL_SECONDS = 10.0
"""The child itself gives up after 2 s of processor time; this bound on the clock also holds when it cannot."""
START_SECONDS = 30.0
IDLE_SECONDS = 60.0
_LINE_LIMIT = 64 * 1024 * 1024

JsonDict = dict[str, object]


class RenderError(TemplateError):
    """A template that parses but cannot be rendered with what it was given."""


class RendererFailed(StudioError):
    """The child could not be started or spoke nonsense: nothing that a template's author can mend."""

    code = "renderer"


@dataclass(frozen=True, slots=True)
class Rendered:
    """One message as rendered: no blank ends, never empty."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Job:
    """One rendering of the template called `name` with plain data."""

    name: str
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Reference:
    """A file that a template includes; `required` is False for `ignore missing` and for one of several choices."""

    name: str
    line: int
    required: bool


@dataclass(frozen=True, slots=True)
class Inspection:
    """What the parser found in one file: what it includes and (name, line) of what nothing in it defines, or an error."""

    references: tuple[Reference, ...] = ()
    undeclared: tuple[tuple[str, int], ...] = ()
    error: TemplateError | None = None


class Renderer:
    """Owns one child process: started on first use, ended after a minute without work, with `aclose`, or with this process.

    Belongs to the event loop that first uses it. Requests wait for each other; a cancelled one takes the child with it, since
    its answer could no longer be told from the next one's.
    """

    def __init__(self, *, wall_seconds: float = WALL_SECONDS, idle_seconds: float = IDLE_SECONDS) -> None:
        self._wall = wall_seconds
        self._idle = idle_seconds
        self._child: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()
        self._idle_timer: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    async def start(self) -> None:
        """Start the child ahead of its first request."""
        async with self._lock:
            await self._started()
            self._rest()

    async def render(self, sources: Mapping[str, Source], jobs: Sequence[Job]) -> list[tuple[Rendered, ...]]:
        """The messages of each job. Raises RenderError with file, line and reason, and RendererFailed."""
        if not jobs:
            return []
        reply = await self._ask("render", sources, [[job.name, job.data] for job in jobs], jobs[0].name)
        results = cast("list[list[tuple[Role, str]]]", reply["results"])
        return [tuple(Rendered(role, text) for role, text in messages) for messages in results]

    async def inspect(self, sources: Mapping[str, Source]) -> dict[str, Inspection]:
        """Parse each source; errors are in the answer, by file."""
        if not sources:
            return {}
        reply = await self._ask("inspect", sources, [], next(iter(sources)))
        files = cast("dict[str, JsonDict]", reply["files"])
        return {name: _inspection(found) for name, found in files.items()}

    async def aclose(self) -> None:
        async with self._lock:
            await self._end()
        await asyncio.gather(*self._ending)

    async def _ask(self, op: str, sources: Mapping[str, Source], jobs: list[object], name: str) -> JsonDict:
        wire = {
            key: [[block.role, block.text, block.line] for block in source.blocks] for key, source in sources.items()
        }
        line = _encode({"op": op, "sources": wire, "jobs": jobs})
        async with self._lock:
            child = await self._started()
            try:
                async with asyncio.timeout(self._wall):
                    answer = await _exchange(child, line)
            except TimeoutError:
                await self._end()
                raise RenderError(
                    name, 0, "rendering it takes too long", hint="Look for a loop that never ends."
                ) from None
            except BaseException:
                await self._end()
                raise
            if not answer.endswith(b"\n"):
                raise _death(name, await self._end())
            self._rest()
        reply = cast(JsonDict, json.loads(answer))
        if error := reply.get("error"):
            raise _error(cast(JsonDict, error), name)
        return reply

    async def _started(self) -> asyncio.subprocess.Process:
        if self._idle_timer:
            self._idle_timer.cancel()
        if self._child and self._child.returncode is None:
            return self._child
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-PsS",  # no site: where its packages lie is in its environment
            "-m",
            "studio.prompts.render_child",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd="/",
            env=_child_environment(),
            limit=_LINE_LIMIT,
            start_new_session=True,  # Ctrl-C in the terminal is for the program, which ends its child itself
        )
        self._child = child
        try:
            async with asyncio.timeout(START_SECONDS):
                ready = await cast(asyncio.StreamReader, child.stdout).readline()
        except BaseException:
            await self._end()
            raise
        if not ready:
            await self._end()
            raise RendererFailed(
                "The process that renders prompt templates did not start.",
                hint="Run `studio doctor` to see what is missing.",
            )
        return child

    async def _end(self) -> int | None:
        child, self._child = self._child, None
        if self._idle_timer:
            self._idle_timer.cancel()
        if child is None:
            return None
        if child.returncode is None:
            if child.stdin:
                child.stdin.close()
            # A child that died by itself leaves its own reason; give it the moment in which the kernel reports it.
            try:
                async with asyncio.timeout(0.05):
                    await child.wait()
            except TimeoutError:
                kill_child(child)
        return await child.wait()

    def _rest(self) -> None:
        loop = asyncio.get_running_loop()
        self._idle_timer = loop.call_later(self._idle, self._end_when_idle)

    def _end_when_idle(self) -> None:
        if self._lock.locked():
            return
        task = asyncio.get_running_loop().create_task(self.aclose_idle())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def aclose_idle(self) -> None:
        """End the child; the next request starts another."""
        async with self._lock:
            await self._end()


async def _exchange(child: asyncio.subprocess.Process, line: bytes) -> bytes:
    writer, reader = cast(asyncio.StreamWriter, child.stdin), cast(asyncio.StreamReader, child.stdout)
    try:
        writer.write(line)
        await writer.drain()
        return await reader.readline()
    except (BrokenPipeError, ConnectionResetError):
        return b""


def _encode(request: JsonDict) -> bytes:
    try:
        return json.dumps(request, allow_nan=False).encode("ascii") + b"\n"
    except (TypeError, ValueError) as error:
        raise BadInput(f"A template was given something that is not plain data: {error}.") from None


def _death(name: str, code: int | None) -> RenderError:
    if code == -signal.SIGPROF:
        return RenderError(name, 0, "rendering it takes too long", hint="Look for a loop that never ends.")
    return RenderError(
        name, 0, "rendering it needs too much memory", hint="Look for a text that is multiplied or repeated."
    )


def _error(found: JsonDict, name: str) -> RenderError:
    return RenderError(str(found["name"] or name), int(str(found["line"])), str(found["reason"]))


def _inspection(found: JsonDict) -> Inspection:
    if error := found.get("error"):
        return Inspection(error=_error(cast(JsonDict, error), ""))
    references = cast("list[tuple[str, int, bool]]", found["references"])
    undeclared = cast("list[tuple[str, int]]", found["undeclared"])
    return Inspection(tuple(Reference(*row) for row in references), tuple((name, line) for name, line in undeclared))


def _child_environment() -> dict[str, str]:
    """Nothing of this process's environment (keys live there), and import paths that no project folder can stand in front of."""
    found: list[str] = []
    for package in ("studio", "jinja2", "markupsafe"):
        spec = importlib.util.find_spec(package)
        if spec and spec.origin:
            folder = str(Path(spec.origin).resolve().parent.parent)
            found += [folder] if folder not in found else []
    kept = {key: os.environ[key] for key in ("SYSTEMROOT", "LD_LIBRARY_PATH") if key in os.environ}
    return kept | {
        "PYTHONPATH": os.pathsep.join(found),
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LANG": "C.UTF-8",
    }
