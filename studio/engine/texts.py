"""Making revisions: a person's text, a delivered text, and the conflict that arises when two decide on the same revision."""

from __future__ import annotations

from studio.domain.errors import BadInput, Conflict, Refused
from studio.domain.ids import new_id
from studio.domain.page import BRIEF, Origin, Revision
from studio.domain.run import Outcome, Run, RunStatus
from studio.domain.text import digest
from studio.domain.workflow import OutputKind, Stage
from studio.engine.forms import FORMS
from studio.engine.replies import read_partial
from studio.store import pages, revisions, runs, sources, state
from studio.store.transaction import Tx


def conflict(seen: str | None, newest: str | None, theirs: str) -> Conflict:
    return Conflict(
        "The text has changed since you looked at it.",
        hint="Your words are kept. Look at the newest revision and decide again.",
        data={"expected": seen or "", "actual": newest or "", "theirs": theirs},
    )


def refuse_stale(seen: str | None, newest: Revision | None) -> None:
    """Raises Conflict when the sender decided on something that is no longer the newest revision; one who saw none says so with an
    empty `seen`."""
    if seen is not None and seen != (newest.id if newest else ""):
        raise conflict(seen, newest.id if newest else None, newest.text if newest else "")


def refuse_running(tx: Tx, page_id: str) -> None:
    """Raises Refused while a draft of the page runs or waits to run."""
    if runs.is_live(tx, page_id):
        raise Refused("A draft of this page is running.", hint="Stop it first; its text is kept.")


def same_as(revision: Revision | None, parent: Revision | None, output: OutputKind) -> int | None:
    """The number of the parent, where a new revision says the same. The log of work on files says nothing of the files."""
    if revision is None or parent is None or output is OutputKind.CODE or revision.digest != parent.digest:
        return None
    return parent.number


def add_revision(
    tx: Tx,
    page_id: str,
    stage: str,
    text: str,
    *,
    origin: Origin,
    parent: Revision | None,
    data: str | None = None,
    outcome: Outcome = Outcome.COMPLETE,
    model: str | None = None,
    run_id: str | None = None,
    feedback_id: str | None = None,
    note: str = "",
    author: str | None = None,
    head: bool = True,
) -> Revision:
    """Insert the next revision of a stage and make it the newest (unless `head` is False: kept beside it)."""
    revision = Revision(
        id=new_id(),
        page_id=page_id,
        stage=stage,
        number=revisions.next_number(tx, page_id, stage),
        text=text,
        digest=digest(text),
        origin=origin,
        author=author if author is not None else tx.actor,
        created_at=tx.now,
        outcome=outcome,
        data=data,
        model=model,
        run_id=run_id,
        parent_id=parent.id if parent else None,
        feedback_id=feedback_id,
        note=note,
    )
    revisions.insert(tx, revision)
    if stage != BRIEF:
        sources.record(tx, revision)
    if head:
        pages.set_head(tx, page_id, stage, revision.id)
    return revision


def add_person_revision(
    tx: Tx,
    page_id: str,
    stage: str,
    text: str,
    *,
    parent: Revision | None,
    data: str | None = None,
    origin: Origin = Origin.PERSON,
    note: str = "",
) -> Revision:
    return add_revision(tx, page_id, stage, text, origin=origin, parent=parent, data=data, note=note)


def add_partial_revision(tx: Tx, stage: Stage, run: Run, *, parent: Revision | None, note: str) -> Revision:
    """What stood there when `run` broke off, as a revision that says so."""
    kept = read_partial(stage, run.partial)
    outcome = Outcome.STOPPED if run.status is RunStatus.STOPPED else Outcome.INTERRUPTED
    return add_revision(
        tx, run.page_id, stage.name, kept.text, origin=Origin.AGENT, parent=parent, data=kept.data, outcome=outcome,
        model=run.model, run_id=run.id, note=note,
    )  # fmt: skip


def structured(stage: Stage, text: str) -> tuple[str, str | None]:
    """A person's text for a stage as (readable text, data). Raises BadInput when it cannot be read or used."""
    if not text.strip():
        raise BadInput(f"The {stage.label.lower()} is empty.", hint="Write something, or leave the text as it was.")
    form = FORMS.get(stage.output)
    if form is None:
        return text, None
    read = form.from_person(text)
    return read.text, read.data


def last_partial(tx: Tx, page_id: str, stage: str) -> Run | None:
    """The newest run of the stage that ended early; its partial text is what `resume` speaks of.

    The run that the page's state names goes before all others: times are those of a clock that may have been set back.
    """
    ended = (RunStatus.STOPPED, RunStatus.FAILED, RunStatus.INTERRUPTED)
    found = [run for run in runs.listing(tx, page_id) if run.stage == stage and run.status in ended]
    named = state.get(tx, page_id).run_id
    return next((run for run in found if run.id == named), found[0] if found else None)
