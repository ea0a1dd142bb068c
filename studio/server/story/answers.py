"""What the Story API tells: status, history, context, outline, findings and costs, made from the engine's views."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import msgspec

from studio.domain import dialogue
from studio.domain.errors import BadInput, NotFound
from studio.domain.text import counted
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.server.asked import Asked, NoParameters
from studio.server.story import shapes as s
from studio.server.story.acts import DIALOGUE, NARRATION, find_page

S = TypeVar("S", bound=s.Shape)

_UNSOUND = {
    "cut_off": "The text was cut off at the output limit.",
    "unproven": "The stream ended without the provider's word that it was complete.",
    "empty": "The text is empty.",
    "refused": "The model declined.",
    "filtered": "The provider's content filter stopped the text.",
    "unparsed": "The reply could not be read as dialogue and is kept as it came.",
    "stopped": "This is a partial text that was stopped.",
    "interrupted": "This is a partial text that was interrupted.",
}


def shaped(view: v.View, shape: type[S]) -> S:
    """The fields of a view that the shape has."""
    return msgspec.convert(view, shape, from_attributes=True)


async def status(asked: Asked) -> s.Status:
    asked.parameters(NoParameters)
    page = await find_page(asked)
    stages = {cell.name: _stage(cell) for cell in page.cells}
    here = stages.get(page.stage or "")
    return s.Status(
        state=page.state,
        message=_words(page),
        page_id=page.id,
        chapter_id=page.chapter,
        number=page.number,
        title=page.title,
        stage=page.stage,
        version=here.version if here else None,
        narration=stages[NARRATION].text if NARRATION in stages else None,
        dialogue=stages[DIALOGUE].text if DIALOGUE in stages else None,
        data=s.StatusData(
            brief=page.brief.text if page.brief else None,
            stages=tuple(stages.values()),
            cost_usd=page.cost_usd,
            updated_at=page.updated_at,
        ),
    )


def _stage(cell: v.StageCell) -> s.StageShape:
    head = cell.head
    return s.StageShape(
        stage=cell.name,
        label=cell.label,
        status=cell.status,
        version=head.number if head else None,
        revision_id=head.id if head else None,
        text=head.text if head else None,
        lines=_lines(head) if head and head.data else None,
        outcome=head.outcome if head else None,
        author=head.author if head else None,
        approved=cell.approved is not None,
        revisions=cell.revisions,
        live=shaped(cell.live, s.LiveShape) if cell.live else None,
        partial=shaped(cell.partial, s.PartialShape) if cell.partial else None,
    )


def _lines(head: v.RevisionView) -> tuple[s.SpokenLine, ...] | None:
    try:
        found = dialogue.parse(head.data or "")
    except BadInput:
        return None
    return tuple(s.SpokenLine(speaker=one.speaker, text=one.text, kind=one.kind.value) for one in found)


def _words(page: v.PageView) -> str:
    cell = next((one for one in page.cells if one.name == page.stage), None)
    if cell is None:
        return "The page awaits its brief." if page.phase == "awaiting" else "Every stage of the page is approved."
    name = cell.label.lower()
    if cell.live is not None:
        return f"The {name} is being drafted."
    match page.phase:
        case "user_reviewing":
            return f"The {name} waits for a review."
        case "failed":
            reason = cell.partial.error if cell.partial else ""
            return f"The draft of the {name} failed. {reason}".strip()
        case "interrupted":
            return f"The draft of the {name} was interrupted; its text so far is kept."
        case _:
            return f"The {name} is awaited."


async def history(asked: Asked) -> s.History:
    asked.parameters(NoParameters)
    page = await find_page(asked)
    found = await asked.client.query(q.GetHistory(page=page.id))
    return s.History(
        state=page.state,
        message=f"{len(found.revisions)} revisions, {len(found.feedback)} pieces of feedback.",
        page_id=page.id,
        revisions=tuple(shaped(one, s.RevisionShape) for one in found.revisions),
        feedback=tuple(shaped(one, s.FeedbackShape) for one in found.feedback),
        data=s.HistoryData(runs=tuple(shaped(one, s.RunShape) for one in found.runs)),
    )


async def context(asked: Asked) -> s.Context:
    wanted = asked.parameters(s.PreviewOf)
    page = await find_page(asked)
    found = await asked.client.query(
        q.GetContext(page=page.id, stage=wanted.stage, model=wanted.model, feedback=wanted.feedback)
    )
    return s.Context(
        state=page.state,
        message=found.line,
        page_id=page.id,
        stage=found.stage,
        messages=tuple(shaped(one, s.MessageShape) for one in found.messages),
        ledger=tuple(shaped(one, s.LedgerShape) for one in found.ledger),
        tokens=found.tokens,
        data=shaped(found, s.ContextData),
    )


async def chapters(asked: Asked) -> s.Chapters:
    asked.parameters(NoParameters)
    book = await asked.client.query(q.GetProject())
    approved = sum(chapter.approved for chapter in book.chapters)
    total = sum(chapter.total for chapter in book.chapters)
    state = "empty" if not total else "approved" if approved == total else "in_progress"
    return s.Chapters(
        state=state,
        message=f"{approved} of {total} pages are approved.",
        chapters=tuple(map(_chapter, book.chapters)),
        data=s.BookData(seq=book.seq, workflow=book.workflow, stages=tuple(stage.name for stage in book.stages)),
    )


def _chapter(chapter: v.ChapterLine) -> s.ChapterShape:
    done = sum(page.stages_done for page in chapter.pages if not page.archived)
    stages = sum(page.stages_total for page in chapter.pages if not page.archived)
    return s.ChapterShape(
        chapter_id=chapter.id,
        number=chapter.number,
        slug=chapter.slug,
        title=chapter.title,
        pages=chapter.total,
        approved=chapter.approved,
        progress=round(done / stages, 4) if stages else 0.0,
    )


async def chapter_pages(asked: Asked) -> s.Pages:
    asked.parameters(NoParameters)
    wanted = asked.path("id")
    book = await asked.client.query(q.GetProject())
    chapter = next((one for one in book.chapters if wanted in (one.id, one.slug, str(one.number))), None)
    if chapter is None:
        raise NotFound("There is no such chapter.", hint="GET /api/orchestrator/chapters lists them.")
    return s.Pages(
        state="approved" if chapter.total and chapter.approved == chapter.total else "in_progress",
        message=f"{chapter.approved} of {chapter.total} pages are approved.",
        chapter_id=chapter.id,
        pages=tuple(map(_page, chapter.pages)),
        data=_chapter(chapter),
    )


def _page(page: v.PageLine) -> s.PageShape:
    return s.PageShape(
        page_id=page.id,
        number=page.number,
        slug=page.slug,
        title=page.title,
        state=page.state,
        stage=page.stage,
        generating=page.live is not None,
        stages_done=page.stages_done,
        stages_total=page.stages_total,
    )


async def findings(asked: Asked) -> s.Findings:
    """No reviewer looks at pages here; what the program itself knows about how the texts ended is told, and named as that."""
    asked.parameters(NoParameters)
    page = await find_page(asked)
    found = tuple(_findings(page))
    return s.Findings(
        state=page.state,
        message=f"No reviewer has looked at this page. The program itself noticed: {len(found) or 'nothing'}.",
        page_id=page.id,
        findings=found,
        data=s.FindingsData(reviewed=False),
    )


def _findings(page: v.PageView) -> Iterator[s.Finding]:
    for cell in page.cells:
        if cell.head is not None and cell.head.outcome in _UNSOUND:
            yield s.Finding(
                stage=cell.name,
                severity="warning",
                message=_UNSOUND[cell.head.outcome],
                suggestion="Revise or edit it; to approve it all the same, send anyway.",
                source="program",
                revision_id=cell.head.id,
                run_id=cell.head.run,
            )
        if cell.status in ("failed", "interrupted") and cell.partial is not None:
            yield s.Finding(
                stage=cell.name,
                severity="error" if cell.status == "failed" else "warning",
                message=cell.partial.error or "The draft ended early; its text so far is kept.",
                suggestion=cell.partial.hint or "Draft it again, or hand in a text.",
                source="program",
                revision_id=None,
                run_id=cell.partial.run,
            )


async def page_costs(asked: Asked) -> s.Costs:
    asked.parameters(NoParameters)
    page = await find_page(asked)
    found = await asked.client.query(q.GetCosts(by="stage", page=page.id))
    return _costs(found, page.state, page.id)


async def book_costs(asked: Asked) -> s.Costs:
    wanted = asked.parameters(s.CostsBy)
    found = await asked.client.query(q.GetCosts(by=wanted.by))
    return _costs(found, "", None)


def _costs(found: v.CostsView, state: str, page: str | None) -> s.Costs:
    unknown = f", {found.total.unknown} of them without a known price" if found.total.unknown else ""
    return s.Costs(
        state=state,
        message=f"{counted(found.total.calls, 'call')}{unknown}: ${found.total.cost_usd:.4f}.",
        costs=tuple(shaped(row, s.CostShape) for row in found.rows),
        total=shaped(found.total, s.CostShape),
        data=s.CostsData(by=found.by),
        page_id=page,
    )
