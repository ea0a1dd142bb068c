"""Views of one page: its cells, its history, one revision, one run."""

from __future__ import annotations

from studio.domain.errors import BadInput, NotFound
from studio.domain.page import BRIEF, Chapter, Page, Revision, StageHead
from studio.domain.run import Execution, Run
from studio.domain.workflow import Phase, Stage
from studio.engine.open_project import OpenProject
from studio.engine.texts import last_partial
from studio.engine.views.outline import outdated
from studio.engine.views.rows import feedback_view, partial_view, revision_view, run_view
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.store import chapters, executions, feedback, mirror, pages, revisions, runs, words
from studio.store.transaction import Tx


async def get_page(project: OpenProject, query: q.GetPage, actor: str) -> v.PageView:
    return await project.store.read(lambda tx: _page_view(project, tx, query.page, actor))


def _page_view(project: OpenProject, tx: Tx, ref: str, actor: str) -> v.PageView:
    page = pages.resolve(tx, ref, final_state=project.workflow.final_state)
    chapter, chapter_number = _chapter(tx, page)
    book = pages.order(tx)
    order = [page_id for page_id, _ in book]
    siblings = [page_id for page_id, chapter_id in book if chapter_id == page.chapter_id]
    place = order.index(page.id) if page.id in order else -1
    state = project.state_of(page)
    cost_usd, cost_unknown = executions.spent(tx, page_id=page.id)
    written = mirror.get(tx, page.id)
    history = revisions.listing(tx, page.id)
    heads = pages.heads(tx, page.id)
    brief = _newest(history, heads.get(BRIEF))
    return v.PageView(
        id=page.id,
        chapter=chapter.id,
        chapter_number=chapter_number,
        chapter_title=chapter.title,
        number=siblings.index(page.id) + 1 if page.id in siblings else 0,
        total=len(siblings),
        slug=page.slug,
        title=page.title,
        state=page.state,
        phase=state.phase.value,
        stage=state.stage,
        version=page.version,
        archived=page.archived,
        brief=revision_view(brief) if brief else None,
        cells=tuple(_cells(project, tx, page, history, heads)),
        kept=tuple(_kept(tx, page.id, actor)),
        cost_usd=cost_usd,
        cost_unknown=cost_unknown,
        updated_at=page.updated_at,
        previous=order[place - 1] if place > 0 else None,
        next=order[place + 1] if 0 <= place < len(order) - 1 else None,
        mirror=written.path if written else "",
        conflicts=project.manuscript.conflicts_of(page.id),
    )


def _chapter(tx: Tx, page: Page) -> tuple[Chapter, int]:
    """The page's chapter and its number, 0 for an archived one."""
    everyone = chapters.listing(tx, archived=True)
    chapter = next(one for one in everyone if one.id == page.chapter_id)
    numbered = [one.id for one in everyone if not one.archived]
    return chapter, numbered.index(chapter.id) + 1 if chapter.id in numbered else 0


def _newest(history: list[Revision], head: StageHead | None) -> Revision | None:
    return next((one for one in history if head and one.id == head.revision_id), None)


def _kept(tx: Tx, page_id: str, actor: str) -> list[v.KeptWords]:
    return [
        v.KeptWords(place=kept.place, text=kept.text, base_revision=kept.base_revision, updated_at=kept.updated_at)
        for kept in words.listing(tx, actor, page_id)
    ]


def _cells(
    project: OpenProject, tx: Tx, page: Page, history: list[Revision], heads: dict[str, StageHead]
) -> list[v.StageCell]:
    numbers = {revision.id: revision.number for revision in history}
    notes = feedback.listing(tx, page.id)
    drafted = runs.revisions_counts(tx, page.id)
    cells: list[v.StageCell] = []
    old = outdated(project, tx, page.id).get(page.id, {})
    for stage in project.workflow.stages:
        head = heads.get(stage.name)
        approved = head.approved_id if head else None
        newest = _newest(history, head)
        live = project.live.of_page(page.id)
        cells.append(
            v.StageCell(
                name=stage.name,
                label=stage.label,
                output=stage.output.value,
                status=_status(project, page, stage, newest, approved),
                head=_headed(project, newest, approved),
                approved=approved,
                revisions=sum(1 for one in history if one.stage == stage.name),
                model_revisions=drafted.get(stage.name, 0),
                notes=tuple(feedback_view(note, numbers) for note in notes if note.stage == stage.name),
                live=live.view() if live and live.run.stage == stage.name else None,
                partial=_partial(project, tx, page, stage),
                outdated=tuple(old.get(stage.name, ())),
            )
        )
    return cells


