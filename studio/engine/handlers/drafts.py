"""Commands that start, stop and settle drafts. The draft itself is `engine.drafting`; this is what is decided around it."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import takewhile

from studio.domain.build import AppVersion, undone
from studio.domain.errors import BadInput, Conflict, Refused
from studio.domain.ids import new_id
from studio.domain.job import Job, job_key
from studio.domain.page import FeedbackKind, Origin, Page, Revision
from studio.domain.run import Run, RunKind, RunStatus
from studio.domain.text import clean, listed, one_line
from studio.domain.workflow import Action, OutputKind, Phase, Stage, State, advance
from studio.engine.apps import taking_back
from studio.engine.feedback import add_feedback
from studio.engine.gates import refuse_decided, text_arrived
from studio.engine.limits import check_revisions
from studio.engine.open_project import Call, OpenProject
from studio.engine.texts import (
    add_partial_revision,
    add_revision,
    last_partial,
    refuse_running,
    refuse_stale,
    structured,
)
from studio.protocol import commands as c
from studio.protocol.events import RunStarted
from studio.store import build_tasks, feedback, pages, revisions, runs, versions
from studio.store.transaction import Tx

DRAFT_JOB = "draft"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A draft that is asked for: what `_start` needs beside the page."""

    kind: RunKind
    action: Action
    model: str | None = None
    feedback: str = ""
    quote: str | None = None
    seen: str | None = None
    stage: str | None = None
    continue_run: str | None = None
    feedback_id: str | None = None
    goes_on: bool = False
    """It goes on with what broke off: refused once that is settled otherwise."""


async def generate(project: OpenProject, command: c.Generate, call: Call) -> c.Done:
    wanted = Wanted(RunKind.DRAFT, Action.DRAFT_AGAIN, model=command.model, seen=command.revision, stage=command.stage)
    return await _start(project, command.page, wanted, call)


async def revise(project: OpenProject, command: c.Revise, call: Call) -> c.Done:
    text = clean(command.feedback).strip()
    wanted = Wanted(RunKind.REVISE, Action.REVISE, command.model, text, command.quote, command.revision)
    if not command.generate:
        return await _await_outside(project, command.page, wanted, call)
    return await _start(project, command.page, wanted, call)


async def _await_outside(project: OpenProject, ref: str, wanted: Wanted, call: Call) -> c.Done:
    """The feedback is kept and the page awaits a revision that somebody else writes; no run, no price, no limit."""

    def work(tx: Tx) -> c.Done:
        page = _undecided(project, tx, _page(project, tx, ref), wanted.seen)
        state = project.state_of(page)
        head = revisions.head(tx, page.id, state.stage) if state.stage else None
        following = advance(project.workflow, state, wanted.action, has_revision=head is not None)
        assert state.stage is not None
        refuse_stale(wanted.seen, head)
        refuse_running(tx, page.id)
        note = _revision_request(tx, page.id, state.stage, head, wanted)
        page = project.move_to(tx, page, following, wanted.action.value)
        return c.Done(
            seq=0, message="A revision from outside is awaited.", page=page.id, feedback=note, state=page.state
        )

    return await project.act(call, work)


async def start_automatically(project: OpenProject, page_id: str, call: Call) -> str | None:
    """The next draft after an approval, where the project wants it; returns the run's id."""
    done = await _start(project, page_id, Wanted(RunKind.DRAFT, Action.DRAFT_AGAIN), Call(call.actor))
    return done.run


