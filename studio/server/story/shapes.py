"""What the Story API reads and answers: names in camelCase as agents send them. A body knows no state, so none can be set."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from studio.server.refusals import ErrorBody

Said = Annotated[str, Meta(min_length=1)]
Kind = Literal["speech", "thought", "caption", "sfx"]


class Body(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Base of what is sent."""


class StartPage(Body, frozen=True, kw_only=True):
    """`userInput` is the brief: what happens on the page."""

    chapter_id: Said
    user_input: Said
    title: str = ""
    model: str | None = None


class Narration(Body, frozen=True, kw_only=True):
    """`tokensUsed` is kept with the revision, by the agent's own account."""

    narration_text: Said
    agent_model: str | None = None
    tokens_used: Annotated[int, Meta(ge=0, le=1_000_000_000)] | None = None


class SpokenLine(Body, frozen=True, kw_only=True):
    speaker: Annotated[str, Meta(max_length=60)]
    text: Said
    kind: Kind = "speech"


class DialogueBody(Body, frozen=True, kw_only=True):
    """Either `dialogueText`, one `NAME (speech): text` a line or JSON, or `lines`."""

    dialogue_text: str | None = None
    lines: tuple[SpokenLine, ...] | None = None
    agent_model: str | None = None
    tokens_used: Annotated[int, Meta(ge=0, le=1_000_000_000)] | None = None


class Approval(Body, frozen=True, kw_only=True):
    """`revisionId` is what was looked at (default: the newest); `anyway` approves a text that is known to be incomplete."""

    revision_id: str | None = None
    anyway: bool = False


class Revision(Body, frozen=True, kw_only=True):
    """`quote` is a passage of the text that the feedback is about; `revisionId` what was looked at (default: the newest)."""

    feedback_text: Said
    quote: str | None = None
    revision_id: str | None = None
    model: str | None = None


class Restoring(Body, frozen=True, kw_only=True):
    """An earlier revision of the page, by its id or by stage and version."""

    revision_id: str | None = None
    stage: str | None = None
    version: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None


class NoBody(Body, frozen=True, kw_only=True):
    """Nothing is needed."""


class Drafting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`generate=false` leaves the drafting to an outside agent."""

    generate: bool = True


class CostsBy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    by: Literal["page", "chapter", "model", "day", "stage", "role", "task"] = "page"


class PreviewOf(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`feedback` previews a revision; `stage` defaults to where the page stands."""

    stage: str | None = None
    model: str | None = None
    feedback: str | None = None


