"""Commands of a review: comment, approve, reopen. Approving moves the page on and states what the next draft costs."""

from __future__ import annotations

from msgspec.structs import replace

from studio.domain.errors import BadInput, Refused
from studio.domain.page import FeedbackKind, Page, Revision
from studio.domain.run import Outcome
from studio.domain.text import clean
from studio.domain.workflow import Action, OutputKind, Phase, State, advance
from studio.engine.feedback import add_feedback
from studio.engine.gates import has_later_text, refuse_decided
from studio.engine.handlers.drafts import start_automatically
from studio.engine.open_project import Call, OpenProject
from studio.engine.texts import refuse_running, refuse_stale
from studio.protocol import commands as c
from studio.protocol.events import FeedbackChanged
from studio.store import feedback, pages, revisions
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


async def resolve_comment(project: OpenProject, command: c.ResolveComment, call: Call) -> c.Done:
    def work(tx: Tx) -> c.Done:
        note = feedback.get(tx, command.feedback)
        feedback.resolve(tx, note.id, command.resolved)
        tx.emit(FeedbackChanged(page=note.page_id, feedback=note.id, actor=tx.actor))
        message = "Note closed." if command.resolved else "Note open again."
        return c.Done(seq=0, message=message, page=note.page_id, feedback=note.id)

    return await project.act(call, work)


async def approve(project: OpenProject, command: c.Approve, call: Call) -> c.Done:
    def work(tx: Tx) -> c.Done:
        page = pages.resolve(tx, command.page, final_state=project.workflow.final_state)
        newest = _approvable(project, tx, page, command)
        following = project.workflow.after(newest.stage)
        state = advance(
            project.workflow,
            project.state_of(page),
            Action.APPROVE,
            has_revision=True,
            next_has_revision=following is not None and has_later_text(project, tx, page.id, following),
        )
        pages.set_approved(tx, page.id, newest.stage, newest.id)
        if project.builds is not None:
            project.builds.approved(tx, page, newest)
        page = project.move_to(tx, page, state, "approve", stage=newest.stage, revision=newest.id)
        label = project.workflow.stage(newest.stage).label
        return c.Done(seq=0, message=f"{label} approved.", page=page.id, revision=newest.id, state=page.state)

    done = await project.act(call, work)
    assert done.page is not None
    await project.manuscript.write_page(done.page)
    return await with_next_draft(project, done, call, command.draft)


def _approvable(project: OpenProject, tx: Tx, page: Page, command: c.Approve) -> Revision:
    state = project.state_of(page)
    newest = revisions.head(tx, page.id, state.stage) if state.stage else None
    refuse_decided(project, tx, page, command.revision)
    if newest is None or not (state.phase is Phase.REVIEWING or _failed_on(project, state)):
        advance(project.workflow, state, Action.APPROVE)
        raise Refused("There is no revision to approve.", hint="Draft the page first.")
    refuse_stale(command.revision, newest)
    if project.builds is not None and not command.anyway:
        project.builds.refuse_undone(tx, newest)
    if not newest.outcome.approvable and not command.anyway:
        raise Refused(
            f"Revision {newest.number} {OUTCOME_WORDS[newest.outcome]}.",
            hint="Revise or edit it; to approve it all the same, say so (--anyway, or press the key again).",
            data={"outcome": newest.outcome.value, "revision": newest.id},
        )
    if project.builds is not None and not command.anyway:
        project.builds.refuse_return_verdict(newest)
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
    if project.settings.workflow.auto_draft if draft is None else draft:
        run = await start_automatically(project, page.id, call)
        return replace(done, run=run, price=price)
    return replace(done, price=price)


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
