"""Commands on the versions of an application: restore, undo, save what a person changed, take a worker's kept text, import a code base."""

from __future__ import annotations

import asyncio
from pathlib import Path

from studio.domain.build import AppVersion
from studio.domain.errors import BadInput
from studio.domain.finding import Finding, FindingSource, FindingState
from studio.domain.typed import typed_line
from studio.domain.workflow import Phase
from studio.engine.apps import kept
from studio.engine.open_project import Call, OpenProject
from studio.protocol import build_commands as b
from studio.protocol.build_events import FindingChanged
from studio.protocol.commands import Done
from studio.store import findings, pages
from studio.store.transaction import Tx

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


async def take_kept(project: OpenProject, command: b.TakeKept, call: Call) -> Done:
    """The person's act: the worker's text in the place of what lies there, which is a version before."""
    project.needs_app()
    if (known := await _known(project, call)) is not None:
        return known

    def find(tx: Tx) -> tuple[Finding, str | None]:
        found = kept.find(tx, command.path, command.kept)
        return found, unfinished(project, tx, found.page_id)

    finding, page = await project.store.read(find)
    path, digest = finding.problem.path, finding.problem.quote
    made = await project.app.take(path, digest, seen=command.seen, page_id=page, actor=call.actor)

    def settle(tx: Tx) -> Done:
        as_version = f", as version {made.number}" if made else ", which lay there already"
        for one in findings.listing(tx, open_only=True):
            if one.source is FindingSource.CONFLICT and (one.problem.path, one.problem.quote) == (path, digest):
                findings.settle(tx, one.id, FindingState.FIXED, tx.actor, f"the worker's text was taken{as_version}")
                tx.emit(FindingChanged(page=one.page_id, finding=one.id, state="fixed", actor=tx.actor))
        message = f"{path} has the worker's text{as_version}."
        return Done(seq=0, message=message, version=made.id if made else None, page=page)

    return await project.act(call, settle)


def unfinished(project: OpenProject, tx: Tx, page_id: str | None) -> str | None:
    """The change that a version of the person's belongs to: none once it is complete."""
    if page_id is None:
        return None
    return None if project.state_of(pages.get(tx, page_id)).phase is Phase.APPROVED else page_id


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
