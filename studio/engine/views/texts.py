"""Views over many pages: search, costs, and the approved book for exporters."""

from __future__ import annotations

import re

from studio.domain.errors import BadInput
from studio.domain.text import one_line
from studio.engine.open_project import OpenProject
from studio.engine.views.rows import execution_view
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.store import chapters, executions, pages, revisions, runs
from studio.store import search as found_in
from studio.store.transaction import Tx

_AROUND = 60


async def search(project: OpenProject, query: q.Search, actor: str) -> v.SearchView:
    wanted = query.text.strip()
    if not wanted:
        raise BadInput("The search is empty.", hint="Give a word or a phrase.")
    hits: list[v.SearchHit] = []
    if query.scope in ("all", "pages"):
        hits += await project.store.read(lambda tx: found_in.pages(tx, wanted, query.limit + 1))
    if query.scope in ("all", "canon"):
        hits += _canon_hits(project, wanted)
    return v.SearchView(hits=tuple(hits[: query.limit]), more=len(hits) > query.limit)


def _canon_hits(project: OpenProject, wanted: str) -> list[v.SearchHit]:
    pattern = re.compile(re.escape(wanted), re.IGNORECASE)
    return [
        v.SearchHit(
            kind="canon",
            title=document.name,
            page=None,
            stage="",
            path=document.path,
            line=number,
            before=before,
            match=match,
            after=after,
        )
        for document in project.canon.documents
        for number, before, match, after in _lines(pattern, document.body)
    ]


def _lines(pattern: re.Pattern[str], text: str) -> list[tuple[int, str, str, str]]:
    found: list[tuple[int, str, str, str]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        for match in pattern.finditer(line):
            before = line[max(0, match.start() - _AROUND) : match.start()]
            found.append((number, before, match.group(), line[match.end() : match.end() + _AROUND]))
    return found


async def get_costs(project: OpenProject, query: q.GetCosts, actor: str) -> v.CostsView:
    def read(tx: Tx) -> v.CostsView:
        page = pages.resolve(tx, query.page, final_state=project.workflow.final_state).id if query.page else None
        rows = tuple(executions.costs(tx, query.by, page=page))
        calls: tuple[v.ExecutionView, ...] = ()
        if query.executions:
            calls = tuple(execution_view(call, runs.get(tx, call.run_id)) for call in executions.listing(tx, page=page))
        return v.CostsView(by=query.by, rows=rows, total=_total(rows), executions=calls)

    return await project.store.read(read)


def _total(rows: tuple[v.CostRow, ...]) -> v.CostRow:
    return v.CostRow(
        key="total",
        calls=sum(row.calls for row in rows),
        input_tokens=sum(row.input_tokens for row in rows),
        cached_tokens=sum(row.cached_tokens for row in rows),
        output_tokens=sum(row.output_tokens for row in rows),
        cost_usd=sum(row.cost_usd for row in rows),
        unknown=sum(row.unknown for row in rows),
        tasks=sum(row.tasks for row in rows),
    )


async def get_book(project: OpenProject, query: q.GetBook, actor: str) -> v.BookView:
    def read(tx: Tx) -> v.BookView:
        only = chapters.resolve(tx, query.chapter).id if query.chapter else None
        sections: dict[str, dict[str, str]] = {}
        for page_id, stage, revision in revisions.approved_sections(tx, only):
            sections.setdefault(page_id, {})[stage] = revision.text
        found: list[v.BookPage] = []
        skipped = 0
        for chapter_number, chapter in enumerate(chapters.listing(tx), start=1):
            if only is not None and chapter.id != only:
                continue
            for number, page in enumerate(pages.listing(tx, chapter.id), start=1):
                if page.id not in sections:
                    skipped += 1
                    continue
                found.append(
                    v.BookPage(
                        chapter_number=chapter_number,
                        chapter_title=chapter.title,
                        number=number,
                        slug=page.slug,
                        title=page.title,
                        sections=_sections(project, sections[page.id]),
                    )
                )
        return v.BookView(
            title=project.settings.project.title or one_line(project.root.name),
            language=project.settings.project.language,
            pages=tuple(found),
            skipped=skipped,
        )

    return await project.store.read(read)


def _sections(project: OpenProject, texts: dict[str, str]) -> tuple[v.ApprovedSection, ...]:
    return tuple(
        v.ApprovedSection(
            stage=stage.name, label=stage.label, text=texts[stage.name], markdown=project.builds is not None
        )
        for stage in project.workflow.stages
        if stage.name in texts
    )
