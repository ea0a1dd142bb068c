"""The project's outline, spending and warnings in one view."""

from __future__ import annotations

from itertools import groupby

from studio.domain.errors import StudioError
from studio.domain.workflow import Phase
from studio.engine.limits import spend
from studio.engine.open_project import OpenProject
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.store import chapters, journal
from studio.store import outline as rows
from studio.store.database import Tx


async def get_project(project: OpenProject, query: q.GetProject, actor: str) -> v.ProjectView:
    model, label, hint = _model(project)

    def read(tx: Tx) -> v.ProjectView:
        return v.ProjectView(
            title=project.settings.project.title or project.root.name,
            root=str(project.root),
            workflow=project.workflow.name,
            stages=tuple(
                v.StageLine(name=stage.name, label=stage.label, role=stage.role, output=stage.output.value)
                for stage in project.workflow.stages
            ),
            labels=dict(project.workflow.labels),
            chapters=_chapters(project, tx, archived=query.archived),
            model=model,
            model_label=label,
            model_hint=hint,
            spend=spend(tx, project.settings.limits),
            seq=journal.head(tx),
            warnings=project.desk.warnings(),
            revisions_limit=project.settings.limits.revisions,
            author=actor,
        )

    return await project.store.read(read)


def _model(project: OpenProject) -> tuple[str | None, str, str]:
    try:
        ref = project.models.ref_for(project.workflow.stages[0].role)
    except StudioError as error:
        return None, "no model", str(error)
    return str(ref), project.models.label(ref), ""


def _chapters(project: OpenProject, tx: Tx, *, archived: bool) -> tuple[v.ChapterLine, ...]:
    found = rows.outline(tx, archived=archived)
    pages_of = {chapter: list(group) for chapter, group in groupby(found, key=lambda row: row.chapter_id)}
    lines: list[v.ChapterLine] = []
    for number, chapter in enumerate(chapters.listing(tx), start=1):
        lines.append(_chapter(project, chapter.id, number, chapter.slug, chapter.title, pages_of.get(chapter.id, [])))
    return tuple(lines)


def _chapter(
    project: OpenProject, ident: str, number: int, slug: str, title: str, found: list[rows.OutlineRow]
) -> v.ChapterLine:
    lines: list[v.PageLine] = []
    count = 0
    for row in found:
        state = project.workflow.parse_state(row.state)
        count += not row.archived
        live = project.live.of_page(row.page_id)
        lines.append(
            v.PageLine(
                id=row.page_id,
                chapter=ident,
                number=0 if row.archived else count,
                slug=row.slug,
                title=row.title,
                state=row.state,
                phase=state.phase.value,
                stage=state.stage,
                archived=row.archived,
                live=live.run.id if live else row.live_run,
                stages_done=row.stages_approved,
                stages_total=len(project.workflow.stages),
            )
        )
    approved = sum(1 for line in lines if line.phase == Phase.APPROVED.value and not line.archived)
    return v.ChapterLine(
        id=ident, number=number, slug=slug, title=title, pages=tuple(lines), approved=approved, total=count
    )