class Shape(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of what is answered."""


class Answer(Shape, frozen=True, kw_only=True):
    """Base of the answers themselves. `message` is a sentence for a person."""

    success: bool = True
    state: str
    message: str


class WrittenData(Shape, frozen=True, kw_only=True):
    """`seq` is the journal sequence after it; `price` what the next draft costs; `draftError` why a wanted draft did not start."""

    seq: int
    price: str | None = None
    draft_error: ErrorBody | None = None


class Written(Answer, frozen=True, kw_only=True):
    """The answer to everything that changes a page. `version` is the number of the revision within its stage."""

    page_id: str
    data: WrittenData
    version: int | None = None
    revision_id: str | None = None
    feedback_id: str | None = None
    run_id: str | None = None


class LiveShape(Shape, frozen=True, kw_only=True):
    """A draft that is being written now: its text so far, seconds, US dollars."""

    id: str
    stage: str
    kind: str
    model: str
    text: str
    elapsed: float
    output_tokens: int
    cost_usd: float | None
    waiting: str


class PartialShape(Shape, frozen=True, kw_only=True):
    """What is kept of a draft that was stopped, interrupted or failed."""

    run: str
    stage: str
    text: str
    status: str
    error: str
    hint: str
    model: str


class StageShape(Shape, frozen=True, kw_only=True):
    """One stage of a page: its newest text. `lines` is set where the stage is dialogue that was read as lines."""

    stage: str
    label: str
    status: str
    version: int | None
    revision_id: str | None
    text: str | None
    lines: tuple[SpokenLine, ...] | None
    outcome: str | None
    author: str | None
    approved: bool
    revisions: int
    live: LiveShape | None
    partial: PartialShape | None


class StatusData(Shape, frozen=True, kw_only=True):
    brief: str | None
    stages: tuple[StageShape, ...]
    cost_usd: float
    updated_at: datetime


class Status(Answer, frozen=True, kw_only=True):
    """Where a page stands. `version` is that of the newest text of its stage."""

    page_id: str
    chapter_id: str
    number: int
    title: str
    stage: str | None
    version: int | None
    narration: str | None
    dialogue: str | None
    data: StatusData
    success: bool = True


class RevisionShape(Shape, frozen=True, kw_only=True):
    id: str
    stage: str
    number: int
    text: str
    origin: str
    author: str
    outcome: str
    created_at: datetime
    words: int
    model: str | None
    run: str | None
    parent: str | None
    feedback: str | None
    note: str
    approved: bool


class FeedbackShape(Shape, frozen=True, kw_only=True):
    id: str
    stage: str
    revision: str
    revision_number: int
    kind: str
    text: str
    quote: str | None
    author: str
    created_at: datetime
    used: bool
    resolved: bool


class RunShape(Shape, frozen=True, kw_only=True):
    id: str
    stage: str
    kind: str
    status: str
    model: str
    outcome: str | None
    partial: str
    revision: str | None
    error: str | None
    started_at: datetime
    ended_at: datetime | None
    cost_usd: float | None


class HistoryData(Shape, frozen=True, kw_only=True):
    runs: tuple[RunShape, ...]


class History(Answer, frozen=True, kw_only=True):
    """Newest first."""

    page_id: str
    revisions: tuple[RevisionShape, ...]
    feedback: tuple[FeedbackShape, ...]
    data: HistoryData
    success: bool = True


class MessageShape(Shape, frozen=True, kw_only=True):
    role: str
    text: str
    tokens: int


class LedgerShape(Shape, frozen=True, kw_only=True):
    """One piece of context: why it went in, or what kept it out."""

    kind: str
    name: str
    reason: str
    detail: str
    tokens: int
    included: bool
    left_out: str


class ContextData(Shape, frozen=True, kw_only=True):
    """Prices in US dollars, null when unknown."""

    model: str | None
    kind: str
    budget: int
    price_low: float | None
    price_high: float | None
    template: str
    prompt_digest: str


class Context(Answer, frozen=True, kw_only=True):
    """What an agent would be sent for the next draft."""

    page_id: str
    stage: str
    messages: tuple[MessageShape, ...]
    ledger: tuple[LedgerShape, ...]
    tokens: int
    data: ContextData
    success: bool = True


class PageShape(Shape, frozen=True, kw_only=True):
    page_id: str
    number: int
    slug: str
    title: str
    state: str
    stage: str | None
    generating: bool
    stages_done: int
    stages_total: int


class ChapterShape(Shape, frozen=True, kw_only=True):
    """`progress` runs from 0 to 1: stages that are approved among all stages of its pages."""

    chapter_id: str
    number: int
    slug: str
    title: str
    pages: int
    approved: int
    progress: float


class BookData(Shape, frozen=True, kw_only=True):
    seq: int
    workflow: str
    stages: tuple[str, ...]


class Chapters(Answer, frozen=True, kw_only=True):
    """`state` is the book's: `empty`, `in_progress` or `approved`."""

    chapters: tuple[ChapterShape, ...]
    data: BookData
    success: bool = True


class Pages(Answer, frozen=True, kw_only=True):
    chapter_id: str
    pages: tuple[PageShape, ...]
    data: ChapterShape
    success: bool = True


class Finding(Shape, frozen=True, kw_only=True):
    """`source` says who found it; `program` is the gateway's own look at how a text ended."""

    stage: str
    severity: Literal["warning", "error"]
    message: str
    suggestion: str
    source: str
    revision_id: str | None
    run_id: str | None


class FindingsData(Shape, frozen=True, kw_only=True):
    """`reviewed` says whether a reviewer has looked at the page."""

    reviewed: bool


class Findings(Answer, frozen=True, kw_only=True):
    page_id: str
    findings: tuple[Finding, ...]
    data: FindingsData
    success: bool = True


class CostShape(Shape, frozen=True, kw_only=True):
    """US dollars; `unknown` counts calls without a known price."""

    key: str
    calls: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost_usd: float
    unknown: int


class CostsData(Shape, frozen=True, kw_only=True):
    by: str


class Costs(Answer, frozen=True, kw_only=True):
    costs: tuple[CostShape, ...]
    total: CostShape
    data: CostsData
    page_id: str | None = None
