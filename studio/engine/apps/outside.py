"""Files that an agent outside hands in: written through the same gate as a worker's, and made a version."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.domain.build import AppVersion, Build, TaskStatus, VersionStatus
from studio.domain.errors import BadInput, Refused, StudioError
from studio.domain.ids import new_id
from studio.domain.run import Run, RunKind, RunStatus
from studio.domain.text import one_line
from studio.domain.tooling import CallStatus, ToolCall
from studio.domain.workflow import Stage
from studio.engine.apps.gate import Gate, Place
from studio.engine.apps.purse import Purse
from studio.engine.apps.room import Finish
from studio.engine.apps.site import Gathering, Site
from studio.engine.live import LiveRun
from studio.protocol.build_events import TaskChanged
from studio.store import build_tasks, findings, versions
from studio.store.transaction import Tx, utc_now
from studio.tools.base import Caps, Claims
from studio.tools.toolbox import ToolBox
from studio.tools.writing import incoming
from studio.workspace.app_files import FileState
from studio.workspace.app_paths import fold, usable
from studio.workspace.snapshots import digest_of

if TYPE_CHECKING:
    from studio.engine.open_project import OpenProject

FILES_LIMIT = 500
log = logging.getLogger(__name__)


@dataclass(slots=True)
class HandIn:
    """Files that were handed in, and lie there. `version` is None when there were none."""

    version: AppVersion | None = None
    end: Callable[[Tx], None] | None = None
    recorded: bool = False

    def record(self, tx: Tx) -> None:
        """End their version, in the transaction of what they are handed in for."""
        self.recorded = True
        if self.end is not None:
            self.end(tx)


@asynccontextmanager
async def handed_in(
    project: OpenProject, build: Build, stage: Stage, agent: str, files: object, summary: str
) -> AsyncGenerator[HandIn]:
    """Write `[{path, content}]` for a version, which the block records. Raises BadInput or Refused naming the first file that could not be
    written, or what the block raises; the version is failed then and everything is as it was."""
    if files is None:
        await project.app.keep_by_hand(build.page_id, agent)
        yield HandIn()
        return
    calls = _calls(files)
    # One folder: what workers have written until now is no version yet, and nothing may come between.
    if project.app.building.locked():
        raise Refused(
            "Workers are writing files of this application right now.", hint="Wait for their run, or stop it first."
        )
    async with project.app.building, _written(project, build, stage, agent, calls, summary) as made:
        yield made


@asynccontextmanager
async def _written(
    project: OpenProject, build: Build, stage: Stage, agent: str, calls: tuple[ToolCall, ...], summary: str
) -> AsyncGenerator[HandIn]:
    def read(tx: Tx) -> tuple[AppVersion | None, bool, list[str]]:
        first = not versions.any_of(tx, build.page_id)
        return None if first else versions.newest(tx), first, findings.undecided(tx, besides="")

    room = project.app
    newest, first, left = await project.store.read(read)
    run = Run(new_id(), build.page_id, stage.name, RunKind.DRAFT, "", RunStatus.RUNNING, agent, utc_now())
    standards = await project.builds_open.standards()
    names = {str(one.arguments["path"]) for one in calls}
    gate = Gate(
        Place(build.page_id, stage.name, run.id, ""), standards.rules,
        lambda path: path in names or room.files.digest(path) is not None,
    )  # fmt: skip
    wanted = await asyncio.to_thread(_foreseen, gate, calls)
    same = newest is not None and newest.page_id == build.page_id and len(wanted) == len(calls)
    if newest is not None and same and await _holds(project, newest, wanted):
        yield HandIn(newest)
        return
    version = await room.begin(build.page_id, run.id, build.operation, "minor" if first else "patch", files=wanted)
    before = await room.tree_before(version)
    site = Site(
        project=project, run=run, live=LiveRun(run, lambda _: None, lambda _: None, ""), stage=stage, purse=Purse(None),
        standards=standards, claims=Claims({one.path: one.digest for one in before.values()}), version=version,
    )  # fmt: skip
    gate.place = site.place(None)
    delivery = _Delivery(site, version, gate, Gathering(site, stage.role, gate, left))
    made = HandIn(version)
    try:
        async with room.undo_log.act():
            await delivery.write(calls)
            async with room.versioning:
                tree = await asyncio.to_thread(room.files.snapshot)
                made.end = lambda tx: delivery.accepted(tx, summary, tree)
                yield made
    except Exception as error:
        await delivery.closed(error.message if isinstance(error, StudioError) else type(error).__name__)
        raise
    if not made.recorded:
        await delivery.closed("What it was handed in for had been answered already.")


@dataclass(frozen=True, slots=True)
class _Delivery:
    """Files on their way into a version that was begun for them."""

    site: Site
    version: AppVersion
    gate: Gate
    hooks: Gathering

    async def write(self, calls: tuple[ToolCall, ...]) -> None:
        """Raises Refused for the first file that could not be written."""
        project, claims = self.site.project, self.site.claims
        caps = Caps(file_bytes=project.settings.app.file_bytes, files=FILES_LIMIT)
        box = ToolBox(
            project.app.files, allowed=("create_file",), gate=self.gate, claims=claims, caps=caps, hooks=self.hooks,
            seen=dict(claims.base),
        )  # fmt: skip
        self.hooks.expect(calls, 1, "")
        for outcome in await box.run(calls):
            if outcome.status is not CallStatus.OK:
                raise Refused(
                    outcome.text,
                    hint="None of the files was kept. Mend this one, and send the phase again.",
                    data={"path": outcome.path or ""},
                )

    def accepted(self, tx: Tx, summary: str, tree: Mapping[str, FileState]) -> None:
        finish = Finish(status=VersionStatus.COMPLETED, summary=summary, asked=False)
        self._end(tx, finish, tree, self.site.claims.written)

    async def closed(self, error: str) -> None:
        """End the version as failed, with its files as they were. Where the disk refuses that, it is done before the next act."""
        room, store = self.site.project.app, self.site.project.store
        finish = Finish(status=VersionStatus.FAILED, error=one_line(error, 400), asked=False)
        try:
            async with room.turn():
                tree = await asyncio.to_thread(room.files.snapshot)
                await store.transact(lambda tx: self._refused(tx, finish, tree), actor="engine")
        except StudioError:
            log.exception("version %s", self.version.number)

    def _refused(self, tx: Tx, finish: Finish, tree: Mapping[str, FileState]) -> None:
        if versions.get(tx, self.version.id).status is VersionStatus.IN_PROGRESS:
            self._end(tx, finish, tree, {})

    def _end(self, tx: Tx, finish: Finish, tree: Mapping[str, FileState], written: Mapping[str, str | None]) -> None:
        room = self.site.project.app
        self.hooks.write(tx)
        room.undo_log.end(tx)
        room.end(tx, self.version, finish, tree, written)


def _foreseen(gate: Gate, calls: tuple[ToolCall, ...]) -> dict[str, str]:
    """The digests of what will be written, by path; what will be refused is not in it."""
    found: dict[str, str] = {}
    for call in calls:
        try:
            path = usable(str(call.arguments["path"]))
        except StudioError:
            continue
        text = gate.foresee(path, incoming(str(call.arguments["content"])))
        if text is not None:
            found[path] = digest_of(text.encode())
    return found


def settle_tasks(tx: Tx, page_id: str, agent: str) -> None:
    """The board's open tasks are done with the work of an agent outside, which answers for all of them at once."""
    for task in build_tasks.listing(tx, page_id):
        if task.status.ended:
            continue
        summary = f"Handed in by {agent}."
        build_tasks.update(tx, task.id, status=TaskStatus.DONE, summary=summary, ended_at=tx.now)
        tx.emit(TaskChanged(page=page_id, task=task.id, what="done", status=TaskStatus.DONE.value, actor=agent))


