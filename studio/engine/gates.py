"""What a new text does to its page: the state that follows, and the approval where the stage's gate asks nobody."""

from __future__ import annotations

from studio.domain.errors import Conflict
from studio.domain.page import BRIEF, Page, Revision
from studio.domain.workflow import Action, Gate, Phase, Stage, State, advance
from studio.engine.open_project import OpenProject
from studio.store import pages, revisions
from studio.store.transaction import Tx


def text_arrived(
    project: OpenProject,
    tx: Tx,
    page: Page,
    action: Action,
    what: str,
    revision: Revision,
    *,
    run: str | None = None,
    passing: bool = False,
) -> Page:
    """Move the page on after `revision` became the head of its stage; `passing` as in `OpenProject.move_to`.

    A stage without a review is approved by its text, unless that is incomplete: then a person decides after all.
    """
    stage = project.workflow.stage(revision.stage)
    state = project.state_of(page)
    following = project.workflow.after(stage.name)
    builds = project.builds
    if builds is not None:
        builds.revision_made(tx, page, revision)
    passes = stage.gate is not Gate.REVIEW
    if builds is not None and passes and state.stage == stage.name and revision.outcome.approvable:
        revision = builds.agreed(tx, page, revision)
    later = passes and following is not None and has_later_text(project, tx, page.id, following)
    next_state = advance(project.workflow, state, action, next_has_revision=later)
    unasked = passes and next_state != state and state.stage == stage.name
    if unasked and builds is not None and builds.wants_return(tx, page, revision):
        page = project.move_to(tx, page, State(Phase.REVIEWING, stage.name), what, revision=revision.id, run=run)
        return builds.send_back(tx, page, revision, "")
    if unasked and revision.outcome.approvable:
        pages.set_approved(tx, page.id, stage.name, revision.id)
        if builds is not None:
            builds.approved(tx, page, revision)
    elif unasked:
        next_state = State(Phase.REVIEWING, stage.name)
    return project.move_to(tx, page, next_state, what, stage=stage.name, revision=revision.id, run=run, passing=passing)


def has_later_text(project: OpenProject, tx: Tx, page_id: str, following: Stage) -> bool:
    """Whether the stage after an approved one has a text from before a reopening that can be reviewed at once."""
    if project.builds is not None:
        return project.builds.later_text(tx, page_id, following)
    return revisions.head(tx, page_id, following.name) is not None


def refuse_decided(project: OpenProject, tx: Tx, page: Page, seen: str | None) -> None:
    """Raises Conflict, with the stage as `approved`, when the stage of the revision that the sender saw was approved meanwhile:
    the page has moved on from it."""
    if not seen:
        return
    revision = revisions.get(tx, seen)
    if revision.stage == BRIEF or project.state_of(page) == State(Phase.REVIEWING, revision.stage):
        return
    head = pages.heads(tx, page.id).get(revision.stage)
    newest = revisions.head(tx, page.id, revision.stage)
    if revision.page_id != page.id or newest is None or head is None or head.approved_id is None:
        return
    raise Conflict(
        f"{project.workflow.stage(revision.stage).label} was approved meanwhile.",
        hint="Look at the page as it is now.",
        data={"expected": seen, "actual": newest.id, "theirs": newest.text, "approved": revision.stage},
    )
