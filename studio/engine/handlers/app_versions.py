"""Commands on versions: restore, undo, save and approve what a person changed, take a worker's kept text, import a code base."""

from __future__ import annotations

import asyncio
from pathlib import Path

from studio.domain.build import AppVersion, VersionStatus
from studio.domain.errors import BadInput, Conflict, Refused
from studio.domain.finding import Finding, FindingSource, FindingState
from studio.domain.page import BRIEF
from studio.domain.text import one_line
from studio.domain.typed import typed_line
from studio.domain.workflow import OutputKind, Phase
from studio.engine.apps import kept, standing
from studio.engine.open_project import Call, OpenProject
from studio.protocol import build_commands as b
from studio.protocol.build_events import FindingChanged, VersionChanged
from studio.protocol.commands import Done
from studio.store import findings, pages, revisions, versions
from studio.store.transaction import Tx

SUMMARY_LIMIT = 500
"""Characters of a version's title, as of a run's own."""


async def restore_version(project: OpenProject, command: b.RestoreVersion, call: Call) -> Done:
    made = await project.app.restore(command.version, anyway=command.anyway, actor=call.actor)
    return await _told(project, call, made, f"{made.summary}, as version {made.number}.")


async def undo_version(project: OpenProject, command: b.UndoVersion, call: Call) -> Done:
    before = await project.store.read(lambda tx: _before(tx, command.version))
    if before is None:
        made = await project.app.undo(anyway=command.anyway, actor=call.actor)
    else:  # the version that was shown, whatever becomes the newest meanwhile
        made = await project.app.restore(before, anyway=command.anyway, actor=call.actor)
    return await _told(project, call, made, f"Undone. {made.summary}, as version {made.number}.")


def _before(tx: Tx, ref: str | None) -> str | None:
    """The version before the one that is named to be undone; None where none is named, or there is none before. Raises Conflict."""
    if ref is None:
        return None
    named, newest = versions.resolve(tx, ref), versions.newest(tx)
    if newest is not None and newest.id != named.id:
        raise Conflict(
            f"Version {newest.number} is the newest by now, not {named.number}.",
            hint="Look at what undoing that one would change.",
            data={"expected": named.id, "actual": newest.id},
        )
    return named.parent_id


async def save_version(project: OpenProject, command: b.SaveVersion, call: Call) -> Done:
    summary = typed_line(command.summary, "title", SUMMARY_LIMIT)
    page = await project.store.read(lambda tx: _change_of_newest(project, tx))
    made = await project.app.save(summary, call.actor, page)
    if made is None:
        raise BadInput("Nothing differs from the newest version.", hint="Change a file in app/ first.")
    then = await project.store.read(lambda tx: _then(project, tx, made))
    return await _told(project, call, made, f"Saved as version {made.number}. {then}".rstrip())


def _change_of_newest(project: OpenProject, tx: Tx) -> str | None:
    newest = versions.newest(tx)
    return unfinished(project, tx, newest.page_id) if newest else None


def _then(project: OpenProject, tx: Tx, made: AppVersion) -> str:
    """What lets a saved version go out, where the approval of the files does not do it by itself."""
    if made.page_id is None:
        return f"To let it go out: studio versions approve {made.number}"
    approved = revisions.approved(tx, made.page_id)
    code = any(project.workflow.stage(name).output is OutputKind.CODE for name in approved if name != BRIEF)
    now = standing.version_of(tx, project.workflow, made.page_id) if code else None
    if now is None or now.id == made.id:
        return ""
    return f"Its change goes on with version {now.number}: reopen the implementation to take yours in."


async def approve_version(project: OpenProject, command: b.ApproveVersion, call: Call) -> Done:
    project.needs_app()

    def work(tx: Tx) -> Done:
        version = versions.resolve(tx, command.version)
        if version.approved:
            raise Refused(f"Version {version.number} is approved already.", hint="Publish it: `studio publish`.")
        if version.status is not VersionStatus.COMPLETED:
            raise Refused(
                f"Version {version.number} is {version.status.value.replace('_', ' ')}.",
                hint="Only a completed version is approved.",
            )
        refuse_unfinished(project, tx, version)
        versions.approve(tx, version.id)
        tx.emit(
            VersionChanged(
                version=version.id, number=version.number, status=version.status.value, what="approved",
                page=version.page_id, actor=tx.actor,
            )
        )  # fmt: skip
        goes = next(one for one in versions.listing(tx) if one.approved)
        then = (
            "it goes out next"
            if goes.id == version.id
            else f"{goes.number} is newer and goes out unless you name this one"
        )
        return Done(
            seq=0, message=f"Version {version.number} is approved: {then}.", version=version.id, page=version.page_id
        )

    return await project.act(call, work)


def refuse_unfinished(project: OpenProject, tx: Tx, version: AppVersion) -> None:
    """Raises Refused for a version of a change that is at work: that is approved with the change."""
    page_id = unfinished(project, tx, version.page_id)
    if page_id is not None:
        page = pages.get(tx, page_id)
        raise Refused(
            f"Version {version.number} belongs to {one_line(page.title or page.slug, 80)!r}, which is not complete.",
            hint="Approve its change's last stage first.",
        )


async def take_kept(project: OpenProject, command: b.TakeKept, call: Call) -> Done:
    """The person's act: the worker's text in the place of what lies there, which is a version before."""
    project.needs_app()

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
    """The change that a version of the person's belongs to: none once it is complete or put away."""
    if page_id is None:
        return None
    page = pages.get(tx, page_id)
    return None if page.archived or project.state_of(page).phase is Phase.APPROVED else page_id


async def import_app(project: OpenProject, command: b.ImportApp, call: Call) -> Done:
    project.needs_app()
    path = await asyncio.to_thread(Path(command.path).expanduser)
    made = await project.app.import_from(path, call.actor)
    return await _told(project, call, made, f"{made.summary}, as version {made.number}.")


async def _told(project: OpenProject, call: Call, made: AppVersion, message: str) -> Done:
    """The answer, remembered under the request's key: the files themselves are no part of a transaction."""
    done = Done(seq=0, message=message, version=made.id, page=made.page_id)
    return await project.act(call, lambda tx: done)
