"""A phase that an agent outside completes: its answer becomes a text, its files a version, and the change goes on, in one act."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

from studio.domain.build import Build
from studio.domain.errors import BadInput, Refused
from studio.domain.page import Origin, Page, Revision
from studio.domain.run import Outcome
from studio.domain.text import clean, one_line
from studio.domain.workflow import Action, OutputKind, Phase, Stage, State, advance
from studio.engine.apps import outside, progress, repeats, verdicts
from studio.engine.gates import text_arrived
from studio.engine.open_project import Call, OpenProject
from studio.engine.replies import read_reply
from studio.engine.texts import add_revision, refuse_running, structured
from studio.engine.views.builds import find_page, phase_of
from studio.protocol import build_commands as b
from studio.protocol.commands import Done
from studio.providers.base import FinishReason
from studio.store import builds, conversations, pages, revisions
from studio.store.transaction import Tx

RESULT_LIMIT = 2_000_000
"""Characters of a phase's result: files written by an outside agent come in it."""


@dataclass(frozen=True, slots=True)
class _Arrival:
    """An answer, and where its change stood when it came. `call` names the request by its words where the sender gave it no name."""

    command: b.CompletePhase
    call: Call
    result: Mapping[str, Any]
    page: Page
    stage: Stage


async def complete_phase(project: OpenProject, command: b.CompletePhase, call: Call) -> Done:
    """Deliver and approve in one act: both or neither. Files of a writing stage are written first, as a version."""
    result, room = _result(command.result), project.app
    free, before = not room.handing_in.locked(), room.hand_ins

    def read(tx: Tx) -> Done | tuple[_Arrival, Build | None]:
        page = find_page(project, tx, command.page)
        named = replace(call, request=_name(project, tx, page, command)) if command.once else call
        if command.once and (done := project.recalled(tx, named)) is not None:
            return done
        stage = _turn(project, tx, page, command, result)
        return _Arrival(command, named, result, page, stage), builds.get(tx, page.id)

    found = await project.store.read(read)
    if isinstance(found, Done):
        return found
    arrival, known = found
    build = known or await project.builds_open.ensure_build(arrival.page.id)

    def again(tx: Tx) -> Done | None:
        if (done := project.recalled(tx, arrival.call)) is None:
            _now(project, tx, arrival)
        return done

    # One at a time: of two answers for the same phase the second is refused before it has written a file.
    async with room.handing_in:
        alone = free and room.hand_ins == before
        room.hand_ins += 1
        again_asked = not alone and arrival.stage.output is OutputKind.CODE
        if again_asked and (done := await project.store.read(again)) is not None:
            return done
        return await _complete(project, arrival, build)


def _name(project: OpenProject, tx: Tx, page: Page, command: b.CompletePhase) -> str:
    return repeats.key(command, page, phase_of(project.workflow, project.state_of(page)), builds.handoffs(tx, page.id))


def _now(project: OpenProject, tx: Tx, arrival: _Arrival) -> Page:
    """The page as it is now. Raises Refused when the change is no longer at the state that the answer came for."""
    page = pages.get(tx, arrival.page.id)
    stage = _turn(project, tx, page, arrival.command, arrival.result)
    if page.state != arrival.page.state:
        raise Refused(
            f"Another answer came first: the build went from {arrival.page.state} to {page.state} meanwhile.",
            hint="Ask for the status, and complete the phase that it names.",
            data={"state": page.state, "phase": stage.name.upper()},
        )
    return page


async def _complete(project: OpenProject, arrival: _Arrival, build: Build) -> Done:
    page, stage, result = arrival.page, arrival.stage, arrival.result
    if stage.output is not OutputKind.CODE and isinstance(result.get("files"), list):
        raise Refused(
            f"It is the turn of {stage.name.upper()}, which writes no files.",
            hint="Ask for the status, and complete the phase that it names.",
            data={"state": page.state, "phase": stage.name.upper()},
        )
    text, data = _text(stage, clean(arrival.command.response), result)
    agent = one_line(arrival.command.agent) or stage.role
    code = stage.output is OutputKind.CODE

    def work(tx: Tx, made: outside.HandIn) -> Done:
        now = _now(project, tx, arrival)
        made.record(tx)
        version = made.version
        written = json.dumps({"version": version.id, "number": version.number}) if version else data
        revision = add_revision(
            tx, now.id, stage.name, text, origin=Origin.OUTSIDE, data=written, parent=revisions.head(tx, now.id, stage.name),
            author=agent, outcome=Outcome.COMPLETE,
        )  # fmt: skip
        conversations.append(tx, now.id, stage.role, "assistant", text, data=json.dumps(result, ensure_ascii=False))
        if code:
            outside.settle_tasks(tx, now.id, agent)
        moved = _moved_on(project, tx, now, stage, revision)
        words = _outcome_words(project, moved, stage)
        return Done(seq=0, message=words, page=now.id, revision=revision.id, state=moved.state, stage=stage.name)

    files = outside.handed_in(project, build, stage, agent, result.get("files"), one_line(text, 400))
    async with files if code else nullcontext(outside.HandIn()) as made:
        done = await project.act(arrival.call, lambda tx: work(tx, made))
    project.manuscript.write_soon(page.id)
    return done


def _moved_on(project: OpenProject, tx: Tx, page: Page, stage: Stage, revision: Revision) -> Page:
    """The page after its text arrived and was judged."""
    moved = text_arrived(project, tx, page, Action.DRAFT_READY, "draft_ready", revision, passing=True)
    if project.state_of(moved) == State(Phase.REVIEWING, stage.name):
        moved = _judged(project, tx, moved, stage, revision)
    return project.stay(tx, moved) if moved.version == page.version else moved


def _judged(project: OpenProject, tx: Tx, page: Page, stage: Stage, revision: Revision) -> Page:
    """Approve what arrived, or follow a report that asks to send back; one that may not any more waits for a person."""
    opened = project.builds_open
    if opened.wants_return(tx, page, revision):
        return opened.send_back(tx, page, revision, "")
    try:
        verdicts.refuse_return(project.workflow, revision)
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


def _turn(project: OpenProject, tx: Tx, page: Page, command: b.CompletePhase, result: Mapping[str, Any]) -> Stage:
    """The stage whose turn it is. Raises Refused when the sender speaks of another."""
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
    return stage


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
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise BadInput(
            "The phase's result holds half a character (a lone surrogate), which cannot be kept.",
            hint="Send every half together with its other one.",
        ) from error
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
