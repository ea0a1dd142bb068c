"""Commands on texts: a person's edit, restoring an earlier revision, and words typed but not sent."""

from __future__ import annotations

from studio.domain.errors import BadInput, Conflict, Refused
from studio.domain.page import BRIEF, Keepsake, Origin, Page, Revision
from studio.domain.run import Run
from studio.domain.text import clean, digest
from studio.domain.workflow import Action, OutputKind, Phase
from studio.engine.apps import planned
from studio.engine.gates import text_arrived
from studio.engine.handlers import board, book
from studio.engine.open_project import Call, OpenProject
from studio.engine.texts import (
    add_partial_revision,
    add_person_revision,
    add_revision,
    refuse_running,
    refuse_stale,
    structured,
)
from studio.engine.views.outline import outdated
from studio.engine.views.page import find_revision
from studio.protocol import commands as c
from studio.store import pages, revisions, runs, words
from studio.store.transaction import Tx


async def edit(project: OpenProject, command: c.Edit, call: Call) -> c.Done:
    """A person's text: never limited. On an approved stage the page stays approved and the new text is the approved one."""
    if command.stage == BRIEF:
        return await book.set_brief(
            project, c.SetBrief(page=command.page, text=command.text, revision=command.revision), call
        )
    stage = project.workflow.stage(command.stage)
    text, data = structured(stage, clean(command.text))

    def work(tx: Tx) -> c.Done:
        page = pages.resolve(tx, command.page, final_state=project.workflow.final_state)
        newest = revisions.head(tx, page.id, stage.name)
        refuse_stale(command.revision, newest)
        if newest is not None and newest.text == text and newest.outcome.approvable:
            return c.Done(seq=0, message="Nothing changed.", page=page.id, revision=newest.id, state=page.state)
        _refuse_closed(project, tx, page, stage.name)
        revision = add_person_revision(tx, page.id, stage.name, text, parent=newest, data=data, note=command.note)
        place = _place_of_approved(tx, page.id, stage.name)
        page, words = _taken(project, tx, page, revision, "edit")
        said = f"{stage.label} saved as revision {revision.number}{place}.{words}"
        said += _of_the_earlier_text(project, tx, page, stage.name)
        return c.Done(seq=0, message=said, page=page.id, revision=revision.id, state=page.state)

    done = await project.act(call, work)
    await project.manuscript.write_page(done.page or "")
    return done


def _of_the_earlier_text(project: OpenProject, tx: Tx, page: Page, stage: str) -> str:
    """Which texts of the page were written for the text of `stage` that an edit has just replaced."""
    old = outdated(project, tx, page.id).get(page.id, {})
    names = [project.workflow.stage(name).label.lower() for name, earlier in old.items() if stage in earlier]
    if not names:
        return ""
    return f" The {' and the '.join(names)} {'was' if len(names) == 1 else 'were'} written for the earlier text."


def _is_approved(tx: Tx, page_id: str, stage: str) -> bool:
    head = pages.heads(tx, page_id).get(stage)
    return head is not None and head.approved_id is not None


def _place_of_approved(tx: Tx, page_id: str, stage: str) -> str:
    """Of a text that is about to become the approved one of its stage: that it does, and which one was."""
    head = pages.heads(tx, page_id).get(stage)
    if head is None or head.approved_id is None:
        return ""
    return f", approved in the place of r{revisions.get(tx, head.approved_id).number}"


def _refuse_closed(project: OpenProject, tx: Tx, page: Page, stage: str) -> None:
    """An approved stage may be edited at any time, a later one not before its turn, and none under a running draft;
    a plan not while workers are at its tasks."""
    state = project.state_of(page)
    if state.stage != stage and not _is_approved(tx, page.id, stage):
        raise Refused(
            f"The {stage} of this page is not open: the page is in state {page.state}.",
            hint="Approve the stage before it first."
            if state.phase is not Phase.AWAITING
            else "Write the brief first.",
        )
    if state.stage == stage:
        refuse_running(tx, page.id)
    if project.workflow.stage(stage).output is OutputKind.PLAN and board.at_work(project, tx, page):
        raise Refused(board.AT_WORK, hint="Stop them first, or change the plan when they are done.")


def _taken(project: OpenProject, tx: Tx, page: Page, revision: Revision, what: str) -> tuple[Page, str]:
    """As `_take`; and of a plan, what its text means for the board: sentences with a space before them, or nothing."""
    plans = [stage.name for stage in project.workflow.stages if stage.output is OutputKind.PLAN]
    if project.builds is None or revision.stage not in plans:
        return _take(project, tx, page, revision, what), ""
    words = planned.not_carried(tx, revision)
    page = _take(project, tx, page, revision, what)
    found = (words, planned.board_stays(tx, revision))
    return page, "".join(f" {sentence}" for sentence in found if sentence)


