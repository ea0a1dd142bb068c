"""Commands of a review: comment, approve, reopen. Approving moves the page on and states what the next draft costs."""

from __future__ import annotations

from msgspec.structs import replace

from studio.domain.errors import BadInput, Conflict, Refused, StudioError
from studio.domain.page import Feedback, FeedbackKind, Page, Revision, counts
from studio.domain.run import Outcome
from studio.domain.text import clean
from studio.domain.workflow import Action, OutputKind, Phase, State, advance
from studio.engine.apps import verdicts
from studio.engine.feedback import add_feedback
from studio.engine.gates import has_later_text, refuse_decided
from studio.engine.handlers.drafts import start_automatically
from studio.engine.open_project import Call, OpenProject
from studio.engine.texts import refuse_running, refuse_stale
from studio.protocol import commands as c
from studio.protocol.events import FeedbackChanged
from studio.store import feedback, pages, revisions, sources
from studio.store.transaction import Tx

OUTCOME_WORDS = {
    Outcome.CUT_OFF: "was cut off at the output limit",
    Outcome.UNPROVEN: "ended without the provider's word that it was complete",
    Outcome.EMPTY: "is empty",
    Outcome.REFUSED: "is a refusal by the model",
    Outcome.FILTERED: "was stopped by the provider's content filter",
    Outcome.UNPARSED: "could not be read as dialogue and is kept as it came",
    Outcome.INCOMPLETE: "is incomplete: a task failed",
    Outcome.STOPPED: "is a partial text that was stopped",
    Outcome.INTERRUPTED: "is a partial text that was interrupted",
}


async def comment(project: OpenProject, command: c.Comment, call: Call) -> c.Done:
    text = clean(command.text).strip()
    if not text:
        raise BadInput("The comment is empty.", hint="Say what should change, or what should stay.")

    def work(tx: Tx) -> c.Done:
        revision = revisions.get(tx, command.revision)
        note = add_feedback(tx, revision, FeedbackKind.NOTE, text, command.quote)
        return c.Done(
            seq=0, message="Noted for the next revision.", page=revision.page_id, feedback=note.id, revision=revision.id
        )

    return await project.act(call, work)


async def edit_comment(project: OpenProject, command: c.EditComment, call: Call) -> c.Done:
    text = clean(command.text).strip()
    if not text:
        raise BadInput("The note is empty.", hint="To be rid of it, dismiss it; it stays in the history.")

    def work(tx: Tx) -> c.Done:
        note = _note(tx, command.feedback)
        if note.resolved:
            raise Refused("This note is dismissed.", hint="Take that back first.")
        if command.seen is not None and command.seen != note.text:
            raise Conflict(
                "This note was changed meanwhile.",
                hint="Look at it as it is now.",
                data={"expected": None, "actual": None, "theirs": note.text},
            )
        if text != note.text:
            feedback.reword(tx, note.id, text)
            tx.emit(FeedbackChanged(page=note.page_id, feedback=note.id, actor=tx.actor, what="edit", before=note.text))
        return c.Done(seq=0, message="Note changed.", page=note.page_id, feedback=note.id)

    return await project.act(call, work)


async def resolve_comment(project: OpenProject, command: c.ResolveComment, call: Call) -> c.Done:
    def work(tx: Tx) -> c.Done:
        note = _note(tx, command.feedback)
        if note.resolved != command.resolved:
            feedback.resolve(tx, note.id, command.resolved)
            what = "dismiss" if command.resolved else "reopen"
            tx.emit(FeedbackChanged(page=note.page_id, feedback=note.id, actor=tx.actor, what=what))
        message = "Note dismissed; it stays in the history." if command.resolved else "Note open again."
        return c.Done(seq=0, message=message, page=note.page_id, feedback=note.id)

    return await project.act(call, work)


def _note(tx: Tx, feedback_id: str) -> Feedback:
    """A note that is still for the next revision, or dismissed. Raises NotFound or Refused."""
    note = feedback.get(tx, feedback_id)
    if note.kind is not FeedbackKind.NOTE:
        raise Refused("This is what a revision was asked for, and no note.", hint="Ask for another revision.")
    if note.used_by_run is not None:
        raise Refused("A draft has been given this note; it stays as it was given.", hint="Write another note.")
    return note


def _still_open(project: OpenProject, tx: Tx, page: Page, stage: str, state: State) -> str:
    """`; 2 notes and 1 request stay open`: of the stage that is approved, and with the last one of all stages."""
    stages = [one.name for one in project.workflow.stages] if state.phase is Phase.APPROVED else [stage]
    kinds = [note.kind for one in stages for note in feedback.open_notes(tx, page.id, one)]
    return f"; {counts(kinds)} {'stays' if len(kinds) == 1 else 'stay'} open" if kinds else ""