async def _start(project: OpenProject, ref: str, wanted: Wanted, call: Call) -> c.Done:
    page = await project.store.read(lambda tx: _undecided(project, tx, _page(project, tx, ref), wanted.seen))
    state = project.state_of(page)
    if wanted.stage is not None and wanted.stage != state.stage:
        raise _moved_on(page)
    if state.stage is None:
        advance(project.workflow, state, wanted.action)
        raise Refused("There is nothing to draft.")
    plan = await project.desk.plan(page.id, wanted.kind, model=wanted.model, feedback=wanted.feedback or None)
    await project.desk.check_budget(plan)
    stage, model = state.stage, str(plan.model)

    def work(tx: Tx) -> c.Done:
        now = _undecided(project, tx, _unmoved(project, tx, page), wanted.seen)
        if wanted.goes_on:
            _unsettled(project, now)
        head = revisions.head(tx, page.id, stage)
        refuse_stale(wanted.seen, head)
        refuse_running(tx, page.id)
        following = advance(project.workflow, project.state_of(now), wanted.action, has_revision=head is not None)
        if wanted.action is Action.DRAFT_AGAIN and wanted.seen is None:
            _refuse_all_again(project, tx, now)
        check_revisions(project, tx, page.id, stage, wanted.kind)
        note = wanted.feedback_id
        if wanted.kind is RunKind.REVISE and note is None:
            note = _revision_request(tx, page.id, stage, head, wanted)
        run = _new_run(tx, page.id, stage, wanted, head, model, note, call.request or new_id())
        runs.insert(tx, run)
        project.scheduler.submit(Job(run.job_key, DRAFT_JOB, {"run": run.id}), tx)
        project.move_to(tx, now, following, wanted.action.value, run=run.id)
        tx.emit(RunStarted(run=run.id, page=page.id, stage=stage, kind=run.kind.value, model=model))
        state_name = project.workflow.state_name(following)
        return c.Done(
            seq=0, message=plan.line, page=page.id, run=run.id, state=state_name, price=plan.price, feedback=note
        )

    # Not between the files that a discard puts back and what it writes about them.
    alone = project.app.versioning if project.workflow.stage(stage).output is OutputKind.CODE else nullcontext()
    async with alone:
        done = await project.act(call, work)
    project.scheduler.wake()
    return done


def _page(project: OpenProject, tx: Tx, ref: str) -> Page:
    return pages.resolve(tx, ref, final_state=project.workflow.final_state)


def _undecided(project: OpenProject, tx: Tx, page: Page, seen: str | None) -> Page:
    """The page, unless what the sender saw was approved meanwhile: a draft of the stage after it is not what was asked for."""
    refuse_decided(project, tx, page, seen)
    return page


def _unmoved(project: OpenProject, tx: Tx, page: Page) -> Page:
    """The page as it is now, if it still stands at the stage that was decided on outside of this transaction."""
    now = pages.get(tx, page.id)
    if project.state_of(now).stage != project.state_of(page).stage:
        raise _moved_on(now)
    return now


def _moved_on(page: Page) -> Conflict:
    return Conflict(
        f"The page has moved on meanwhile: it is in state {page.state}.", hint="Look at it and decide again."
    )


def _refuse_all_again(project: OpenProject, tx: Tx, page: Page) -> None:
    """Raises Refused for files that wait for a review with every task done, unless the sender saw them and was told."""
    state = project.state_of(page)
    if state.phase is not Phase.REVIEWING or project.workflow.stage(state.stage or "").output is not OutputKind.CODE:
        return
    tasks = build_tasks.listing(tx, page.id)
    if tasks and not undone(tasks):
        raise Refused(
            "Every task is done, and the files wait for your review: all tasks would be done again.",
            hint="Approve the files, or ask for changes: studio revise.",
            data={"state": page.state},
        )


def _revision_request(tx: Tx, page_id: str, stage: str, head: Revision | None, wanted: Wanted) -> str | None:
    if head is None:
        raise Refused("There is no draft to revise.", hint="Draft the page first.")
    if wanted.feedback:
        return add_feedback(tx, head, FeedbackKind.REVISE, wanted.feedback, wanted.quote).id
    if not feedback.open_notes(tx, page_id, stage):
        raise BadInput("A revision needs feedback.", hint="Say what should change, or comment on a passage first.")
    return None


def _new_run(
    tx: Tx, page_id: str, stage: str, wanted: Wanted, head: Revision | None, model: str, note: str | None, request: str
) -> Run:
    base = head.id if head else None
    carried = runs.get(tx, wanted.continue_run).partial if wanted.continue_run else ""
    return Run(
        id=new_id(),
        page_id=page_id,
        stage=stage,
        kind=wanted.kind,
        job_key=job_key(wanted.kind.value, page_id, stage, base, request),
        status=RunStatus.QUEUED,
        model=model,
        started_at=tx.now,
        base_revision=base,
        feedback_id=note,
        partial=carried,
    )


