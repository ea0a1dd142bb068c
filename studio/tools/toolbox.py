"""Carries out the calls of one answer: together where they touch different files, in order where they touch the same one."""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Collection, Iterable, MutableMapping, Sequence
from dataclasses import dataclass

from studio.domain.errors import BadInput, Conflict, Refused, StorageError, StudioError
from studio.domain.text import one_line
from studio.domain.tooling import BrokenCall, CallStatus, ToolCall, ToolOutcome, ToolSpec
from studio.tools.arguments import read, required, unpacked
from studio.tools.base import (
    Action,
    Caps,
    Claims,
    Declined,
    Done,
    Hooks,
    Spent,
    ToolContext,
    WriteGate,
    failed,
    refused,
    words_of,
)
from studio.tools.catalog import ACTIONS, nearest, specs
from studio.tools.progress import FinishApp
from studio.workspace.app_files import AppFiles
from studio.workspace.app_paths import fold, instructs

# A refusal that is about one file, which a model can answer. After any other (a full disk, a database) a person has to look.
_OF_ONE_FILE = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EISDIR,
        errno.ENOTDIR,
        errno.EEXIST,
        errno.ENOTEMPTY,
        errno.ENAMETOOLONG,
        errno.ELOOP,
        errno.EBUSY,
        errno.ETXTBSY,
    }
)


@dataclass(frozen=True, slots=True)
class _Planned:
    """A call that was read: an action to carry out, or what is wrong with it."""

    call_id: str
    name: str
    action: Action | None
    declined: Done | None = None

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(fold(path) for path in self.action.paths()) if self.action else frozenset()


class ToolBox:
    """The tools of one worker. Several boxes over one folder share `claims`, so that they take turns on a file."""

    def __init__(
        self,
        files: AppFiles,
        *,
        allowed: Collection[str],
        gate: WriteGate,
        claims: Claims,
        caps: Caps | None = None,
        hooks: Hooks | None = None,
        seen: MutableMapping[str, str] | None = None,
        spent: Spent | None = None,
    ) -> None:
        """`seen` (path to digest) and `spent` may be given to go on with a task that was interrupted. Raises BadInput."""
        self.specs: tuple[ToolSpec, ...] = specs(allowed)
        self._allowed = frozenset(allowed)
        self._at = ToolContext(
            files,
            claims,
            gate,
            caps or Caps(),
            hooks or Hooks(),
            {} if seen is None else seen,
            spent or Spent(),
        )

    @property
    def seen(self) -> MutableMapping[str, str]:
        return self._at.seen

    @property
    def spent(self) -> Spent:
        return self._at.spent

    async def run(self, calls: Sequence[ToolCall | BrokenCall]) -> list[ToolOutcome]:
        """What came of each call, in their order. A model's mistake is an outcome in words and never raises.

        Raises StorageError when more than one file is at fault (a full disk), and what a hook or the gate raises, in either case
        after every other call has ended.
        Cancelled, it lets the calls at work end (they are told to `hooks.called`), begins no other, and raises CancelledError.
        """
        planned = [self._plan(call) for call in calls]
        stop = asyncio.Event()
        tasks: dict[int, asyncio.Task[ToolOutcome]] = {}
        for number in _order(planned):
            earlier = [tasks[other] for other in _before(planned, number) if other in tasks]
            tasks[number] = asyncio.create_task(self._carry_out(planned[number], earlier, stop))
        try:
            await _settled(tasks.values())
        except asyncio.CancelledError:
            stop.set()
            await _settled(tasks.values())
            raise
        broken = [error for task in tasks.values() if (error := task.exception()) is not None]
        if broken:
            raise broken[0]
        return [tasks[number].result() for number in range(len(planned))]

    def _plan(self, call: ToolCall | BrokenCall) -> _Planned:
        name = one_line(call.name, 60)
        try:
            action = self._action(name)
            return _Planned(call.id, name, read(action, self._given(call, action), self._at.caps.argument_chars))
        except Declined as declined:
            return _Planned(call.id, name, None, declined.done)

    def _action(self, name: str) -> type[Action]:
        if name in self._allowed:
            return ACTIONS[name]
        offered = ", ".join(spec.name for spec in self.specs) or "none"
        if name in ACTIONS:
            raise refused(
                f"{name} is not among your tools, which are: {offered}.", f"{name}: not allowed here", reason="tool"
            )
        close = nearest(name, self._allowed)
        meant = f"Do you mean {close}? " if close else ""
        raise failed(
            f"There is no tool {name or 'without a name'}. {meant}Your tools: {offered}.",
            f"{name}: no such tool",
            reason="tool",
        )

    def _given(self, call: ToolCall | BrokenCall, action: type[Action]) -> object:
        if isinstance(call, ToolCall):
            return call.arguments
        if not call.raw.strip() and not required(action):
            return {}
        given = unpacked(call.raw, self._at.caps.argument_chars) if call.raw.lstrip().startswith('"') else None
        if given is not None:
            return given
        reason = one_line(call.reason, 200).rstrip(".") or "they are not one JSON object"
        raise failed(
            f"Nothing was done: the arguments of {call.name} cannot be used: {reason}. "
            "Send the whole call again; when it is long, in smaller parts.",
            f"{action.tool}: broken call",
            reason="arguments",
        )

    async def _carry_out(
        self, planned: _Planned, earlier: list[asyncio.Task[ToolOutcome]], stop: asyncio.Event
    ) -> ToolOutcome:
        await _settled(earlier)
        begun = time.monotonic()
        done = planned.declined
        if planned.action is not None:
            async with self._at.claims.hold(planned.action.paths()):
                begun = time.monotonic()
                done = _stopped() if stop.is_set() else await self._done(planned.action, earlier)
        outcome = _outcome(planned, done or _stopped())
        await self._at.hooks.called(planned.call_id, planned.name, outcome, time.monotonic() - begun)
        return outcome

    async def _done(self, action: Action, earlier: list[asyncio.Task[ToolOutcome]]) -> Done:
        try:
            if isinstance(action, FinishApp):
                _refuse_unready(earlier)
            if action.writes:
                _refuse_instructions(action)
            return await action.carry_out(self._at)
        except Declined as declined:
            return declined.done
        except StorageError as error:
            if error.data.get("errno") not in _OF_ONE_FILE:
                raise
            return _from_error(action, error)
        except StudioError as error:
            return _from_error(action, error)


