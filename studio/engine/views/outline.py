"""The project's outline, spending and warnings in one view."""

from __future__ import annotations

from collections.abc import Mapping

from studio.domain.errors import StudioError
from studio.domain.workflow import Phase
from studio.engine.limits import spend
from studio.engine.open_project import OpenProject
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.store import journal, sources
from studio.store import outline as rows
from studio.store.transaction import Tx

Outdated = dict[str, dict[str, list[str]]]


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
    names = [stage.name for stage in project.workflow.stages]
    old = outdated(project, tx)
    return tuple(_chapter(project, one, old) for one in rows.outline(tx, names, archived=archived))


def outdated(project: OpenProject, tx: Tx, page_id: str | None = None) -> Outdated:
    """By page and stage, the stages before it whose approved text is another than the newest text of it was written for, in the
    workflow's order. An application has the tasks and versions of its changes for that."""
    names = [stage.name for stage in project.workflow.stages]
    if project.builds is not None or len(names) < 2:
        return {}
    found: Outdated = {}
    for one in sources.outdated(tx, page_id):
        if one.stage in names and one.source in names[: names.index(one.stage)]:
            found.setdefault(one.page_id, {}).setdefault(one.stage, []).append(one.source)
    for stages in found.values():
        for earlier in stages.values():
            earlier.sort(key=names.index)
    return found


def _chapter(project: OpenProject, one: rows.OutlineChapter, old: Outdated) -> v.ChapterLine:
    lines = tuple(_page(project, row, old.get(row.page.id, {})) for row in one.pages)
    standing = [line for line in lines if not line.archived]
    return v.ChapterLine(
        id=one.chapter.id,
        number=one.number,
        slug=one.chapter.slug,
        title=one.chapter.title,
        pages=lines,
        approved=sum(1 for line in standing if line.phase == Phase.APPROVED.value),
        total=len(standing),
    )


def _page(project: OpenProject, row: rows.OutlinePage, old: Mapping[str, list[str]]) -> v.PageLine:
    page = row.page
    state = project.state_of(page)
    live = project.live.of_page(page.id)
    return v.PageLine(
        id=page.id,
        chapter=page.chapter_id,
        number=row.number,
        slug=page.slug,
        title=page.title,
        state=page.state,
        phase=state.phase.value,
        stage=state.stage,
        archived=page.archived,
        live=live.run.id if live else row.live,
        stages_done=row.stages_done,
        stages_total=len(project.workflow.stages),
        outdated=tuple(stage.name for stage in project.workflow.stages if stage.name in old),
    )
