"""Rows for tests: a chapter, a page, a revision, a run, each with only what the test cares about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from studio.domain.ids import new_id
from studio.domain.page import Chapter, Feedback, FeedbackKind, Origin, Page, Revision
from studio.domain.run import Execution, Run, RunKind, RunStatus, Usage
from studio.domain.text import digest
from studio.store import chapters, pages, revisions
from studio.store.transaction import Tx

AT = datetime(2026, 11, 21, 9, 30, 0, 123456, UTC)


def later(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def chapter(slug: str = "the-tide", position: int = 1, title: str = "The Tide") -> Chapter:
    return Chapter(new_id(), slug, position, title, AT)


def page(of: Chapter, slug: str = "morning", position: int = 1, *, state: str = "awaiting_user_input") -> Page:
    return Page(new_id(), of.id, slug, position, slug.title(), state, 1, AT, AT)


def revision(
    of: Page, text: str = "Rain.", *, stage: str = "narration", number: int = 1, **changes: object
) -> Revision:
    made = Revision(new_id(), of.id, stage, number, text, digest(text), Origin.AGENT, "ana", later(number))
    return replace(made, **changes)  # type: ignore[arg-type]


def feedback(of: Revision, text: str = "Shorter.", kind: FeedbackKind = FeedbackKind.NOTE) -> Feedback:
    return Feedback(new_id(), of.page_id, of.stage, of.id, kind, text, "ana", AT, quote="Rain")


def run(of: Page, **changes: object) -> Run:
    key = f"draft:{of.id}:narration:-:{new_id()}"
    made = Run(new_id(), of.id, "narration", RunKind.DRAFT, key, RunStatus.QUEUED, "openai:gpt-6", AT)
    return replace(made, **changes)  # type: ignore[arg-type]


def execution(of: Run, **changes: object) -> Execution:
    usage = Usage(1000, 800, 100, 250, 30, None, False, {"prompt_tokens": 1000, "details": {"cached": 800}})
    made = Execution(new_id(), of.id, 1, "narrator", "openai", "gpt-6", AT, "completed", usage=usage, cost_usd=0.25)
    return replace(made, **changes)  # type: ignore[arg-type]


def small_book(tx: Tx) -> dict[str, Page]:
    """Two chapters: tide (morning, noon), ebb (noon, night); each page by `chapter/page`."""
    found: dict[str, Page] = {}
    for number, (name, slugs) in enumerate((("tide", ("morning", "noon")), ("ebb", ("noon", "night"))), 1):
        of = chapter(name, number, f"The {name.title()}")
        chapters.insert(tx, of)
        for position, slug in enumerate(slugs, 1):
            found[f"{name}/{slug}"] = page(of, slug, position)
            pages.insert(tx, found[f"{name}/{slug}"])
    return found


def add_text(tx: Tx, of: Page, text: str, *, stage: str = "narration", approved: bool = False) -> Revision:
    """A new head of the stage, approved if so said."""
    made = revision(of, text, stage=stage, number=revisions.next_number(tx, of.id, stage))
    revisions.insert(tx, made)
    pages.set_head(tx, of.id, stage, made.id)
    if approved:
        pages.set_approved(tx, of.id, stage, made.id)
    return made
