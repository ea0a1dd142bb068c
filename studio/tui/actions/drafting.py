"""Drafts: the price before the first byte, start, stop, and the three ways out of one that broke off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from studio.protocol.commands import Generate, Resume, Stop
from studio.protocol.queries import GetContext
from studio.tui.actions.conditions import (
    asked,
    broken,
    can_draft,
    current_cell,
    failed_revision,
    has_partial,
    reviewing,
)
from studio.tui.actions.registry import action
from studio.tui.presenters.pricing import pricing

if TYPE_CHECKING:
    from studio.tui.app import StudioApp


def _generates(app: StudioApp) -> bool:
    return can_draft(app) or asked(app)


def _shown(app: StudioApp) -> tuple[int, str]:
    """First where a draft is awaited; after the words on a draft where one waits for them."""
    if failed_revision(app):
        return 8, "revise again"
    return (55, "draft again") if reviewing(app) or broken(app) else (7, "generate")


@action("generate", when=_generates, changes=True, shown=_shown)
async def generate(app: StudioApp) -> None:
    """Say what goes in and what it costs; the second key starts the draft."""
    page = app.session.page
    if page is None:
        return
    if failed_revision(app):  # the same again, with its feedback; another draft from the start would drop that
        await _priced(app, GetContext(page=page.id, goes_on=True), "generate", Resume(page=page.id, action="continue"))
        return
    await _priced(app, GetContext(page=page.id), "generate", Generate(page=page.id))


async def _priced(app: StudioApp, question: GetContext, action_id: str, command: Generate | Resume) -> None:
    """Ask with the price in the question, or start at once what costs less than the person wants to be asked about."""
    context = await app.session.query(question)
    if app.session.page is None or app.session.page.id != question.page:
        return

    async def start() -> None:
        done = await app.session.execute(command)
        if done.run:
            app.workbench.page_view.follow(done.run)

    limit = app.options.ask_above_usd
    if limit is not None and context.price_high is not None and context.price_high <= limit:
        await start()
        return
    what = pricing(context.kind, current_cell(app), again=failed_revision(app))
    app.ask(f"{what} {app.glyphs.dot} {context.line}", action_id, start)


def _running(app: StudioApp) -> bool:
    return bool(app.session.running)


@action("stop", when=_running, changes=True)
async def stop(app: StudioApp) -> None:
    """The draft on this page, where its cell says what became of it, or the only one that runs elsewhere."""
    page = app.session.page
    here = app.session.live_on(page.id) if page else None
    run = here or app.session.running[0]
    done = await app.session.execute(Stop(run=run.run))
    if here is None:
        app.say(done.message or "Stopped; what was written is kept.")


async def _resume(app: StudioApp, how: Literal["keep", "discard"]) -> None:
    page = app.session.page
    if page is None:
        return
    done = await app.session.execute(Resume(page=page.id, action=how))
    if done.message:
        app.say(done.message)


@action("resume.continue", when=has_partial, changes=True)
async def resume_continue(app: StudioApp) -> None:
    """Say the price of going on; the second key goes on."""
    page = app.session.page
    if page is not None:
        go_on = Resume(page=page.id, action="continue")
        await _priced(app, GetContext(page=page.id, goes_on=True), "resume.continue", go_on)


@action("resume.keep", when=has_partial, changes=True)
async def resume_keep(app: StudioApp) -> None:
    await _resume(app, "keep")


@action("resume.discard", when=broken, changes=True)
async def resume_discard(app: StudioApp) -> None:
    await _resume(app, "discard")
