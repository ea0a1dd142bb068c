"""Looking around: history and difference, search, jump, models, prompts, the exact prompt, help, the palette, copying."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.domain.diff import paragraphs
from studio.domain.page import BRIEF
from studio.protocol.views import PageView, SearchHit
from studio.tui.actions.composing import looked_at, open_composer
from studio.tui.actions.conditions import connected, current_cell, has_page
from studio.tui.actions.registry import action
from studio.tui.clipboard import copy
from studio.tui.presenters import keys
from studio.tui.presenters.page import head_stop, partial_shown

if TYPE_CHECKING:
    from studio.tui.app import StudioApp


def _stage(app: StudioApp) -> str | None:
    """The stage that the person means: the one under the cursor, else where the page stands, else the last one written."""
    page = app.session.page
    if page is None:
        return None
    name = looked_at(app)
    written = [cell.name for cell in page.cells if cell.head is not None]
    here = current_cell(app)
    if name == BRIEF and page.brief is not None:
        return BRIEF
    if name in written:
        return name
    if here is not None and here.revisions:
        return here.name
    return written[-1] if written else None


def _has_text(app: StudioApp) -> bool:
    return _stage(app) is not None


async def _history(app: StudioApp, *, whole: bool) -> None:
    page, stage = app.session.page, _stage(app)
    if page is not None and stage is not None:
        await app.open_screen("history", page=page.id, stage=stage, whole=whole)


@action("history", when=has_page, inline=True)
async def history(app: StudioApp) -> None:
    page = app.session.page
    if page is not None:
        await app.open_screen("history", page=page.id, stage=_stage(app) or page.stage or BRIEF)


@action("diff", when=_has_text, inline=True)
async def diff(app: StudioApp) -> None:
    await _history(app, whole=False)


@action("copy", when=_has_text)
def copy_cell(app: StudioApp) -> None:
    page, stage = app.session.page, _stage(app)
    if page is None or stage is None:
        return
    cell = next((cell for cell in page.cells if cell.name == stage), None)
    head = page.brief if stage == BRIEF else cell.head if cell else None
    shown = partial_shown(cell) if cell is not None else None
    if shown is not None or head is not None:
        app.say(copy(app, shown.text if shown is not None else head.text if head is not None else ""))


# Find


@action("search", when=connected, inline=True)
async def search(app: StudioApp) -> None:
    await app.open_screen("search", typed=app.hits.text if app.hits else "")


def _has_hits(app: StudioApp) -> bool:
    return app.hits is not None and bool(app.hits.hits)


@action("search.next", when=_has_hits, inline=True)
async def next_hit(app: StudioApp) -> None:
    await _step(app, 1)


@action("search.previous", when=_has_hits, inline=True)
async def previous_hit(app: StudioApp) -> None:
    await _step(app, -1)


async def _step(app: StudioApp, by: int) -> None:
    if app.hits is not None:
        app.hits = app.hits.step(by)
        await show_hit(app)


async def show_hit(app: StudioApp) -> None:
    """Go to the place that is looked at: the page with the cursor on the passage, or the canon document at the line."""
    hit = app.hits.current if app.hits else None
    if app.hits is None or hit is None:
        return
    if hit.page is None:
        await app.open_screen("document", path=hit.path, at=hit.line)
        return
    await app.session.open_page(hit.page)
    page = app.session.page
    if page is not None:
        app.workbench.page_view.set_cursor(_place(page, hit))
    keymap = app.keymap
    app.say(f"{app.hits.count} for {app.hits.text}; {keymap.shown('search.next')} goes on.")


def _place(page: PageView, hit: SearchHit) -> tuple[str, int] | tuple[str, str]:
    """The paragraph that holds the hit, as a stop of the page; the cell's head when it cannot be told."""
    cell = next((cell for cell in page.cells if cell.name == hit.stage), None)
    text = cell.head.text if cell and cell.head else page.brief.text if hit.stage == BRIEF and page.brief else ""
    near = (hit.before.removeprefix("…")[-20:] + hit.match).strip()
    for wanted in (near, hit.match):
        for number, paragraph in enumerate(paragraphs(text)):
            if wanted and wanted in paragraph:
                return (hit.stage, number)
    return head_stop(hit.stage)


@action("jump", when=connected, inline=True)
async def jump(app: StudioApp) -> None:
    await app.open_screen("jump")


# Studio


@action("models", when=connected, inline=True)
async def models(app: StudioApp) -> None:
    await app.open_screen("models")


@action("prompts", when=connected, inline=True)
async def prompts(app: StudioApp) -> None:
    await app.open_screen("prompts")


def _context_tab(app: StudioApp) -> bool:
    """The tab that says what the next call will hold is open, and there is a next call."""
    page = app.session.page
    awaited = page is not None and page.stage is not None and page.phase != "awaiting"
    return awaited and app.workbench.inspector.tab == "context" and app.pending is None


@action("exact", when=_context_tab, inline=True)
async def exact(app: StudioApp) -> None:
    page = app.session.page
    if page is not None:
        await app.open_screen("exact", page=page.id)


@action("help", inline=True)
async def help_screen(app: StudioApp) -> None:
    await app.open_screen("help", scopes=app.current_scopes())


@action("palette", inline=True)
async def palette(app: StudioApp) -> None:
    """Over an open composer too: its words are kept first, and what needs the page closes it by itself."""
    composer = open_composer(app)
    if composer is not None:
        await composer.keep_now()
    entries = keys.palette(keys.of_project(app.keymap, app.session.project), app.available_themes, app.theme, app.can)
    await app.open_screen("palette", entries=entries)
