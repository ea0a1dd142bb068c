"""Commands of a change as a build: begun and completed from outside, sent back, checked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from studio.config.allowed import AllowedCommands
from studio.domain.build import AppVersion, Build
from studio.domain.errors import BadInput, Refused
from studio.domain.page import BRIEF, Origin, Page, Revision
from studio.domain.run import Outcome
from studio.domain.text import clean, one_line
from studio.domain.typed import typed_line
from studio.domain.workflow import Action, OutputKind, Phase, Stage, State, advance
from studio.engine.apps import checks, outside, progress, repeats
from studio.engine.apps.gate import Place
from studio.engine.gates import refuse_decided, text_arrived
from studio.engine.handlers.book import new_chapter, new_page
from studio.engine.handlers.review import with_next_draft
from studio.engine.open_project import Call, OpenProject
from studio.engine.replies import read_reply
from studio.engine.texts import add_person_revision, add_revision, refuse_running, refuse_stale, structured
from studio.engine.views.builds import find_page, phase_of
from studio.protocol import build_commands as b
from studio.protocol.commands import Done
from studio.protocol.events import BookChanged
from studio.providers.base import FinishReason
from studio.store import builds, chapters, conversations, pages, revisions, versions
from studio.store.transaction import Tx

RESULT_LIMIT = 2_000_000
"""Characters of a phase's result: files written by an outside agent come in it."""


async def start_build(project: OpenProject, command: b.StartBuild, call: Call) -> Done:
    project.needs_app()
    text = clean(command.requirements).strip()
    if not text.strip(" #\t\n"):
        raise BadInput("The requirements are empty.", hint="Say what is to be built or changed.")
    title = typed_line(command.title, "title") or _beginning(text)
    if command.model:
        project.models.parse(command.model)
    operation = await project.app.operation()

    def work(tx: Tx) -> Done:
        # Looked up in the transaction that makes it: of two senders at the same time, the second finds the first one's.
        known = builds.by_build_id(tx, one_line(command.project), one_line(command.build))
        if known is not None:
            page = pages.get(tx, known.page_id)
            return Done(seq=0, message="This build exists already.", page=page.id, state=page.state)
        chapter = _release(tx, command.chapter)
        page = new_page(project, tx, chapter, title, "")
        tx.emit(BookChanged(chapter=chapter, page=page.id, what="page.add"))
        revision = add_person_revision(tx, page.id, BRIEF, text, parent=None)
        build = Build(
            page_id=page.id, operation=operation, returns=0, created_at=tx.now, updated_at=tx.now,
            project_id=one_line(command.project), build_id=one_line(command.build), user_id=one_line(command.user),
            model=one_line(command.model), requirements=text,
        )  # fmt: skip
        builds.save(tx, build)
        following = advance(project.workflow, State(Phase.AWAITING), Action.BRIEF)
        page = project.move_to(tx, page, following, "brief", revision=revision.id)
        progress.begun(tx, project.workflow, page.id, operation)
        return Done(seq=0, message="Build begun.", page=page.id, chapter=chapter, state=page.state)

    return await project.act(call, work)


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


async def complete_phase(project: OpenProject, command: b.CompletePhase, call: Call) -> Done:
    """Deliver and approve in one act: both or neither. Files of a writing stage are written first, as a version."""
    result = _result(command.result)

    def read(tx: Tx) -> Done | tuple[Call, tuple[Page, Stage], Build | None]:
        page = find_page(project, tx, command.page)
        mine = replace(call, request=_key(project, tx, page, command)) if command.once else call
        if command.once and (done := project.recalled(tx, mine)) is not None:
            return done
        return mine, _turn(project, tx, page, command, result), builds.get(tx, page.id)

    found = await project.store.read(read)
    if isinstance(found, Done):
        return found
    call, came, known = found
    build = known or await project.builds_open.ensure_build(came[0].id)

    def again(tx: Tx) -> Done | None:
        if (done := project.recalled(tx, call)) is None:
            _refuse_late(came, _turn(project, tx, pages.get(tx, came[0].id), command, result))
        return done

    # One at a time: of two answers for the same phase the second is refused before it has written a file.
    async with project.app.handing_in:
        if came[1].output is OutputKind.CODE and (done := await project.store.read(again)) is not None:
            return done
        return await _complete_phase(project, command, call, came, build, result)