async def stop(project: OpenProject, command: c.Stop, call: Call) -> c.Done:
    live = await _to_stop(project, command)
    if not live:
        raise Refused("No draft is running.", hint="Nothing to stop.")
    for run in live:
        project.stopping.add(run.id)
        await project.scheduler.cancel(run.job_key)
        await project.desk.settle_unbegun(run)
    page_id = live[-1].page_id
    page = await project.store.read(lambda tx: pages.get(tx, page_id))
    if len(live) == 1:
        words = f"Stopped; {project.workflow.output_of(live[0].stage).kept_so_far}."
    else:
        words = f"{len(live)} drafts stopped; what they wrote is kept."
    return c.Done(seq=0, message=words, page=page.id, run=live[-1].id, state=page.state)


async def _to_stop(project: OpenProject, command: c.Stop) -> list[Run]:
    def find(tx: Tx) -> list[Run]:
        found = runs.live(tx)
        if command.run:
            return [run for run in found if run.id == command.run]
        if command.page:
            page = _page(project, tx, command.page)
            return [run for run in found if run.page_id == page.id]
        return found

    return await project.store.read(find)


async def resume(project: OpenProject, command: c.Resume, call: Call) -> c.Done:
    page = await project.store.read(lambda tx: _unsettled(project, _page(project, tx, command.page)))
    state = project.state_of(page)
    stage = state.stage or ""
    last = await project.store.read(lambda tx: last_partial(tx, page.id, stage))
    if command.run is not None and (last is None or last.id != command.run):
        raise _moved_on(page)
    if command.action == "continue":
        return await _start(project, page.id, _repeated(last, command.model), call)
    keep = command.action == "keep"
    done = await (_keep(project, page, state, last, call) if keep else _discard(project, page, state, call))
    await project.manuscript.write_page(page.id)
    return done


def _unsettled(project: OpenProject, page: Page) -> Page:
    """The page, if its last draft failed or was interrupted. Raises Refused."""
    if project.state_of(page).phase not in (Phase.FAILED, Phase.INTERRUPTED):
        raise Refused(f"The page is in state {page.state}; nothing was interrupted.", hint="See `studio status`.")
    return page


def _still_unsettled(project: OpenProject, tx: Tx, page: Page) -> Page:
    """As `_unsettled`, in the transaction that acts on it: somebody else may have decided meanwhile."""
    return _unsettled(project, _unmoved(project, tx, page))


def _repeated(last: Run | None, model: str | None) -> Wanted:
    """Go on from the partial text where there is one; else the same request again, with the same feedback."""
    if last is None:
        return Wanted(RunKind.DRAFT, Action.DRAFT_AGAIN, model=model, goes_on=True)
    if last.partial.strip():
        return Wanted(
            RunKind.CONTINUE,
            Action.DRAFT_AGAIN,
            model,
            continue_run=last.id,
            feedback_id=last.feedback_id,
            goes_on=True,
        )
    kind = RunKind.REVISE if last.feedback_id else RunKind.DRAFT
    return Wanted(kind, Action.DRAFT_AGAIN, model=model, feedback_id=last.feedback_id, goes_on=True)


async def _keep(project: OpenProject, page: Page, state: State, last: Run | None, call: Call) -> c.Done:
    if last is None or not last.partial.strip() or state.stage is None:
        raise Refused("There is no partial text to keep.", hint="Ask for the draft again, or write it yourself.")
    stage = project.workflow.stage(state.stage)
    if stage.output is OutputKind.CODE:
        raise Refused(
            "What broke off here is a run's log, not a text; the files it wrote are there.",
            hint="Continue it: only the tasks that are left are done.",
        )

    def work(tx: Tx) -> c.Done:
        now = _still_unsettled(project, tx, page)
        parent = revisions.head(tx, page.id, stage.name)
        revision = add_partial_revision(tx, stage, last, parent=parent, note="kept partial text")
        if last.feedback_id is not None:
            feedback.mark_used(tx, [last.feedback_id], last.id)
        now = text_arrived(project, tx, now, Action.EDIT, "keep", revision)
        return c.Done(
            seq=0, message="The partial text is now a revision.", page=page.id, revision=revision.id, state=now.state
        )

    return await project.act(call, work)


