"""Chapters, pages, revisions, feedback and unsent drafts: the plain data of a book. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from studio.domain.run import Outcome
from studio.domain.text import counted

BRIEF = "brief"
"""The pseudo stage whose revisions are the page's briefs."""


class Origin(StrEnum):
    """Who made a revision."""

    AGENT = "agent"
    PERSON = "person"
    RESTORE = "restore"
    OUTSIDE = "outside"  # handed in by another program
    MIRROR = "mirror"  # a person's edit of the plain-text file under manuscript/
    SAMPLE = "sample"


@dataclass(frozen=True, slots=True)
class Chapter:
    id: str
    slug: str
    position: int
    title: str
    created_at: datetime
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """`state` is the public state name; `version` grows with each change of the page and guards decisions."""

    id: str
    chapter_id: str
    slug: str
    position: int
    title: str
    state: str
    version: int
    created_at: datetime
    updated_at: datetime
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Revision:
    """One immutable version of one stage of one page.

    `number` counts from 1 within the stage; `parent_id` is what it was made from; `data` is JSON for structured stages (dialogue
    lines) and `text` its readable form; `digest` is the SHA-256 of `text`.
    """

    id: str
    page_id: str
    stage: str
    number: int
    text: str
    digest: str
    origin: Origin
    author: str
    created_at: datetime
    outcome: Outcome = Outcome.COMPLETE
    data: str | None = None
    model: str | None = None
    run_id: str | None = None
    parent_id: str | None = None
    feedback_id: str | None = None
    note: str = ""


class FeedbackKind(StrEnum):
    REVISE = "revise"  # the request behind a revision
    NOTE = "note"  # a comment kept for the next revision


@dataclass(frozen=True, slots=True)
class Feedback:
    """`quote` is the exact passage it is about, if any; `used_by_run` is set once a run was given it, empty where no run is known of;
    `resolved` dismisses it by hand."""

    id: str
    page_id: str
    stage: str
    revision_id: str
    kind: FeedbackKind
    text: str
    author: str
    created_at: datetime
    quote: str | None = None
    used_by_run: str | None = None
    resolved: bool = False


def counts(kinds: Iterable[str], open_: bool = False) -> str:
    """`2 notes`, `2 open notes and 1 open request`: a note is kept for the next revision, a request is what one was asked for."""
    found = list(kinds)
    state = "open " if open_ else ""
    numbers = ((found.count(FeedbackKind.NOTE), "note"), (found.count(FeedbackKind.REVISE), "request"))
    return " and ".join(counted(number, state + what) for number, what in numbers if number)


@dataclass(frozen=True, slots=True)
class StageHead:
    """The newest and the approved revision of one stage of a page."""

    page_id: str
    stage: str
    revision_id: str | None
    approved_id: str | None


@dataclass(frozen=True, slots=True)
class Keepsake:
    """Words typed but not sent yet (a composer, an editor), kept per author and place."""

    author: str
    page_id: str
    place: str
    text: str
    base_revision: str | None
    updated_at: datetime