def _key(project: OpenProject, tx: Tx, page: Page, command: b.CompletePhase) -> str:
    return repeats.key(command, page, phase_of(project.workflow, project.state_of(page)), builds.handoffs(tx, page.id))


def _refuse_late(came: tuple[Page, Stage], now: tuple[Page, Stage]) -> None:
    """Raises Refused when the build is no longer at the state that the answer came for."""
    (before, _), (page, stage) = came, now
    if page.state != before.state:
        raise Refused(
            f"Another answer came first: the build went from {before.state} to {page.state} meanwhile.",
            hint="Ask for the status, and complete the phase that it names.",
            data={"state": page.state, "phase": stage.name.upper()},
        )


async def _complete_phase(
    project: OpenProject,
    command: b.CompletePhase,
    call: Call,
    came: tuple[Page, Stage],
    build: Build,
    result: Mapping[str, Any],
) -> Done:
    """`came` is the page and the stage that the answer came for."""
    page, stage = came
    if stage.output is not OutputKind.CODE and isinstance(result.get("files"), list):
        raise Refused(
            f"It is the turn of {stage.name.upper()}, which writes no files.",
            hint="Ask for the status, and complete the phase that it names.",
            data={"state": page.state, "phase": stage.name.upper()},
        )
    text, data = _text(stage, clean(command.response), result)
    agent = one_line(command.agent) or stage.role
    if stage.output is OutputKind.CODE:
        made = await _write(project, build, stage, agent, result.get("files"), one_line(text, 400))
        if made is None:
            await project.app.keep_by_hand(page.id, agent)
        else:
            data = json.dumps({"version": made.id, "number": made.number})

    def work(tx: Tx) -> Done:
        found = _turn(project, tx, pages.get(tx, page.id), command, result)
        _refuse_late(came, found)
        now, _ = found
        revision = add_revision(
            tx, now.id, stage.name, text, origin=Origin.OUTSIDE, data=data, parent=revisions.head(tx, now.id, stage.name),
            author=agent, outcome=Outcome.COMPLETE,
        )  # fmt: skip
        conversations.append(tx, now.id, stage.role, "assistant", text, data=json.dumps(result, ensure_ascii=False))
        if stage.output is OutputKind.CODE:
            outside.settle_tasks(tx, now.id, agent)
        came_with = now.version
        now = text_arrived(project, tx, now, Action.DRAFT_READY, "draft_ready", revision, passing=True)
        if project.state_of(now) == State(Phase.REVIEWING, stage.name):
            now = _judged(project, tx, now, stage, revision)
        if now.version == came_with:
            now = project.stay(tx, now)
        words = _outcome_words(project, now, stage)
        return Done(seq=0, message=words, page=now.id, revision=revision.id, state=now.state, stage=stage.name)

    done = await project.act(call, work)
    project.manuscript.write_soon(page.id)
    return done


async def _write(
    project: OpenProject, build: Build, stage: Stage, agent: str, files: object, summary: str
) -> AppVersion | None:
    """The files as a version. One folder: what workers have written until now is no version yet, and nothing may come between."""
    building = project.app.building
    if files is not None and building.locked():
        raise Refused(
            "Workers are writing files of this application right now.", hint="Wait for their run, or stop it first."
        )
    async with building:
        return await outside.write_files(project, build, stage, agent, files, summary)