def _headed(project: OpenProject, revision: Revision | None, approved: str | None) -> v.RevisionView | None:
    if revision is None:
        return None
    return revision_view(revision, approved=approved, badge=project.models.badge(revision.model))


def _status(project: OpenProject, page: Page, stage: Stage, newest: Revision | None, approved: str | None) -> str:
    state = project.state_of(page)
    if state.stage == stage.name:
        drafting = project.live.of_page(page.id) is not None
        by_phase = {
            Phase.GENERATING: "drafting" if drafting else "empty",
            Phase.REVIEWING: "waiting",
            Phase.FAILED: "failed",
            Phase.INTERRUPTED: "interrupted",
        }
        return by_phase[state.phase]
    if approved is not None:
        return "approved"
    return "later" if newest is None else "waiting"


def _partial(project: OpenProject, tx: Tx, page: Page, stage: Stage) -> v.PartialText | None:
    state = project.state_of(page)
    if state.stage != stage.name or state.phase not in (Phase.FAILED, Phase.INTERRUPTED):
        return None
    run = last_partial(tx, page.id, stage.name)
    return partial_view(stage, run) if run else None


async def get_history(project: OpenProject, query: q.GetHistory, actor: str) -> v.HistoryView:
    def read(tx: Tx) -> v.HistoryView:
        page = pages.resolve(tx, query.page, final_state=project.workflow.final_state)
        if query.stage is not None and not project.is_stage(query.stage):
            project.workflow.stage(query.stage)
        history = revisions.listing(tx, page.id, query.stage)
        heads = pages.heads(tx, page.id)
        numbers = {revision.id: revision.number for revision in history}
        calls = executions.listing(tx, page=page.id)
        approved = {name: head.approved_id for name, head in heads.items()}
        known = {one.id: one for one in history}

        def made(run: Run) -> tuple[Revision | None, Revision | None]:
            revision = known.get(run.revision_id or "")
            return revision, known.get((revision.parent_id if revision else None) or "")

        return v.HistoryView(
            page=page.id,
            revisions=tuple(
                revision_view(one, approved=approved.get(one.stage), badge=project.models.badge(one.model))
                for one in history
            ),
            feedback=tuple(feedback_view(note, numbers) for note in feedback.listing(tx, page.id, query.stage)),
            runs=tuple(
                run_view(run, calls, project.workflow.output_of(run.stage), *made(run))
                for run in runs.listing(tx, page.id)
                if query.stage in (None, run.stage)
            ),
        )

    return await project.store.read(read)


async def get_revision(project: OpenProject, query: q.GetRevision, actor: str) -> v.RevisionView:
    def read(tx: Tx) -> v.RevisionView:
        revision = find_revision(project, tx, query.revision)
        head = pages.heads(tx, revision.page_id).get(revision.stage)
        approved = head.approved_id if head else None
        return revision_view(revision, approved=approved, badge=project.models.badge(revision.model))

    return await project.store.read(read)


def find_revision(project: OpenProject, tx: Tx, ref: str) -> Revision:
    """A revision by id or by `page@stage:number`; raises BadInput or NotFound with what would work."""
    if "@" not in ref:
        return revisions.get(tx, ref)
    page_ref, _, rest = ref.partition("@")
    stage, _, number = rest.partition(":")
    page = pages.resolve(tx, page_ref, final_state=project.workflow.final_state)
    if not project.is_stage(stage):
        project.workflow.stage(stage)
    if not number:
        found = revisions.head(tx, page.id, stage)
    else:
        if not (number.isascii() and number.isdigit() and len(number) < 10):
            raise BadInput(f"{number!r} is not a revision's number.", hint="Write it as 2/14@narration:3.")
        found = revisions.by_number(tx, page.id, stage, int(number))
    if found is None:
        raise NotFound(f"There is no {stage} of this page yet.", hint="Draft it first.")
    return found


async def get_run(project: OpenProject, query: q.GetRun, actor: str) -> v.RunView:
    def read(tx: Tx) -> v.RunView:
        run = runs.get(tx, query.run)
        calls: list[Execution] = executions.listing(tx, run=run.id)
        revision = revisions.get(tx, run.revision_id) if run.revision_id else None
        parent = revisions.get(tx, revision.parent_id) if revision and revision.parent_id else None
        return run_view(run, calls, project.workflow.output_of(run.stage), revision, parent)

    return await project.store.read(read)
