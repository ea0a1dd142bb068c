"""Drafts: the price before the first byte, start, stop, and the three ways out of one that broke off."""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile
from typing import TYPE_CHECKING, Literal

from studio.domain.text import counted, listed
from studio.protocol.build_queries import GetVersionDiff, GetVersions
from studio.protocol.commands import Generate, Resume, Stop
from studio.protocol.queries import GetContext
from studio.protocol.views import PageView
from studio.tui.actions.conditions import (
    asked,
    broken,
    broken_work,
    can_draft,
    current_cell,
    failed_revision,
    has_partial,
    reviewing,
)
from studio.tui.actions.registry import action
from studio.tui.pointing import standing
from studio.tui.presenters.pricing import pricing

if TYPE_CHECKING:
    from studio.tui.app import StudioApp


def _generates(app: StudioApp) -> bool:
    return can_draft(app) or asked(app)


def _shown(app: StudioApp) -> tuple[int, str]:
    """First where a draft is awaited; after the words on a draft where one waits for them."""
    if failed_revision(app):
        return 8, "revise again"
    if broken_work(app):
        return (7, "go on")
    return (55, "draft again") if reviewing(app) or broken(app) else (7, "generate")


@action("generate", when=_generates, changes=True, shown=_shown)
async def generate(app: StudioApp) -> None:
    """Say what goes in and what it costs; the second key starts the draft."""

    def of(page: PageView) -> Generate:
        cell = current_cell(app)
        seen = cell.head.id if cell is not None and cell.head is not None else ""
        return Generate(page=page.id, stage=page.stage, revision=seen)

    page = app.session.page
    if page is None:
        return
    if failed_revision(app):  # the same again, with its feedback; another draft from the start would drop that
        await _priced(app, GetContext(page=page.id, goes_on=True), "generate", _going_on(app))
        return
    await _priced(app, GetContext(page=page.id), "generate", of)


async def _priced(
    app: StudioApp, question: GetContext, action_id: str, command: Callable[[PageView], Generate | Resume]
) -> None:
    """Ask with the price in the question, or start at once what costs less than the person wants to be asked about. What is sent
    names what stood on the screen when the price was said."""
    context = await app.session.query(question)
    page = app.session.page
    if page is None or page.id != question.page:
        return
    wanted = command(page)

    async def start() -> None:
        done = await app.session.begin(wanted)
        if done.run:
            app.workbench.page_view.follow(done.run)

    limit = app.options.ask_above_usd
    if limit is not None and context.price_high is not None and context.price_high <= limit:
        await start()
        return
    revises = app.keymap.shown("revise") if reviewing(app) else ""
    what = pricing(context.kind, current_cell(app), again=failed_revision(app), revises=revises)
    app.ask(f"{what} {app.glyphs.dot} {context.line}", action_id, start, about=standing(app))


def _running(app: StudioApp) -> bool:
    return bool(app.session.running) or app.session.beginning


@action("stop", when=_running, changes=True)
async def stop(app: StudioApp) -> None:
    """The draft that was just asked for; the one on this page, where its cell says what became of it; or one that runs elsewhere."""
    page = app.session.page
    begun = await app.session.begun()
    here = app.session.live_on(page.id) if page else None
    others = app.session.running[:1]
    run = begun or (here.run if here else others[0].run if others else None)
    if run is None:
        return
    done = await app.session.execute(Stop(run=run))
    if here is None:
        app.say(done.message or "Stopped; what was written is kept.")


def _broken_run(app: StudioApp) -> str | None:
    """The run whose end is on the screen."""
    cell = current_cell(app)
    return cell.partial.run if cell is not None and cell.partial is not None else None


def _going_on(app: StudioApp) -> Callable[[PageView], Resume]:
    return lambda page: Resume(page=page.id, action="continue", run=_broken_run(app))


async def _resume(app: StudioApp, how: Literal["keep", "discard"]) -> None:
    page = app.session.page
    if page is None:
        return
    done = await app.session.execute(Resume(page=page.id, action=how, run=_broken_run(app)))
    if done.message:
        app.say(done.message)


def _can_go_on(app: StudioApp) -> bool:
    return has_partial(app) or broken_work(app)


@action("resume.continue", when=_can_go_on, changes=True)
async def resume_continue(app: StudioApp) -> None:
    """Say the price of going on; the second key goes on."""
    page = app.session.page
    if page is not None:
        await _priced(app, GetContext(page=page.id, goes_on=True), "resume.continue", _going_on(app))


@action("resume.keep", when=has_partial, changes=True)
async def resume_keep(app: StudioApp) -> None:
    await _resume(app, "keep")


@action("resume.discard", when=broken, changes=True)
async def resume_discard(app: StudioApp) -> None:
    """A text that is discarded stays in the history; files are put back, which is asked first."""

    async def discard() -> None:
        await _resume(app, "discard")

    if not broken_work(app):
        await discard()
        return
    page, stands = app.session.page, standing(app)
    written, own = await _written(app, page.id) if page is not None else ([], ())
    files = [path for path in written if path not in own]
    back = f"{counted(len(files), 'file')} would be as before: {listed(files)}"
    key = app.keymap.shown("resume.discard")
    first = f" What you changed ({listed(own)}) stays, and is made a version first." if own else ""
    nothing = "No other file was changed" if written else "No file was changed"
    question = f"Discard what the workers did? {back if files else nothing}.{first} {key} again does it."
    if standing(app) == stands:
        app.ask(question, "resume.discard", discard, about=stands)


async def _written(app: StudioApp, page: str) -> tuple[list[str], tuple[str, ...]]:
    """The files that the page's broken runs, one after the other, left otherwise than they found them; and those that a person
    changed since the newest version."""
    found = await app.session.query(GetVersions(page=page))
    # Between and after them may stand versions made by hand.
    runs = (one for one in found.versions if one.origin == "run")
    broke = list(takewhile(lambda one: one.status == "failed", runs))
    if not broke:
        return [], found.changed
    diff = await app.session.query(GetVersionDiff(version=broke[0].id, base=broke[-1].parent or None))
    return [one.path for one in diff.files], found.changed