def _judged(project: OpenProject, tx: Tx, page: Page, stage: Stage, revision: Revision) -> Page:
    """Approve what arrived, or follow a report that asks to send back; one that may not any more waits for a person."""
    opened = project.builds_open
    if opened.wants_return(tx, page, revision):
        return opened.send_back(tx, page, revision, "")
    try:
        opened.refuse_return_verdict(revision)
    except Refused:
        return page
    following = project.workflow.after(stage.name)
    state = advance(
        project.workflow, project.state_of(page), Action.APPROVE,
        next_has_revision=following is not None and opened.later_text(tx, page.id, following),
    )  # fmt: skip
    revision = opened.agreed(tx, page, revision)
    pages.set_approved(tx, page.id, stage.name, revision.id)
    if following is not None:
        progress.say(tx, project.workflow, page.id, stage.name, 1.0, f"{stage.label} complete", status="waiting")
    opened.approved(tx, page, revision)
    return project.move_to(tx, page, state, "approve", stage=stage.name, revision=revision.id)


def _outcome_words(project: OpenProject, page: Page, stage: Stage) -> str:
    state = project.state_of(page)
    if state == State(Phase.REVIEWING, stage.name):
        return f"{stage.label} asks to send back, and no return is left: a person decides."
    if state.stage and project.workflow.index(state.stage) < project.workflow.index(stage.name):
        return f"{stage.label} sent the work back to {state.stage.upper()}."
    return f"{stage.label} complete."


def _turn(
    project: OpenProject, tx: Tx, page: Page, command: b.CompletePhase, result: Mapping[str, Any]
) -> tuple[Page, Stage]:
    """The page and the stage whose turn it is. Raises Refused when the sender speaks of another."""
    refuse_running(tx, page.id)
    state = project.state_of(page)
    stage = project.stage_of(page)
    if stage is None or state.phase not in (Phase.GENERATING, Phase.FAILED, Phase.INTERRUPTED, Phase.REVIEWING):
        raise Refused(
            f"This build awaits nothing from a role: it is in state {page.state}.", data={"state": page.state}
        )
    said = command.phase or result.get("phase")
    if isinstance(said, str) and said.casefold() != stage.name.casefold():
        raise Refused(
            f"It is the turn of {stage.name.upper()}, not of {one_line(said.upper(), 40)}.",
            hint="Ask for the status, and complete the phase that it names.",
            data={"state": page.state, "phase": stage.name.upper()},
        )
    if state.phase is Phase.REVIEWING:
        raise Refused(
            f"{stage.label} waits for a person's review.",
            hint="Approve it or ask for a revision.",
            data={"state": page.state},
        )
    return page, stage


def _result(raw: str) -> Mapping[str, Any]:
    if len(raw) > RESULT_LIMIT:
        raise BadInput(
            f"The phase's result is longer than {RESULT_LIMIT:,} characters.", hint="Send less with each phase."
        )
    try:
        value = json.loads(raw or "{}")
    except (ValueError, RecursionError) as error:
        raise BadInput("The phase's result is not JSON.", hint="Send an object.") from error
    if not isinstance(value, dict):
        raise BadInput("The phase's result must be a JSON object.", hint="Send {} when there is nothing to say.")
    return value


_PARTS = {
    OutputKind.PLAN: (("tasks",), "approach"),
    OutputKind.REVIEW: (("verdict", "findings"), "summary"),
    OutputKind.RELEASE: (("changelog", "bump"), "summary"),
}


def _text(stage: Stage, response: str, result: Mapping[str, Any]) -> tuple[str, str | None]:
    """The response as a stage's text; a structured result (tasks, findings, a changelog) counts before its words."""
    if not response.strip():
        raise BadInput(f"The response for {stage.name.upper()} is empty.", hint="Send what the role made.")
    named, words = _PARTS.get(stage.output, ((), ""))
    if any(name in result for name in named):
        raw = json.dumps({words: response, **result}, ensure_ascii=False)
        reply = read_reply(stage, raw, FinishReason.COMPLETE)
        if not reply.outcome.approvable:
            raise BadInput(f"The result for {stage.name.upper()} cannot be used: {one_line(reply.text, 300)}")
        return reply.text, reply.data
    return structured(stage, response)


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
    project.needs_app()
    settings = project.settings.app

    def find(tx: Tx) -> tuple[str, str]:
        page = find_page(project, tx, command.page) if command.page else None
        newest = versions.newest(tx)
        return (page.id if page else ""), (newest.id if newest else "")

    page_id, version = await project.store.read(find)
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
