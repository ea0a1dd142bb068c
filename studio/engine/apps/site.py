"""What all workers of one run share: the run, its version, the money, the claims on files; and how their calls are kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from studio.domain.build import AppVersion, BuildTask, ToolUse
from studio.domain.finding import Finding, FindingSource, FindingState, Problem, Severity
from studio.domain.ids import new_id
from studio.domain.run import Run
from studio.domain.text import counted, one_line
from studio.domain.tooling import BrokenCall, CallStatus, ToolCall, ToolOutcome
from studio.domain.workflow import Stage
from studio.engine.apps import kept, progress, recording
from studio.engine.apps.gate import Gate, Place, finding
from studio.engine.apps.purse import Purse
from studio.engine.apps.standards import Standards
from studio.engine.live import LiveRun
from studio.protocol.build_events import FindingChanged, ToolUsed
from studio.store import blobs, findings, tool_uses
from studio.store.transaction import Tx, utc_now
from studio.tools.base import Claims, Hooks
from studio.workspace.app_paths import fold

if TYPE_CHECKING:
    from studio.engine.open_project import OpenProject

_MARKS = {CallStatus.OK: "", CallStatus.ERROR: " (did not work)", CallStatus.REFUSED: " (refused)"}
_RESULT_CHARACTERS = 4_000


@dataclass(slots=True)
class Site:
    """One run that writes or reads files."""

    project: OpenProject
    run: Run
    live: LiveRun
    stage: Stage
    purse: Purse
    standards: Standards
    claims: Claims
    version: AppVersion | None = None
    waived: frozenset[tuple[str, str]] = frozenset()
    total: int = 1
    done: int = 0
    activity: dict[str, str] = field(default_factory=dict)

    def say(self, line: str, task: BuildTask | None = None) -> None:
        """A whole line of the run's log, which is what a person watches."""
        mark = f"{task.key} · " if task else ""
        self.live.cost_usd = self.purse.spent
        self.live.append(f"{mark}{one_line(line, 300)}\n")
        if task:
            self.activity[task.id] = one_line(line, 120)

    def place(self, task: BuildTask | None) -> Place:
        version = self.version.id if self.version else ""
        return Place(self.run.page_id, self.stage.name, self.run.id, version, task.id if task else None)

    def gate(self, task: BuildTask | None) -> Gate:
        files = self.project.app.files
        return Gate(
            self.place(task), self.standards.rules, lambda path: files.digest(path) is not None, waived=self.waived
        )

    @property
    def within(self) -> float:
        return self.done / max(self.total, 1)