def _order(planned: Sequence[_Planned]) -> list[int]:
    """The end of the task comes last, wherever it stands in the answer."""
    return sorted(range(len(planned)), key=lambda number: (isinstance(planned[number].action, FinishApp), number))


def _before(planned: Sequence[_Planned], number: int) -> Iterable[int]:
    """The calls that must have ended before this one begins."""
    action = planned[number].action
    if action is None:
        return []
    if isinstance(action, FinishApp):
        return [other for other in range(len(planned)) if other != number]
    mine = planned[number].keys
    return [other for other in range(number) if action.waits or _waits(planned[other]) or mine & planned[other].keys]


def _waits(planned: _Planned) -> bool:
    return planned.action is not None and planned.action.waits and not isinstance(planned.action, FinishApp)


def _refuse_unready(earlier: list[asyncio.Task[ToolOutcome]]) -> None:
    results = [task.result() for task in earlier if task.exception() is None]
    bad = [outcome for outcome in results if outcome.status is not CallStatus.OK]
    if bad:
        names = ", ".join(sorted({outcome.name for outcome in bad}))
        raise failed(
            f"The task is not ended: another call of this answer was not done ({names}). Look at its answer first.",
            "finish_app: not yet",
            reason="unready",
        )


def _refuse_instructions(action: Action) -> None:
    """What goes into every prompt is the person's to write: a worker would tell the next roles what to do, or lift a rule."""
    for path in action.paths():
        if instructs(path):
            raise refused(
                f"Nothing was done: {one_line(path, 200)} holds instructions for agents, which the person alone writes. Leave it as it "
                "is, go on with the rest of your task, and say in the summary of finish_app what it should say.",
                f"{one_line(path, 200)}: instructions for agents are the person's",
                one_line(path, 200),
                reason="instructions",
            )


async def _settled(tasks: Collection[asyncio.Task[ToolOutcome]]) -> None:
    if tasks:
        await asyncio.wait(tasks)


def _stopped() -> Done:
    return Done("Not carried out: the work was stopped.", "stopped", CallStatus.ERROR, data={"reason": "stopped"})


def _from_error(action: Action, error: StudioError) -> Done:
    status = CallStatus.REFUSED if isinstance(error, Refused | Conflict | BadInput) else CallStatus.ERROR
    path = next(iter(action.paths()), None)
    shown = one_line(path, 200) if path else None
    return Done(
        f"Nothing was done: {words_of(error)}", one_line(error.message, 160), status, shown, data={"reason": error.code}
    )


def _outcome(planned: _Planned, done: Done) -> ToolOutcome:
    return ToolOutcome(
        planned.call_id,
        planned.name,
        done.status,
        done.text,
        done.line,
        done.path,
        done.changes,
        done.finished,
        done.data,
    )
