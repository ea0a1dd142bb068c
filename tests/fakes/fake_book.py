"""`FakeBook`: the book of the fake engine in memory, and its answers to queries."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from studio.domain.errors import NotFound, Refused
from studio.domain.text import slugify
from studio.protocol import queries as q
from studio.protocol import views as v

STAGES = (("narration", "Narration", "prose"), ("dialogue", "Dialogue", "dialogue"))
MODEL = "fake:typewriter"


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class FakePage:
    id: str
    chapter: str
    title: str
    brief: v.RevisionView | None = None
    phase: str = "awaiting"
    stage: str | None = None
    archived: bool = False
    revisions: dict[str, list[v.RevisionView]] = field(default_factory=dict)
    approved: dict[str, str] = field(default_factory=dict)
    notes: list[v.FeedbackView] = field(default_factory=list)
    partial: v.PartialText | None = None
    live: v.LiveRun | None = None
    version: int = 1
    kept: dict[str, v.KeptWords] = field(default_factory=dict)


class FakeBook:
    """Chapters and pages, as queries see them."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.chapters: list[dict[str, str]] = []
        self.pages: list[FakePage] = []
        self.spend = v.SpendView(project=0.42, project_limit=5.0)
        self.context_line = "typewriter · 7.9k tokens in (4 canon, 2 pages, 1 left out) · about $0.01"
        self.context_price = 0.01
        self._seq = 0

    def _find(self, ref: str) -> FakePage:
        for page in self.pages:
            if page.id == ref:
                return page
        raise NotFound(f"There is no page {ref}.")

    def _get_project(self, query: q.GetProject) -> v.ProjectView:
        chapters = []
        for number, chapter in enumerate(self.chapters, start=1):
            lines, count = [], 0
            for page in self.pages:
                if page.chapter != chapter["id"] or (page.archived and not query.archived):
                    continue
                count += not page.archived
                lines.append(self._line(page, 0 if page.archived else count))
            done = sum(1 for line in lines if line.phase == "approved")
            chapters.append(
                v.ChapterLine(
                    id=chapter["id"], number=number, slug=slugify(chapter["title"]), title=chapter["title"], pages=tuple(lines),
                    approved=done, total=count,
                )
            )  # fmt: skip
        return v.ProjectView(
            title=self.title, root="/book", workflow="story", labels={}, chapters=tuple(chapters), model=MODEL, model_label="typewriter",
            model_hint="", spend=self.spend, seq=self._seq, author="you",
            stages=tuple(v.StageLine(name=name, label=label, role="writer", output=output) for name, label, output in STAGES),
        )  # fmt: skip

    def _line(self, page: FakePage, number: int) -> v.PageLine:
        return v.PageLine(
            id=page.id, chapter=page.chapter, number=number, slug=slugify(page.title), title=page.title, state=page.phase, phase=page.phase,
            stage=page.stage, archived=page.archived, live=page.live.id if page.live else None, stages_done=len(page.approved), stages_total=2,
        )  # fmt: skip

    def _get_page(self, query: q.GetPage) -> v.PageView:
        page = self._find(query.page)
        shown = [
            other
            for chapter in self.chapters
            for other in self.pages
            if other.chapter == chapter["id"] and not other.archived
        ]
        at = shown.index(page) if page in shown else -1
        siblings = [other for other in shown if other.chapter == page.chapter]
        number, chapter = next((n, ch) for n, ch in enumerate(self.chapters, start=1) if ch["id"] == page.chapter)
        return v.PageView(
            id=page.id, chapter=page.chapter, chapter_number=number, chapter_title=chapter["title"],
            number=siblings.index(page) + 1 if page in siblings else 0, total=len(siblings), slug=slugify(page.title), title=page.title,
            state=page.phase, phase=page.phase, stage=page.stage, version=page.version, archived=page.archived, brief=page.brief,
            cells=tuple(self._cell(page, *stage) for stage in STAGES), kept=tuple(page.kept.values()), cost_usd=0.03, cost_unknown=0,
            updated_at=now(), previous=shown[at - 1].id if at > 0 else None, next=shown[at + 1].id if -1 < at < len(shown) - 1 else None,
        )  # fmt: skip

    def _cell(self, page: FakePage, name: str, label: str, output: str) -> v.StageCell:
        revisions = page.revisions.get(name, [])
        status = "later"
        if name in page.approved:
            status = "approved"
        elif page.stage == name:
            status = {"user_reviewing": "waiting", "generating": "empty"}.get(page.phase, page.phase)
            status = "drafting" if page.live else status
        elif page.stage is None and name == STAGES[0][0]:
            status = "empty"
        return v.StageCell(
            name=name, label=label, output=output, status=status, head=revisions[-1] if revisions else None,
            approved=page.approved.get(name), revisions=len(revisions), model_revisions=len(revisions),
            notes=tuple(note for note in page.notes if note.stage == name),
            live=page.live if page.live and page.live.stage == name else None,
            partial=page.partial if page.partial and page.partial.stage == name else None,
        )  # fmt: skip

    def _get_revision(self, query: q.GetRevision) -> v.RevisionView:
        for page in self.pages:
            for revisions in page.revisions.values():
                for revision in revisions:
                    if revision.id == query.revision:
                        return revision
        raise NotFound(f"There is no revision {query.revision}.")

    def _get_history(self, query: q.GetHistory) -> v.HistoryView:
        page = self._find(query.page)
        found = [revision for revisions in page.revisions.values() for revision in revisions]
        return v.HistoryView(page=page.id, revisions=tuple(reversed(found)), feedback=tuple(page.notes), runs=())

    def _get_context(self, query: q.GetContext) -> v.ContextView:
        page = self._find(query.page)
        if page.stage is None:
            raise Refused("The page has no brief yet.", hint="Write it first.")
        rows = [
            ("style guide", "always", "", 320), ("Ilse Vane", "named", "", 410), ("Teodor Caul", "named", "", 380),
            ("water rings", "alias", "", 260), ("pages 1/1-2/2", "prior", "", 5200), ("House Caul", "named", "budget", 900),
        ]  # fmt: skip
        ledger = tuple(
            v.LedgerView(
                kind="canon",
                name=name,
                reason=why,
                detail="",
                tokens=size,
                included=not out,
                left_out=out,
                digest="",
                path="",
            )
            for name, why, out, size in rows
        )
        return v.ContextView(
            page=page.id, stage=page.stage, kind="continue" if query.goes_on else "revise" if query.feedback else "draft", model=MODEL,
            messages=(), ledger=ledger, tokens=7900, budget=24000,
            output_tokens=600, price_low=self.context_price, price_high=self.context_price, template="story/narration", template_digest="",
            prompt_digest="", line=self.context_line,
        )  # fmt: skip

    def _get_costs(self, query: q.GetCosts) -> v.CostsView:
        total = v.CostRow(
            key="total", calls=2, input_tokens=9000, cached_tokens=7200, output_tokens=600, cost_usd=0.03, unknown=0
        )
        return v.CostsView(by=query.by, rows=(), total=total)

    def _get_models(self, query: q.GetModels) -> v.ModelsView:
        line = v.ModelLine(
            ref=MODEL, provider="fake", label="typewriter", available=True, reason="", key="", input_price=1.0, output_price=2.0,
            context_tokens=32000, current_for=("default",),
        )  # fmt: skip
        return v.ModelsView(current=MODEL, hint="", models=(line,), providers=())
