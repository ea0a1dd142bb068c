"""What a prompt is made from, gathered from the store in one read: brief, earlier pages, stages, draft, feedback, pins."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from studio.domain.page import BRIEF, Chapter, Feedback, Page, Revision
from studio.domain.run import RunKind
from studio.domain.workflow import OutputKind, Stage, Workflow
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


def gather(
    tx: Tx, workflow: Workflow, page_id: str, stage: Stage, kind: RunKind, feedback_id: str | None, *, most: int
) -> Material:
    """Everything about `page_id` that a draft of `stage` may use; notes only where a text is revised, `most` earlier pages."""
    page = pages.get(tx, page_id)
    order = chapters.listing(tx)
    numbers = {chapter.id: number for number, chapter in enumerate(order, start=1)}
    chapter = next((one for one in order if one.id == page.chapter_id), None) or chapters.get(tx, page.chapter_id)
    book = pages.order(tx)
    siblings = [one for one, owner in book if owner == chapter.id]
    heads = pages.heads(tx, page.id)
    before = [one for one in workflow.stages[: workflow.index(stage.name)] if one.name in heads]
    newest = {name: heads[name].revision_id for name in (BRIEF, stage.name) if name in heads}
    approved = {one.name: heads[one.name].approved_id for one in before}
    texts = revisions.some(tx, [one for one in (*newest.values(), *approved.values()) if one])
    return Material(
        page=page,
        chapter=chapter,
        chapter_number=numbers.get(chapter.id, 0),
        number=siblings.index(page.id) + 1 if page.id in siblings else 0,
        stage=stage,
        brief=texts.get(newest.get(BRIEF) or ""),
        priors=_priors(tx, workflow, page.id, book, numbers, most),
        earlier=tuple((one, texts[found]) for one in before if (found := approved[one.name])),
        head=texts.get(newest.get(stage.name) or ""),
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
    tx: Tx, workflow: Workflow, page_id: str, book: Sequence[tuple[str, str]], numbers: Mapping[str, int], most: int
) -> tuple[PriorPage, ...]:
    """Of the pages before `page_id` in the book that have approved text, the last ones."""
    approved = revisions.approved_ids(tx)
    counted: Counter[str] = Counter()
    places: dict[str, int] = {}
    for one, chapter in takewhile(lambda entry: entry[0] != page_id, book):
        counted[chapter] += 1
        if one in approved:
            places[one] = counted[chapter]
    kept = list(places)[_first_prior(len(places), most) :]
    shown = [one for one in workflow.stages if not _is_working_paper(workflow, one)]
    ids = {(one, stage.name): approved[one].get(stage.name, "") for one in kept for stage in shown}
    texts = revisions.some(tx, [one for one in ids.values() if one])
    found, briefs = pages.some(tx, kept), revisions.head_texts(tx, BRIEF, kept) if kept else {}
    return tuple(
        PriorPage(
            page=found[one],
            chapter_number=numbers.get(found[one].chapter_id, 0),
            number=places[one],
            brief=briefs.get(one, ""),
            sections=tuple((stage, texts[ids[one, stage.name]]) for stage in shown if ids[one, stage.name]),
        )
        for one in kept
    )


def _is_working_paper(workflow: Workflow, stage: Stage) -> bool:
    """Of an earlier change only its release notes matter to later ones; the files say the rest."""
    return workflow.writes_files and stage.output is not OutputKind.RELEASE


def _first_prior(count: int, most: int) -> int:
    """Where the earlier pages begin when there are more than `most`: they go in blocks, down to 60%, so that the start of the
    prompt stays the same for many pages."""
    if count <= most:
        return 0
    if most <= 0:
        return count
    block = max(1, round(most * 0.4))
    return math.ceil((count - most) / block) * block