class Recorder(Hooks):
    """Keeps what one role's calls come to: a row and an event each, with findings of the gate in the same transaction."""

    def __init__(self, site: Site, role: str, gate: Gate, task: BuildTask | None) -> None:
        self._site, self._role, self._gate, self._task = site, role, gate, task
        self._calls: Mapping[str, ToolCall | BrokenCall] = {}
        self._iteration = 0
        self._execution = ""
        self.finish: Mapping[str, object] | None = None

    def expect(self, calls: tuple[ToolCall | BrokenCall, ...], iteration: int, execution: str) -> None:
        """Say which answer the calls that follow belong to."""
        self._calls = {one.id: one for one in calls}
        self._iteration, self._execution = iteration, execution

    async def progress(self, stage: str, percent: int | None, message: str) -> None:
        site, task = self._site, self._task
        site.say(message, task)
        part = (percent or 0) / 100 / max(site.total, 1)

        def write(tx: Tx) -> None:
            progress.say(
                tx, site.project.workflow, site.run.page_id, site.stage.name, site.within + part, one_line(message, 300),
                run=site.run.id, task=task.id if task else None, named=stage or None,
            )  # fmt: skip

        await site.project.store.transact(write)

    async def snapshot(self, label: str) -> str:
        tree = await asyncio.to_thread(self._site.project.app.files.snapshot)
        number = self._site.version.number if self._site.version else "?"
        return f"Version {number} as it is now is kept: {counted(len(tree), 'file')}, as {one_line(label, 80)!r}."

    async def undecided(self, path: str) -> bool:
        run = self._site.run.id
        left = await self._site.project.store.read(lambda tx: findings.undecided(tx, besides=run))
        return fold(path) in {fold(one) for one in left}

    async def conflict(self, path: str, theirs: str | None, ours: str | None) -> None:
        text = f" The worker's text is kept as {ours[: kept.SHOWN]}." if ours else ""
        problem = Problem(
            "person-changed-it", path, 0,
            f"{path} was changed by a person while the run was at work, and was not overwritten.{text}",
            Severity.WARNING, kept.advice(path, ours) if ours else "Look at it and decide.", ours or "",
        )  # fmt: skip
        one = finding(self._site.place(self._task), problem, FindingSource.CONFLICT, FindingState.OPEN)

        def write(tx: Tx) -> None:
            if recording.add(tx, [one]):
                tx.emit(FindingChanged(page=one.page_id, finding=one.id, state=one.state.value))

        await self._site.project.store.transact(write)

    async def called(self, call_id: str, name: str, outcome: ToolOutcome, seconds: float) -> None:
        line = (outcome.line or name) + _MARKS[outcome.status]
        arguments = _arguments(self._calls.get(call_id))
        use = ToolUse(
            id=new_id(),
            page_id=self._site.run.page_id,
            run_id=self._site.run.id,
            role=self._role,
            iteration=self._iteration,
            name=one_line(name, 80),
            arguments_digest=blobs.name_of(arguments),
            status=outcome.status,
            line=one_line(line, 300),
            result=outcome.text[:_RESULT_CHARACTERS],
            elapsed_ms=seconds * 1000,
            created_at=utc_now(),
            task_id=self._task.id if self._task else None,
            execution_id=self._execution or None,
            path=outcome.path,
            changes=outcome.changes,
        )
        await self._keep(_Called(use, arguments, tuple(self._gate.take())))
        if outcome.finished:
            self.finish = outcome.data  # the task's own end says it
        else:
            self._site.say(line, self._task)

    async def _keep(self, called: _Called) -> None:
        await self._site.project.store.transact(lambda tx: _write(tx, [called]))


class Gathering(Recorder):
    """A recorder for files that are handed in at once: their rows are written together, by `write`. `left` are the paths about
    which a person has still to decide."""

    def __init__(self, site: Site, role: str, gate: Gate, left: Sequence[str]) -> None:
        super().__init__(site, role, gate, None)
        self._waiting: list[_Called] = []
        self._left = frozenset(map(fold, left))

    def write(self, tx: Tx) -> None:
        """The rows of all calls until now."""
        _write(tx, self._waiting)

    async def _keep(self, called: _Called) -> None:
        self._waiting.append(called)

    async def undecided(self, path: str) -> bool:
        return fold(path) in self._left


@dataclass(frozen=True, slots=True)
class _Called:
    """A call that has ended: its row, the arguments that the row names by their digest, and what the gate found in it."""

    use: ToolUse
    arguments: str
    verdicts: tuple[Finding, ...]


def _write(tx: Tx, every: Sequence[_Called]) -> None:
    blobs.put_all(tx, [one.arguments for one in every])
    tool_uses.insert(tx, *(one.use for one in every))
    for one in every:
        use = one.use
        if recording.add(tx, one.verdicts):
            tx.emit(FindingChanged(page=use.page_id, finding="", state="recorded"))
        tx.emit(
            ToolUsed(
                page=use.page_id, run=use.run_id, call=use.id, name=use.name, status=use.status.value, line=use.line,
                path=use.path, task=use.task_id,
            )
        )  # fmt: skip


def _arguments(call: ToolCall | BrokenCall | None) -> str:
    """A call's arguments as JSON; what came instead of them for one that was broken."""
    if call is None:
        return "{}"
    if isinstance(call, BrokenCall):
        return call.raw
    return json.dumps(call.arguments, ensure_ascii=False, sort_keys=True, default=str)


def lines_of(site: Site, task: BuildTask | None) -> Callable[[str], None]:
    """A hearer that passes a model's words on by whole lines, so that half a block never reaches the screen."""
    waiting: list[str] = []

    def hear(text: str) -> None:
        *whole, rest = ("".join(waiting) + text).split("\n")
        waiting[:] = [rest]
        for line in whole:
            if line.strip():
                site.say(line.strip(), task)

    return hear
