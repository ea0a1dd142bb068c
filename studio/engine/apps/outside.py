"""Files that an agent outside hands in: written through the same gate as a worker's, and made a version."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from studio.domain.build import AppVersion, VersionStatus
from studio.domain.errors import BadInput, Refused
from studio.domain.ids import new_id
from studio.domain.page import Page
from studio.domain.run import Run, RunKind, RunStatus
from studio.domain.tooling import CallStatus, ToolCall
from studio.domain.workflow import Stage
from studio.engine.apps.purse import Purse
from studio.engine.apps.room import Finish
from studio.engine.apps.site import Recorder, Site
from studio.engine.live import LiveRun
from studio.store import versions
from studio.store.transaction import utc_now
from studio.tools.base import Caps, Claims
from studio.tools.toolbox import ToolBox

if TYPE_CHECKING:
    from studio.engine.open_project import OpenProject

FILES_LIMIT = 500


async def write_files(
    project: OpenProject, page: Page, stage: Stage, agent: str, files: object, summary: str
) -> AppVersion | None:
    """Write `[{path, content}]` as a version; None when no files are given. Raises BadInput or Refused naming the first file
    that could not be written, after which the version is failed and everything is as it was."""
    if files is None:
        return None
    calls = _calls(files)
    build = await project.builds_open.ensure_build(page.id)
    first = not await project.store.read(lambda tx: versions.listing(tx, page.id))
    run = Run(new_id(), page.id, stage.name, RunKind.DRAFT, "", RunStatus.RUNNING, agent, utc_now())
    version = await project.app.begin(page.id, run.id, build.operation, "minor" if first else "patch")
    tree = await project.app.scan()
    live = LiveRun(run, lambda _: None, lambda _: None, "")
    base = {path: state.digest for path, state in tree.items()}
    site = Site(
        project=project, run=run, live=live, stage=stage, purse=Purse(None),
        standards=await project.builds_open.standards(), claims=Claims(base), version=version,
    )  # fmt: skip
    gate = site.gate(None)
    hooks = Recorder(site, stage.role, gate, None)
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
    outcomes = await box.run(calls)
    bad = next((one for one in outcomes if one.status is not CallStatus.OK), None)
    if bad is None:
        return await project.app.finish(version, Finish(status=VersionStatus.COMPLETED, summary=summary))
    parent = version.parent_id
    before = await project.store.read(lambda tx: versions.files(tx, parent)) if parent else []
    await asyncio.to_thread(project.app.files.restore, {one.path: one for one in before})
    await project.app.finish(version, Finish(status=VersionStatus.FAILED, error=bad.text))
    raise Refused(bad.text, hint="Nothing was written.", data={"path": bad.path or ""})


def _calls(files: object) -> tuple[ToolCall, ...]:
    if not isinstance(files, list) or not files or len(files) > FILES_LIMIT:
        raise BadInput(f"`files` must be a list of 1 to {FILES_LIMIT} objects {{path, content}}.")
    calls = []
    for number, one in enumerate(files, 1):
        if not isinstance(one, dict) or not isinstance(one.get("path"), str) or not isinstance(one.get("content"), str):
            raise BadInput(f"File {number} of `files` needs a path and its content, both as text.")
        arguments = {"path": one["path"], "content": one["content"]}
        calls.append(ToolCall(f"outside-{number}", "create_file", arguments))
    return tuple(calls)
