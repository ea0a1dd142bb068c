"""What tools are made of and what they are given: actions, their outcome, caps, the gate before a write, hooks, claims on files."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import msgspec

from studio.domain.errors import StudioError
from studio.domain.finding import Problem
from studio.domain.tooling import CallStatus, FileChange, ToolOutcome
from studio.workspace.app_files import AppFiles
from studio.workspace.app_paths import fold


@dataclass(frozen=True, slots=True)
class Caps:
    """Bounds of one task. A model that reaches one is told so in words."""

    file_bytes: int = 256_000
    files: int = 200
    task_bytes: int = 8_000_000
    output_chars: int = 48_000
    entries: int = 1_000
    edits: int = 50
    argument_chars: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Gated:
    """What the gate makes of a text: perhaps mended, its problems, and whether a rule forbids to write it."""

    text: str
    problems: tuple[Problem, ...] = ()
    blocked: bool = False


class WriteGate(Protocol):
    """The engine's word on a text before it is written. It is called in a thread and touches no file."""

    def __call__(self, path: str, text: str) -> Gated: ...


def open_gate(path: str, text: str) -> Gated:
    """A gate that lets everything through."""
    return Gated(text)


class Hooks:
    """What the engine is told while tools work. Each of these does nothing; an engine overrides those that it needs."""

    async def progress(self, stage: str, percent: int | None, message: str) -> None:
        """A word of progress; `stage` is empty and `percent` None when the model names none."""

    async def snapshot(self, label: str) -> str:
        """Keep the application as it is now. Returns the words that name what was kept."""
        return ""

    async def conflict(self, path: str, theirs: str | None, ours: str | None) -> None:
        """A person's file was not overwritten: digests of what they have (None: they removed it) and of the kept text."""

    async def undecided(self, path: str) -> bool:
        """Whether a person has still to choose between their text of a file and one that an earlier run kept."""
        return False

    async def writing(self, change: FileChange) -> None:
        """Called just before a file changes: with this recorded, a crash between does not look like a person's edit."""

    async def called(self, call_id: str, name: str, outcome: ToolOutcome, seconds: float) -> None:
        """A call has ended; also called for those that end while a run is being stopped."""


@dataclass(frozen=True, slots=True)
class Done:
    """What an action comes to; the box makes a `ToolOutcome` of it."""

    text: str
    line: str
    status: CallStatus = CallStatus.OK
    path: str | None = None
    changes: tuple[FileChange, ...] = ()
    finished: bool = False
    data: Mapping[str, object] = field(default_factory=dict)


class Declined(Exception):
    """An action that ends without being done. It never leaves this room."""

    def __init__(self, done: Done) -> None:
        super().__init__(done.text)
        self.done = done


def failed(text: str, line: str, path: str | None = None, **data: object) -> Declined:
    return Declined(Done(text, line, CallStatus.ERROR, path, data=data))


def refused(text: str, line: str, path: str | None = None, **data: object) -> Declined:
    return Declined(Done(text, line, CallStatus.REFUSED, path, data=data))


class Claims:
    """Who wrote what in one run, shared by all its workers: one lock for each file, and what is a person's.

    `base` is the digest of every file when the run began; `written` is what the run itself wrote since (None: it removed the
    file), and grows. Both by path. A file that is like neither was changed by a person.
    """

    def __init__(self, base: Mapping[str, str], written: MutableMapping[str, str | None] | None = None) -> None:
        self.base = dict(base)
        self.written: MutableMapping[str, str | None] = {} if written is None else written
        self.persons: set[str] = set()
        self._locks: dict[str, asyncio.Lock] = {}

    @classmethod
    def resumed(cls, base: Mapping[str, str], changes: Iterable[FileChange], now: Mapping[str, str]) -> Claims:
        """Claims of a run that was cut short: its recorded `changes` in order, of which the last may not have been made.

        `now` is the digest of every file. A file that is as it was before its last change, or after it, is nobody else's.
        """
        claims = cls(base)
        possible: dict[str, tuple[str | None, str | None]] = {}
        for change in changes:
            for path, before, after in sides(change):
                if before not in possible.get(path, (claims.base.get(path), claims.base.get(path))):
                    claims.persons.add(path)
                possible[path] = (after, before)
        for path, (after, before) in possible.items():
            claims.written[path] = before if now.get(path) == before else after
        return claims

    @contextlib.asynccontextmanager
    async def hold(self, paths: Iterable[str]) -> AsyncGenerator[None]:
        """Only one holder of a file at a time; several are taken in one order, so that no two wait for each other."""
        async with contextlib.AsyncExitStack() as held:
            for key in sorted({fold(path) for path in paths}):
                await held.enter_async_context(self._locks.setdefault(key, asyncio.Lock()))
            yield

    def is_persons(self, path: str, now: str | None) -> bool:
        """Whether a person changed, added or removed the file since the run began. It stays theirs for the whole run."""
        ours = self.written[path] if path in self.written else self.base.get(path)
        if now != ours:
            self.persons.add(path)
        return path in self.persons

    def record(self, change: FileChange) -> None:
        for path, _, after in sides(change):
            self.written[path] = after


def sides(change: FileChange) -> Iterator[tuple[str, str | None, str | None]]:
    """Each path that a change is about, with the digests before and after it."""
    if change.renamed_from is None:
        yield change.path, change.before, change.after
    else:
        yield change.path, None, change.after
        yield change.renamed_from, change.before, None


@dataclass(slots=True)
class Spent:
    """What one task has used of its caps; `begun` are writes under way, bytes by path."""

    paths: set[str] = field(default_factory=set)
    bytes: int = 0
    begun: dict[str, int] = field(default_factory=dict)

    @property
    def files(self) -> int:
        return len(self.paths | self.begun.keys())


@dataclass(frozen=True, slots=True)
class ToolContext:
    """All that an action may touch. `seen` is what this worker last read or wrote, by path."""

    files: AppFiles
    claims: Claims
    gate: WriteGate
    caps: Caps
    hooks: Hooks
    seen: MutableMapping[str, str]
    spent: Spent


class Action(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A tool: its fields are its arguments, which alone make its JSON Schema and its check. `waits`: after all others before it."""

    tool: ClassVar[str]
    about: ClassVar[str]
    writes: ClassVar[bool] = False
    waits: ClassVar[bool] = False

    def paths(self) -> tuple[str, ...]:
        """The files that a call touches: two calls that share one are carried out in order."""
        return ()

    async def carry_out(self, at: ToolContext) -> Done:
        """Do it. Raises Declined or StudioError when it is not done."""
        raise NotImplementedError


def words_of(error: StudioError) -> str:
    return f"{error.message} {error.hint}".strip()