def _take(project: OpenProject, tx: Tx, page: Page, revision: Revision, what: str) -> Page:
    """A person's text: on an approved stage it is the approved text from now on, else it awaits its review."""
    state = project.state_of(page)
    if _is_approved(tx, page.id, revision.stage):
        pages.set_approved(tx, page.id, revision.stage, revision.id)
    if state.stage != revision.stage:
        if project.builds is not None and revision.stage != BRIEF:
            project.builds.revision_made(tx, page, revision)
        return project.move_to(tx, page, state, what, stage=revision.stage, revision=revision.id)
    return text_arrived(project, tx, page, Action.EDIT, what, revision)


async def restore(project: OpenProject, command: c.Restore, call: Call) -> c.Done:
    def work(tx: Tx) -> c.Done:
        if run := _partial_run(tx, command.revision):
            return _restore_partial(project, tx, run, command.newest)
        old = find_revision(project, tx, command.revision)
        page = pages.get(tx, old.page_id)
        newest = revisions.head(tx, page.id, old.stage)
        refuse_stale(command.newest, newest)
        if newest is not None and newest.id == old.id:
            raise BadInput(f"Revision {old.number} is the newest already.", hint="Choose an earlier one.")
        if old.stage != BRIEF:
            _refuse_closed(project, tx, page, old.stage)
        revision = add_revision(
            tx, page.id, old.stage, old.text, origin=Origin.RESTORE, parent=old, data=old.data, outcome=old.outcome,
            model=old.model, note=f"restored from revision {old.number}",
        )  # fmt: skip
        place = _place_of_approved(tx, page.id, old.stage)
        page, words = _taken(project, tx, page, revision, "restore")
        said = f"Revision {old.number} restored as revision {revision.number}{place}.{words}"
        return c.Done(seq=0, message=said, page=page.id, revision=revision.id, state=page.state)

    done = await project.act(call, work)
    await project.manuscript.write_page(done.page or "")
    return done


def _partial_run(tx: Tx, ref: str) -> Run | None:
    """The ended run that `ref` names, when its text never became a revision: discarded, or drafted again."""
    run = None if "@" in ref else runs.find(tx, ref)
    return run if run is not None and run.revision_id is None and not run.status.live else None


def _restore_partial(project: OpenProject, tx: Tx, run: Run, seen: str | None) -> c.Done:
    """What a broken run left, as the newest revision. It never takes the place of an approved text: it is no whole one."""
    stage = project.workflow.stage(run.stage)
    page = pages.get(tx, run.page_id)
    if not run.partial.strip():
        raise Refused("That run left no text.", hint="Choose a revision, or a run that kept words.")
    newest = revisions.head(tx, page.id, stage.name)
    refuse_stale(seen, newest)
    if project.state_of(page).stage != stage.name and _is_approved(tx, page.id, stage.name):
        raise Refused(
            f"The {stage.label.lower()} of this page is approved, and this run's text broke off.",
            hint="Reopen the stage first, or copy from the run's text.",
        )
    _refuse_closed(project, tx, page, stage.name)
    revision = add_partial_revision(tx, stage, run, parent=newest, note="restored from a run that broke off")
    page = _take(project, tx, page, revision, "restore")
    return c.Done(
        seq=0, message=f"The run's text is now revision {revision.number}.", page=page.id, revision=revision.id,
        state=page.state,
    )  # fmt: skip


async def keep_words(project: OpenProject, command: c.KeepWords, call: Call) -> c.Done:
    """Nothing is trimmed: the words come back as they were typed. Raises Conflict for words that the sender has not seen."""

    def work(tx: Tx) -> c.Done:
        page = pages.resolve(tx, command.page, final_state=project.workflow.final_state)
        kept = Keepsake(
            author=tx.actor,
            page_id=page.id,
            place=command.place,
            text=clean(command.text),
            base_revision=command.base_revision,
            updated_at=tx.now,
        )
        _refuse_unseen(tx, kept, command.seen)
        words.keep(tx, kept)
        return c.Done(seq=0, page=page.id)

    return await project.act(call, work)


def _refuse_unseen(tx: Tx, kept: Keepsake, seen: str | None) -> None:
    """Words that another terminal of the same person kept meanwhile are not written over."""
    there = words.find(tx, kept.author, kept.page_id, kept.place)
    if seen is None or not there or there == kept.text or digest(there) == seen:
        return
    raise Conflict(
        "Another terminal of yours has kept other words here meanwhile.",
        hint="They stay; put yours elsewhere, or open them first.",
        data={"theirs": there},
    )