async def _discard(project: OpenProject, page: Page, state: State, call: Call) -> c.Done:
    stage = project.workflow.stage(state.stage) if state.stage else None
    newest = await project.store.read(versions.newest)

    def settle(tx: Tx, taken: taking_back.TakenBack | None) -> c.Done:
        now = _still_unsettled(project, tx, page)
        has_revision = state.stage is not None and revisions.head(tx, page.id, state.stage) is not None
        following = advance(project.workflow, project.state_of(now), Action.DISCARD, has_revision=has_revision)
        now = project.move_to(tx, now, following, "discard")
        words = (
            f"Discarded.{taken.words}{_saved_first(tx, newest)}"
            if taken
            else "Discarded; the partial text stays in the history."
        )
        version = taken.version.id if taken and taken.version else None
        return c.Done(seq=0, message=words, page=page.id, state=now.state, version=version)

    if stage is None or stage.output is not OutputKind.CODE:
        return await project.act(call, lambda tx: settle(tx, None))
    return await taking_back.take_back(
        project, page.id, call, settle, refuse=lambda tx: _still_unsettled(project, tx, page)
    )


def _saved_first(tx: Tx, newest: AppVersion | None) -> str:
    """That what a person had changed became a version before the files went back; `newest` is the one before all of it."""
    since = takewhile(lambda one: newest is None or one.id != newest.id, versions.listing(tx))
    saved = next((one for one in since if one.origin == "person"), None)
    if saved is None:
        return ""
    paths = listed([one_line(change.path, 120) for change in versions.changes(tx, saved.id)])
    return f" What was changed by hand became version {saved.number} first: {paths}."


async def deliver(project: OpenProject, command: c.Deliver, call: Call) -> c.Done:
    """A text from outside. A live run of the stage is stopped first and keeps its partial; a text that is refused stops nothing."""
    stage = project.workflow.stage(command.stage)
    text, data = structured(stage, clean(command.text))
    page = await project.store.read(lambda tx: _awaiting(project, tx, _page(project, tx, command.page), stage))
    stopped = await _make_way(project, page, call)

    def work(tx: Tx) -> c.Done:
        now = pages.get(tx, page.id)
        if stopped and project.state_of(now) == State(Phase.REVIEWING, stage.name):
            # A revision that was queued and not begun leaves its page under review again.
            now = project.move_to(tx, now, State(Phase.GENERATING, stage.name), Action.REVISE.value)
        _awaiting(project, tx, now, stage)
        revision = add_revision(
            tx, page.id, stage.name, text, origin=Origin.OUTSIDE, data=data,
            parent=revisions.head(tx, page.id, stage.name), model=one_line(command.model or "") or None,
            author=one_line(command.agent) or call.actor,
            note="" if command.tokens_used is None else f"{command.tokens_used} tokens used, by its own account",
        )  # fmt: skip
        for note in feedback.open_notes(tx, page.id, stage.name):
            if note.kind is FeedbackKind.REVISE:  # what was asked of the agent outside, and is answered by its text
                feedback.mark_used(tx, [note.id], "")
        now = text_arrived(project, tx, now, Action.DRAFT_READY, "draft_ready", revision)
        return c.Done(seq=0, message=f"{stage.label} received.", page=page.id, revision=revision.id, state=now.state)

    done = await project.act(call, work)
    await project.manuscript.write_page(page.id)
    return done


async def _make_way(project: OpenProject, page: Page, call: Call) -> bool:
    """Stop what runs or waits to run for a page. Whether there was anything."""
    live = await project.store.read(lambda tx: [run for run in runs.live(tx) if run.page_id == page.id])
    for run in live:
        await stop(project, c.Stop(run=run.id), Call(call.actor))
    await asyncio.sleep(0)
    return bool(live)


def _awaiting(project: OpenProject, tx: Tx, page: Page, stage: Stage) -> Page:
    """The page, if it awaits a text of this stage. Raises Refused."""
    state = project.state_of(page)
    if state.stage != stage.name:
        raise Refused(
            f"No {stage.label.lower()} is awaited: the page is in state {page.state}.", data={"state": page.state}
        )
    advance(project.workflow, state, Action.DRAFT_READY)
    return page
