"""Commands of a change as a build: begun, sent back, checked. A phase completed from outside is in `phases`."""

from __future__ import annotations

import asyncio

from studio.config.allowed import AllowedCommands
from studio.domain.build import Build
from studio.domain.errors import BadInput, Refused
from studio.domain.page import BRIEF
from studio.domain.text import clean, one_line
from studio.domain.typed import typed_line
from studio.domain.workflow import Action, Phase, State, advance
from studio.engine.apps import checks, progress
from studio.engine.apps.gate import Place
from studio.engine.gates import refuse_decided
from studio.engine.handlers.book import new_chapter, new_page
from studio.engine.handlers.review import with_next_draft
from studio.engine.open_project import Call, OpenProject
from studio.engine.texts import add_person_revision, refuse_running, refuse_stale
from studio.engine.views.builds import find_page
from studio.protocol import build_commands as b
from studio.protocol.commands import Done
from studio.protocol.events import BookChanged
from studio.store import builds, chapters, pages, revisions, versions
from studio.store.transaction import Tx

NOTHING_TO_CHECK = "There is nothing to check yet: app/ holds no file."
REQUIREMENTS_LIMIT = 1_000_000
"""Characters. A template gives up at 4 million, when the change would stand on the board already."""


async def start_build(project: OpenProject, command: b.StartBuild, call: Call) -> Done:
    project.needs_app()
    text = clean(command.requirements).strip()
    if not text.strip(" #\t\n"):
        raise BadInput("The requirements are empty.", hint="Say what is to be built or changed.")
    if len(text) > REQUIREMENTS_LIMIT:
        words = f"The requirements have {len(text):,} characters; at most {REQUIREMENTS_LIMIT:,} fit into a prompt."
        raise BadInput(words, hint="Say it in fewer words, or put what is always true into canon.")
    title = typed_line(command.title, "title") or _beginning(text)
    if command.model:
        project.models.parse(command.model)
    operation = await project.app.operation()

    def work(tx: Tx) -> Done:
        # Looked up in the transaction that makes it: of two senders at the same time, the second finds the first one's.
        known = builds.by_build_id(tx, one_line(command.project), one_line(command.build))
        if known is not None:
            page = pages.get(tx, known.page_id)
            _refuse_other(known, text)
            return Done(seq=0, message="This build exists already.", page=page.id, state=page.state)
        chapter = _release(tx, command.chapter)
        following = advance(project.workflow, State(Phase.AWAITING), Action.BRIEF)
        page = new_page(project, tx, chapter, title, "", following)
        tx.emit(BookChanged(chapter=chapter, page=page.id, what="page.add"))
        revision = add_person_revision(tx, page.id, BRIEF, text, parent=None)
        build = Build(
            page_id=page.id, operation=operation, returns=0, created_at=tx.now, updated_at=tx.now,
            project_id=one_line(command.project), build_id=one_line(command.build), user_id=one_line(command.user),
            model=one_line(command.model), requirements=text,
        )  # fmt: skip
        builds.add(tx, build)
        project.move_to(tx, page, following, "brief", revision=revision.id, passing=True)
        progress.begun(tx, project.workflow, page.id, operation)
        return Done(seq=0, message="Build begun.", page=page.id, chapter=chapter, state=page.state)

    return await project.act(call, work)


def _refuse_other(known: Build, text: str) -> None:
    """A build id that is sent again names the change that it began, so what is asked for must be the same."""
    if text != known.requirements:
        raise Refused(
            f"The build {known.build_id!r} was begun with other requirements.",
            hint="For another change send another build_id.",
            data={"page": known.page_id},
        )


def _beginning(text: str) -> str:
    """What a change is called that was given no title: the first words asked for, without a heading's sign."""
    first = next(line for line in text.split("\n") if line.strip(" #\t"))
    return one_line(first.strip().lstrip("#"), 60)


def _release(tx: Tx, ref: str | None) -> str:
    """The release that a change belongs to: the one named, else the newest, which is made when there is none."""
    if ref is not None:
        return chapters.resolve(tx, ref).id
    known = chapters.listing(tx)
    return known[-1].id if known else new_chapter(tx, "Release 1", "release-1").id


async def send_back(project: OpenProject, command: b.SendBack, call: Call) -> Done:
    opened = project.builds_open
    note = clean(command.note).strip()

    def work(tx: Tx) -> Done:
        page = find_page(project, tx, command.page)
        refuse_running(tx, page.id)
        state = project.state_of(page)
        head = revisions.head(tx, page.id, state.stage) if state.stage else None
        refuse_decided(project, tx, page, command.revision)
        refuse_stale(command.revision, head)
        if head is None or state.phase is not Phase.REVIEWING:
            advance(project.workflow, state, Action.RETURN)
            raise Refused("There is no report to send back with.", hint="Draft it first.")
        page = opened.send_back(tx, page, head, note)
        return Done(seq=0, message="Sent back with the open findings.", page=page.id, state=page.state)

    done = await project.act(call, work)
    return await with_next_draft(project, done, call, None)


async def allow_check(project: OpenProject, command: b.AllowCheck, call: Call) -> Done:
    text = command.command.strip()
    if not text:
        raise BadInput("No command was given.", hint="Name it in `[app] check` of studio.toml.")
    await asyncio.to_thread(AllowedCommands(env=project.env).record, project.root, text, allowed=command.allowed)
    words = "may run in this project on this computer" if command.allowed else "may no longer run"
    return Done(seq=0, message=f"`{one_line(text, 120)}` {words}.")


async def run_check(project: OpenProject, command: b.RunCheck, call: Call) -> Done:
    """Before there is code nothing is checked, and no finding is left of it; where code was and is gone, that is found."""
    project.needs_app()
    settings = project.settings.app
    lying = await project.app.scan()

    def find(tx: Tx) -> tuple[str, str, bool]:
        page = find_page(project, tx, command.page) if command.page else None
        newest = versions.newest(tx)
        empty = not lying and (newest is None or not versions.files(tx, newest.id))
        return (page.id if page else ""), (newest.id if newest else ""), empty

    page_id, version, empty = await project.store.read(find)
    if empty:
        return Done(seq=0, message=NOTHING_TO_CHECK, page=page_id or None)
    report = await checks.run(project, Place(page_id, "testing", "", version))
    # What executes nothing was looked at all the same; that the project's own command was not run is no success.
    if settings.check and not await asyncio.to_thread(
        AllowedCommands(env=project.env).allows, project.root, settings.check
    ):
        raise Refused(
            f"The check command `{one_line(settings.check, 120)}` was never allowed on this computer.",
            hint="Read it, then allow it: `studio check --allow`.",
            data={"command": settings.check, "report": report.text, "page": page_id},
        )
    return Done(seq=0, message=report.text, page=page_id or None)