async def _holds(project: OpenProject, newest: AppVersion, wanted: Mapping[str, str]) -> bool:
    """Whether the newest version holds exactly these files, as they lie there: what a request made that was then cut off."""
    if newest.status is not VersionStatus.COMPLETED or await project.app.changed_by_person():
        return False
    tree = await project.app.scan()
    return all(path in tree and tree[path].digest == digest for path, digest in wanted.items())


def _refuse_twice(path: str, named: dict[str, str]) -> None:
    """Add a path to those that are `named`, by their folded form. Raises BadInput for one that is there."""
    before = named.get(fold(path))
    if before is None:
        named[fold(path)] = path
        return
    shown = one_line(path, 120)
    if before == path:
        raise BadInput(f"`files` names {shown} twice.", hint="Send each file once.")
    raise BadInput(
        f"`files` names {one_line(before, 120)} and {shown}, which are one file on some disks.",
        hint="Send each file once.",
    )


def _calls(files: object) -> tuple[ToolCall, ...]:
    if not isinstance(files, list) or not files or len(files) > FILES_LIMIT:
        raise BadInput(f"`files` must be a list of 1 to {FILES_LIMIT} objects {{path, content}}.")
    calls: list[ToolCall] = []
    named: dict[str, str] = {}
    for number, one in enumerate(files, 1):
        if not isinstance(one, dict) or not isinstance(one.get("path"), str) or not isinstance(one.get("content"), str):
            raise BadInput(f"File {number} of `files` needs a path and its content, both as text.")
        arguments = {"path": one["path"].removeprefix("./"), "content": one["content"]}
        _refuse_twice(arguments["path"], named)
        try:
            "".join(arguments.values()).encode()
        except UnicodeEncodeError as error:
            raise BadInput(f"File {number} of `files` holds half a character (a lone surrogate).") from error
        calls.append(ToolCall(f"outside-{number}", "create_file", arguments))
    return tuple(calls)