async def approve(project: OpenProject, command: c.Approve, call: Call) -> c.Done:
    await _keep_files(project, command, call)

    def work(tx: Tx) -> c.Done:
        page = pages.resolve(tx, command.page, final_state=project.workflow.final_state)
        newest = _approvable(project, tx, page, command)
        if project.builds is not None:
            newest = project.builds.agreed(tx, page, newest)
        following = project.workflow.after(newest.stage)
        state = advance(
            project.workflow,
            project.state_of(page),
            Action.APPROVE,
            has_revision=True,
            next_has_revision=following is not None and has_later_text(project, tx, page.id, following),
        )
        pages.set_approved(tx, page.id, newest.stage, newest.id)
        sources.agree(tx, newest)
        if project.builds is not None:
            project.builds.approved(tx, page, newest)
        page = project.move_to(tx, page, state, "approve", stage=newest.stage, revision=newest.id)
        label = project.workflow.stage(newest.stage).label
        message = f"{label} approved{_still_open(project, tx, page, newest.stage, state)}."
        return c.Done(seq=0, message=message, page=page.id, revision=newest.id, state=page.state)

    done = await project.act(call, work)
    assert done.page is not None
    await project.manuscript.write_page(done.page)
    return await with_next_draft(project, done, call, command.draft)


async def _keep_files(project: OpenProject, command: c.Approve, call: Call) -> None:
    """What is approved with a text about files is what lies there: changes made by hand become a version first."""
    if project.builds is None:
        return

    def find(tx: Tx) -> Revision:
        page = pages.resolve(tx, command.page, final_state=project.workflow.final_state)
        return _approvable(project, tx, page, command)

    found = await project.store.read(find)
    if project.workflow.stage(found.stage).output is OutputKind.CODE:
        await project.app.keep_by_hand(found.page_id, call.actor)


def _approvable(project: OpenProject, tx: Tx, page: Page, command: c.Approve) -> Revision:
    state = project.state_of(page)
    newest = revisions.head(tx, page.id, state.stage) if state.stage else None
    refuse_decided(project, tx, page, command.revision)
    if newest is None or not (state.phase is Phase.REVIEWING or _failed_on(project, state)):
        refuse_running(tx, page.id)
        advance(project.workflow, state, Action.APPROVE)
        raise Refused("There is no revision to approve.", hint="Draft the page first.")
    refuse_stale(command.revision, newest)
    if project.builds is not None and not command.anyway:
        project.builds.refuse_undone(tx, newest)
    if not newest.outcome.approvable and not command.anyway:
        raise Refused(
            f"Revision {newest.number} {OUTCOME_WORDS[newest.outcome]}.",
            hint="Revise or edit it, or approve it all the same.",
            data={"anyway": True, "outcome": newest.outcome.value, "revision": newest.id},
        )
    if project.builds is not None and not command.anyway:
        verdicts.refuse_return(project.workflow, newest, of_all=True)
    return newest


def _failed_on(project: OpenProject, state: State) -> bool:
    """Whether a draft failed that was to follow the stage's text, which stands as it was. Files that were being written do not."""
    return state.phase is Phase.FAILED and project.workflow.stage(state.stage or "").output is not OutputKind.CODE


async def with_next_draft(project: OpenProject, done: c.Done, call: Call, draft: bool | None) -> c.Done:
    """Add the next draft's price to the answer, or start that draft where the command or `[workflow] auto_draft` says so."""
    page = await project.store.read(lambda tx: pages.get(tx, done.page or ""))
    state = project.state_of(page)
    if state.phase is not Phase.GENERATING:
        return done
    price = await project.desk.price_line(page.id)
    if not (project.settings.workflow.auto_draft if draft is None else draft):
        return replace(done, price=price)
    try:
        run = await start_automatically(project, page.id, call)
    except StudioError as error:  # what was decided before it stands
        return replace(done, price=price, message=f"{done.message} The next draft was not started: {error.message}")
    return replace(done, run=run, price=price)


async def reopen(project: OpenProject, command: c.Reopen, call: Call) -> c.Done:
    def work(tx: Tx) -> c.Done:
        page = pages.resolve(tx, command.page, final_state=project.workflow.final_state)
        refuse_running(tx, page.id)
        state = advance(project.workflow, project.state_of(page), Action.REOPEN)
        assert state.stage is not None
        pages.set_approved(tx, page.id, state.stage, None)
        page = project.move_to(tx, page, state, "reopen")
        label = project.workflow.stage(state.stage).label
        return c.Done(seq=0, message=f"{label} is open for review again.", page=page.id, state=page.state)

    done = await project.act(call, work)
    await project.manuscript.write_page(done.page or "")
    return done
