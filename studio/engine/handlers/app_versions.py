"""Commands on the versions of an application: restore, undo, save what a person changed, import a code base."""

from __future__ import annotations

import asyncio
from pathlib import Path

from studio.domain.build import AppVersion
from studio.domain.errors import BadInput
from studio.domain.typed import typed_line
from studio.engine.open_project import Call, OpenProject
from studio.protocol import build_commands as b
from studio.protocol.commands import Done

SUMMARY_LIMIT = 500
"""Characters of a version's title, as of a run's own."""


async def restore_version(project: OpenProject, command: b.RestoreVersion, call: Call) -> Done:
    if (known := await _known(project, call)) is not None:
        return known
    made = await project.app.restore(command.version, anyway=command.anyway, actor=call.actor)
    return await _told(project, call, made, f"{made.summary}, as version {made.number}.")


async def undo_version(project: OpenProject, command: b.UndoVersion, call: Call) -> Done:
    if (known := await _known(project, call)) is not None:
        return known
    made = await project.app.undo(anyway=command.anyway, actor=call.actor)
    return await _told(project, call, made, f"Undone. {made.summary}, as version {made.number}.")


async def save_version(project: OpenProject, command: b.SaveVersion, call: Call) -> Done:
    made = await project.app.save(typed_line(command.summary, "title", SUMMARY_LIMIT), call.actor)
    if made is None:
        raise BadInput("Nothing differs from the newest version.", hint="Change a file in app/ first.")
    return await _told(project, call, made, f"Saved as version {made.number}.")


async def import_app(project: OpenProject, command: b.ImportApp, call: Call) -> Done:
    project.needs_app()
    path = await asyncio.to_thread(Path(command.path).expanduser)
    made = await project.app.import_from(path, call.actor)
    return await _told(project, call, made, f"{made.summary}, as version {made.number}.")


async def _known(project: OpenProject, call: Call) -> Done | None:
    return await project.recall(call.request) if call.request else None


async def _told(project: OpenProject, call: Call, made: AppVersion, message: str) -> Done:
    """The answer, remembered under the request's key: the files themselves are no part of a transaction."""
    done = Done(seq=0, message=message, version=made.id, page=made.page_id)
    return await project.act(call, lambda tx: done)
