"""Views: what queries answer. Ids, plain values and ready words; no rule of the engine is needed to show one."""

from __future__ import annotations

from datetime import datetime

from studio.protocol.tagged import View as View


class PageLine(View, frozen=True, kw_only=True):
    """A row of the outline. `number` counts unarchived pages in the chapter from 1; `live` is the running run's id; `outdated` are
    stages whose text was written for an earlier text of a stage before it."""

    id: str
    chapter: str
    number: int
    slug: str
    title: str
    state: str
    phase: str
    stage: str | None
    archived: bool = False
    live: str | None = None
    stages_done: int = 0
    stages_total: int = 0
    outdated: tuple[str, ...] = ()


class ChapterLine(View, frozen=True, kw_only=True):
    id: str
    number: int
    slug: str
    title: str
    pages: tuple[PageLine, ...]
    approved: int
    total: int


class SpendView(View, frozen=True, kw_only=True):
    """US dollars. `unknown` counts calls without a known price; a limit is None when not set."""

    run: float = 0.0
    day: float = 0.0
    project: float = 0.0
    run_limit: float | None = None
    day_limit: float | None = None
    project_limit: float | None = None
    unknown: int = 0


class StageLine(View, frozen=True, kw_only=True):
    name: str
    label: str
    role: str
    output: str


class Warning(View, frozen=True, kw_only=True):
    """Something the person should know and can mend: `kind` is canon, template, mirror, settings, trust or store."""

    kind: str
    message: str
    hint: str = ""
    path: str = ""
    line: int = 0


class ProjectView(View, frozen=True, kw_only=True):
    """The whole outline. `model` is what the next draft would use, None when nothing is set up (`model_hint` says what to do)."""

    title: str
    root: str
    workflow: str
    stages: tuple[StageLine, ...]
    labels: dict[str, str]
    chapters: tuple[ChapterLine, ...]
    model: str | None
    model_label: str
    model_hint: str
    spend: SpendView
    seq: int
    warnings: tuple[Warning, ...] = ()
    revisions_limit: int = 5
    author: str = ""


class RevisionView(View, frozen=True, kw_only=True):
    """`words` counts the text; `badge` is e.g. `local 1.5B - draft quality`; `outcome` other than `complete` needs a word."""

    id: str
    page: str
    stage: str
    number: int
    text: str
    data: str | None
    origin: str
    author: str
    outcome: str
    created_at: datetime
    words: int
    model: str | None = None
    badge: str = ""
    run: str | None = None
    parent: str | None = None
    feedback: str | None = None
    note: str = ""
    approved: bool = False


class FeedbackView(View, frozen=True, kw_only=True):
    """`used_by` is the run that was given it; `resolved` says that it was dismissed."""

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
    used_by: str | None = None

    @property
    def state(self) -> str:
        """In a word for people: `used`, `dismissed`, or `open`."""
        return "used" if self.used else "dismissed" if self.resolved else "open"


class LiveRun(View, frozen=True, kw_only=True):
    """A run in flight: its text so far (`text`), and figures for the head of the cell. Times in seconds, money in US dollars."""

    id: str
    page: str
    stage: str
    kind: str
    model: str
    status: str
    text: str
    elapsed: float
    output_tokens: int
    cost_usd: float | None = None
    waiting: str = ""


class PartialText(View, frozen=True, kw_only=True):
    """The kept text of the newest interrupted, stopped or failed run of a stage; `kind` is draft, revise or continue."""

    run: str
    stage: str
    text: str
    status: str
    error: str
    hint: str
    model: str
    kind: str = ""


class StageCell(View, frozen=True, kw_only=True):
    """One stage of a page. `head` is its newest revision; `status` is `empty`, `drafting`, `waiting`, `approved`, `failed`,
    `interrupted` or `later`; `outdated` are earlier stages whose approved text is another than `head` was written for."""

    name: str
    label: str
    output: str
    status: str
    head: RevisionView | None
    approved: str | None
    revisions: int
    model_revisions: int
    notes: tuple[FeedbackView, ...] = ()
    live: LiveRun | None = None
    partial: PartialText | None = None
    outdated: tuple[str, ...] = ()


class KeptWords(View, frozen=True, kw_only=True):
    place: str
    text: str
    base_revision: str | None
    updated_at: datetime


class PageView(View, frozen=True, kw_only=True):
    """`brief` is its newest revision. `cost_usd` sums all calls for the page; `mirror` is the file under the project."""

    id: str
    chapter: str
    chapter_number: int
    chapter_title: str
    number: int
    total: int
    slug: str
    title: str
    state: str
    phase: str
    stage: str | None
    version: int
    archived: bool
    brief: RevisionView | None
    cells: tuple[StageCell, ...]
    kept: tuple[KeptWords, ...]
    cost_usd: float
    cost_unknown: int
    updated_at: datetime
    previous: str | None
    next: str | None
    mirror: str = ""
    conflicts: tuple[str, ...] = ()


class MessageView(View, frozen=True, kw_only=True):
    role: str
    text: str
    tokens: int
    cache: bool


class LedgerView(View, frozen=True, kw_only=True):
    kind: str
    name: str
    reason: str
    detail: str
    tokens: int
    included: bool
    left_out: str
    digest: str
    path: str


