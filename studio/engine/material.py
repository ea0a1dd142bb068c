"""What a prompt is made from, gathered from the store in one read: brief, earlier pages, stages, draft, feedback, pins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from studio.domain.page import BRIEF, Chapter, Feedback, Page, Revision
from studio.domain.run import RunKind
from studio.domain.workflow import Stage, Workflow
from studio.store import canon, chapters, feedback, pages, revisions
from studio.store.transaction import Tx


@dataclass(frozen=True, slots=True)
class PriorPage:
    """An earlier page with the approved text of its stages, in the workflow's order."""

    page: Page
    chapter_number: int
    number: int
    brief: str
    sections: tuple[tuple[Stage, Revision], ...]


@dataclass(frozen=True, slots=True)
class Material:
    page: Page
    chapter: Chapter
    chapter_number: int
    number: int
    stage: Stage
    brief: Revision | None
    priors: tuple[PriorPage, ...]
    earlier: tuple[tuple[Stage, Revision], ...]
    head: Revision | None
    notes: tuple[Feedback, ...]
    pins: dict[str, str] = field(default_factory=dict)


def gather(tx: Tx, workflow: Workflow, page_id: str, stage: Stage, kind: RunKind, feedback_id: str | None) -> Material:
    """Everything about `page_id` that a draft of `stage` may use; notes only where a text is revised."""
    page = pages.get(tx, page_id)
    order = chapters.listing(tx)
    numbers = {chapter.id: number for number, chapter in enumerate(order, start=1)}
    chapter = next((one for one in order if one.id == page.chapter_id), None) or chapters.get(tx, page.chapter_id)
    book = pages.listing(tx)
    siblings = [one.id for one in book if one.chapter_id == chapter.id]
    heads = revisions.heads(tx, page.id)
    approved = revisions.approved(tx, page.id)
    earlier = tuple(
        (one, approved[one.name]) for one in workflow.stages[: workflow.index(stage.name)] if one.name in approved
    )
    return Material(
        page=page,
        chapter=chapter,
        chapter_number=numbers.get(chapter.id, 0),
        number=siblings.index(page.id) + 1 if page.id in siblings else 0,
        stage=stage,
        brief=heads.get(BRIEF),
        priors=_priors(tx, workflow, page, book, numbers),
        earlier=earlier,
        head=heads.get(stage.name),
        notes=_notes(tx, page.id, stage, kind, feedback_id),
        pins=canon.pins(tx, page.id),
    )


def _notes(tx: Tx, page_id: str, stage: Stage, kind: RunKind, feedback_id: str | None) -> tuple[Feedback, ...]:
    if kind is RunKind.DRAFT:
        return ()
    notes = feedback.open_notes(tx, page_id, stage.name)
    if feedback_id is not None and all(note.id != feedback_id for note in notes):
        notes = [*notes, feedback.get(tx, feedback_id)]
    # The request itself comes last: where notes disagree, the later one counts.
    return tuple(sorted(notes, key=lambda note: (note.id == feedback_id, note.created_at)))


def _priors(
    tx: Tx, workflow: Workflow, page: Page, book: Sequence[Page], numbers: dict[str, int]
) -> tuple[PriorPage, ...]:
    """Pages before `page` in the book that have approved text."""
    before = [one.id for one in takewhile(lambda one: one.id != page.id, book)]
    if not before:
        return ()
    approved: dict[str, dict[str, Revision]] = {}
    for page_id, stage, revision in revisions.approved_sections(tx, pages=before):
        approved.setdefault(page_id, {})[stage] = revision
    briefs = revisions.head_texts(tx, BRIEF, list(approved))
    found: list[PriorPage] = []
    counted: dict[str, int] = {}
    for one in book:
        counted[one.chapter_id] = counted.get(one.chapter_id, 0) + 1
        if one.id == page.id:
            break
        if one.id not in approved:
            continue
        texts = approved[one.id]
        found.append(
            PriorPage(
                page=one,
                chapter_number=numbers.get(one.chapter_id, 0),
                number=counted[one.chapter_id],
                brief=briefs.get(one.id, ""),
                sections=tuple((stage, texts[stage.name]) for stage in workflow.stages if stage.name in texts),
            )
        )
    return tuple(found)
