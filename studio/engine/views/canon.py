"""Views of canon, templates and context."""

from __future__ import annotations

import asyncio

import msgspec

from studio.domain.canon import CanonDocument, Include, LedgerEntry
from studio.domain.errors import NotFound
from studio.domain.page import Page
from studio.domain.run import Run, RunKind
from studio.domain.workflow import Phase
from studio.engine.apps.standards import FOLDER as STANDARDS
from studio.engine.apps.standards import Standards
from studio.engine.desk import Plan
from studio.engine.open_project import OpenProject
from studio.engine.texts import last_partial
from studio.protocol import canon_views as cv
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.providers import tokens
from studio.store import canon as rows
from studio.store import pages
from studio.workspace.canon_links import missing_links


async def get_canon(project: OpenProject, query: q.GetCanon, actor: str) -> cv.CanonView:
    missing = missing_links(project.canon.documents)
    standards = await project.builds.standards() if project.builds is not None else Standards()
    warnings = [(f"canon/{one.path}", one) for one in project.canon.warnings] + [
        (one.path, one) for one in standards.warnings
    ]
    return cv.CanonView(
        documents=tuple(
            _line(project, document, missing.get(document.path, ())) for document in project.canon.documents
        ),
        warnings=tuple(
            v.Warning(kind="canon", message=one.message, path=path, line=one.line) for path, one in warnings
        ),
        packaged=project.canon.packaged(),
        standards=tuple(_standard(one, standards) for one in standards.documents),
    )


def _standard(document: CanonDocument, standards: Standards) -> cv.StandardLine:
    packaged = document.path in standards.packaged
    own = document.path.startswith(f"{STANDARDS}/") and not packaged
    return cv.StandardLine(
        path=f"canon/{document.path}" if own else document.path,
        name=document.name,
        source="packaged" if packaged else "project" if own else "application",
        tokens=tokens.estimate(document.body),
        rules=standards.rules_of(document),
    )


async def get_canon_text(project: OpenProject, query: q.GetCanonText, actor: str) -> cv.CanonText:
    try:
        document = project.canon.find(query.name)
    except NotFound:
        if (standard := await _standard_named(project, query.name)) is None:
            raise
        return cv.CanonText(line=_line(project, standard, ()), body=standard.body, versions=0, text=standard.body)
    versions = await project.store.read(lambda tx: rows.versions(tx, document.path))
    text = await asyncio.to_thread(project.canon.text, document.path)
    missing = missing_links(project.canon.documents)
    return cv.CanonText(
        line=_line(project, document, missing.get(document.path, ())),
        body=document.body,
        versions=len(versions),
        text=text,
    )


async def _standard_named(project: OpenProject, name: str) -> CanonDocument | None:
    """A standard that is no document of the canon: one that the code base brought along, or a packaged one."""
    found = (await project.builds.standards()).documents if project.builds is not None else ()
    return next((one for one in found if name in (one.path, one.name)), None)


def _line(project: OpenProject, document: CanonDocument, missing: tuple[str, ...]) -> cv.CanonLine:
    standard = project.builds is not None and document.path.startswith(f"{STANDARDS}/")
    always = standard and document.include is not Include.NEVER  # whatever their front matter says, standards bind
    return cv.CanonLine(
        path=document.path,
        name=document.name,
        type=document.type,
        aliases=document.aliases,
        tags=document.tags,
        include=Include.ALWAYS.value if always else document.include.value,
        priority=document.priority,
        tokens=tokens.estimate(document.body),
        links=document.links,
        missing_links=missing,
    )


async def get_context(project: OpenProject, query: q.GetContext, actor: str) -> v.ContextView:
    page = await project.store.read(lambda tx: pages.resolve(tx, query.page, final_state=project.workflow.final_state))
    feedback = query.feedback
    if query.likely and feedback is None and _under_review(project, page, query.stage):
        feedback = ""
    kind = RunKind.REVISE if feedback is not None else None
    broken = await _broken_off(project, page) if query.goes_on else None
    if broken is not None:
        kind = RunKind.CONTINUE if broken.partial.strip() else RunKind.REVISE
    plan = await project.desk.preview(
        page.id, kind, stage=query.stage, model=query.model, feedback=feedback,
        priced=query.price, broken=broken,
    )  # fmt: skip
    if plan.has_model and query.price:
        project.models.prewarm(plan.model)
    return msgspec.structs.replace(context_view(project, plan), priced=query.price)


def _under_review(project: OpenProject, page: Page, stage: str | None) -> bool:
    state = project.state_of(page)
    return state.phase is Phase.REVIEWING and stage in (None, state.stage) and project.live.of_page(page.id) is None


async def _broken_off(project: OpenProject, page: Page) -> Run | None:
    """The run that `Resume` would go on with, if it has text or was asked for by feedback."""
    stage = project.state_of(page).stage
    found = await project.store.read(lambda tx: last_partial(tx, page.id, stage)) if stage else None
    return found if found is not None and (found.partial.strip() or found.feedback_id) else None


def context_view(project: OpenProject, plan: Plan) -> v.ContextView:
    return v.ContextView(
        page=plan.page_id,
        stage=plan.stage,
        kind=plan.kind.value,
        model=str(plan.model) if plan.has_model else None,
        messages=tuple(
            v.MessageView(role=one.role, text=one.text, tokens=tokens.estimate(one.text), cache=one.cache)
            for one in plan.request.messages
        ),
        ledger=tuple(ledger_view(entry) for entry in plan.ledger),
        tokens=plan.tokens,
        budget=plan.budget,
        output_tokens=plan.output_high,
        price_low=plan.price_low,
        price_usual=plan.price_usual,
        price_high=plan.price_high,
        template=plan.template,
        template_digest=plan.template_digest,
        prompt_digest=plan.prompt_digest,
        line=plan.line,
        warnings=project.desk.warnings(),
    )


def ledger_view(entry: LedgerEntry) -> v.LedgerView:
    return v.LedgerView(
        kind=entry.kind.value,
        name=entry.name,
        reason=entry.reason.value,
        detail=entry.detail,
        tokens=entry.tokens,
        included=entry.included,
        left_out=entry.left_out,
        digest=entry.digest,
        path=entry.path,
    )