class ContextView(View, frozen=True, kw_only=True):
    """What the next draft would send, without sending it. Prices in US dollars, None when unknown: of a short and a usual answer,
    and of the longest that is allowed, with all the thinking before it; `line` says it in words."""

    page: str
    stage: str
    kind: str
    model: str | None
    messages: tuple[MessageView, ...]
    ledger: tuple[LedgerView, ...]
    tokens: int
    budget: int
    output_tokens: int
    price_low: float | None
    price_high: float | None
    template: str
    template_digest: str
    prompt_digest: str
    line: str
    warnings: tuple[Warning, ...] = ()
    priced: bool = True
    price_usual: float | None = None


class ExecutionView(View, frozen=True, kw_only=True):
    """One model call; see `domain.run.Execution` for units."""

    id: str
    run: str
    page: str
    stage: str
    attempt: int
    provider: str
    model: str
    status: str
    started_at: datetime
    input_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    cost_source: str
    latency_ms: float
    first_token_ms: float | None
    finish_reason: str | None
    error: str | None


class RunView(View, frozen=True, kw_only=True):
    """`same_as` is the number of the revision that its own was made from, where both have the same text."""

    id: str
    page: str
    stage: str
    kind: str
    status: str
    model: str
    outcome: str | None
    partial: str
    revision: str | None
    error_code: str | None
    error: str | None
    hint: str
    started_at: datetime
    ended_at: datetime | None
    cost_usd: float | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    same_as: int | None = None


class HistoryView(View, frozen=True, kw_only=True):
    """Newest first. Runs without a revision (failed, stopped, discarded) are listed with their partial texts."""

    page: str
    revisions: tuple[RevisionView, ...]
    feedback: tuple[FeedbackView, ...]
    runs: tuple[RunView, ...]


class CostRow(View, frozen=True, kw_only=True):
    """`tasks` are those that the calls of a type of task were for."""

    key: str
    calls: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost_usd: float
    unknown: int
    tasks: int = 0


class CostsView(View, frozen=True, kw_only=True):
    by: str
    rows: tuple[CostRow, ...]
    total: CostRow
    executions: tuple[ExecutionView, ...] = ()


class SearchHit(View, frozen=True, kw_only=True):
    """`kind` is page or canon; `before`, `match`, `after` are one line around the hit; `line` counts from 1 in canon files."""

    kind: str
    title: str
    page: str | None
    stage: str
    path: str
    line: int
    before: str
    match: str
    after: str


class SearchView(View, frozen=True, kw_only=True):
    hits: tuple[SearchHit, ...]
    more: bool


class TemplateView(View, frozen=True, kw_only=True):
    """`source` is project or packaged; `error` is set while the last good version stands in for a broken file."""

    name: str
    path: str
    source: str
    digest: str
    description: str
    error: str = ""
    error_line: int = 0
    includes: tuple[str, ...] = ()


class TemplatesView(View, frozen=True, kw_only=True):
    templates: tuple[TemplateView, ...]


class TemplateText(View, frozen=True, kw_only=True):
    template: TemplateView
    text: str


class ModelLine(View, frozen=True, kw_only=True):
    """`key` says where the key comes from (a name, never a value) or is empty; prices in US dollars per million tokens."""

    ref: str
    provider: str
    label: str
    available: bool
    reason: str
    key: str
    input_price: float | None
    output_price: float | None
    context_tokens: int
    current_for: tuple[str, ...] = ()


class ProviderLine(View, frozen=True, kw_only=True):
    name: str
    base_url: str
    key: str
    ok: bool | None
    message: str
    models: int | None


class ModelsView(View, frozen=True, kw_only=True):
    current: str | None
    hint: str
    models: tuple[ModelLine, ...]
    providers: tuple[ProviderLine, ...]


class Check(View, frozen=True, kw_only=True):
    """One line of the doctor. `ok` None means not looked at."""

    name: str
    ok: bool | None
    message: str
    hint: str = ""


class DoctorView(View, frozen=True, kw_only=True):
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        return all(check.ok is not False for check in self.checks)


class ApprovedSection(View, frozen=True, kw_only=True):
    """`markdown` says that the text is Markdown, as in an application, and not prose."""

    stage: str
    label: str
    text: str
    markdown: bool = False


class BookPage(View, frozen=True, kw_only=True):
    chapter_number: int
    chapter_title: str
    number: int
    slug: str
    title: str
    sections: tuple[ApprovedSection, ...]


class BookView(View, frozen=True, kw_only=True):
    """Approved text in order, for exporters. Pages without any are counted in `skipped`."""

    title: str
    language: str
    pages: tuple[BookPage, ...]
    skipped: int


class PlaceView(View, frozen=True, kw_only=True):
    """Where an author was last; `page` is None when that is not known, or the page is gone."""

    page: str | None = None
    stage: str | None = None
    paragraph: int | None = None
    scroll: int = 0


class PresentPerson(View, frozen=True, kw_only=True):
    """One attached workbench. `id` tells two of one person apart; `view` only looks; `you` marks the asker's own."""

    id: str
    who: str
    page: str | None = None
    view: bool = False
    you: bool = False


class PresenceView(View, frozen=True, kw_only=True):
    people: tuple[PresentPerson, ...]
