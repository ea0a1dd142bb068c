"""Files that an agent outside hands in: written through the same gate as a worker's, and made a version."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
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
from studio.engine.apps.room import Finish, Tree
from studio.engine.apps.site import Gathering, Site
from studio.engine.live import LiveRun
from studio.protocol.build_events import TaskChanged
from studio.store import build_tasks, findings, versions
from studio.store.transaction import Tx, utc_now
from studio.tools.base import Caps, Claims
from studio.tools.toolbox import ToolBox
from studio.tools.writing import incoming
from studio.workspace.app_paths import fold, usable
from studio.workspace.snapshots import digest_of

if TYPE_CHECKING:
    from studio.engine.open_project import OpenProject

FILES_LIMIT = 500
log = logging.getLogger(__name__)


async def write_files(
    project: OpenProject, build: Build, stage: Stage, agent: str, files: object, summary: str
) -> AppVersion | None:
    """Write `[{path, content}]` as a version; None when no files are given. Raises BadInput or Refused naming the first file
    that could not be written, after which the version is failed and everything is as it was."""
    if files is None:
        return None
    calls = _calls(files)

    def read(tx: Tx) -> tuple[AppVersion | None, bool, list[str]]:
        first = not versions.any_of(tx, build.page_id)
        return None if first else versions.newest(tx), first, findings.undecided(tx, besides="")

    newest, first, left = await project.store.read(read)
    run = Run(new_id(), build.page_id, stage.name, RunKind.DRAFT, "", RunStatus.RUNNING, agent, utc_now())
    standards = await project.builds_open.standards()
    names = {str(one.arguments["path"]) for one in calls}
    gate = Gate(
        Place(build.page_id, stage.name, run.id, ""), standards.rules,
        lambda path: path in names or project.app.files.digest(path) is not None,
    )  # fmt: skip
    wanted = await asyncio.to_thread(_foreseen, gate, calls)
    same = newest is not None and newest.page_id == build.page_id and len(wanted) == len(calls)
    if newest is not None and same and await _holds(project, newest, wanted):
        return newest
    version = await project.app.begin(
        build.page_id, run.id, build.operation, "minor" if first else "patch", files=wanted
    )
    before = await project.app.tree_before(version)
    live = LiveRun(run, lambda _: None, lambda _: None, "")
    base = {one.path: one.digest for one in before.values()}
    site = Site(
        project=project, run=run, live=live, stage=stage, purse=Purse(None),
        standards=standards, claims=Claims(base), version=version,
    )  # fmt: skip
    gate.place = site.place(None)
    hooks = Gathering(site, stage.role, gate, left)
    caps = Caps(file_bytes=project.settings.app.file_bytes, files=FILES_LIMIT)
    box = ToolBox(
        project.app.files,
        allowed=("create_file",),
        gate=gate,
        claims=site.claims,
        caps=caps,
        hooks=hooks,
        seen=dict(base),
    )
    hooks.expect(calls, 1, "")
    try:
        outcomes = await box.run(calls)
    except StudioError as error:
        await _undone(project, version, site.claims.written, before, str(error), hooks)
        raise
    bad = next((one for one in outcomes if one.status is not CallStatus.OK), None)
    if bad is None:
        ended = Finish(status=VersionStatus.COMPLETED, summary=summary, asked=False)
        return await project.app.finish(version, ended, site.claims.written, also=hooks.write)
    await _undone(project, version, site.claims.written, before, bad.text, hooks)
    said = bad.text.startswith("Nothing was written")
    raise Refused(bad.text, hint="" if said else "Nothing was written.", data={"path": bad.path or ""})


async def _undone(
    project: OpenProject,
    version: AppVersion,
    written: Mapping[str, str | None],
    before: Tree,
    error: str,
    hooks: Gathering,
) -> None:
    """Take back what was written. Where the disk refuses that too, it is done before the next version begins."""
    back = {path: before.get(path) for path in written}
    now = {path: old.digest if old else None for path, old in back.items()}
    ended = Finish(status=VersionStatus.FAILED, error=one_line(error, 400), asked=False)
    try:
        await asyncio.to_thread(lambda: project.app.files.put_back(back, written=written))
        await project.app.finish(version, ended, now, also=hooks.write)
    except StudioError:
        log.exception("version %s", version.number)


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
