"""What a key is meant for: the page or chapter under the outline's cursor while the outline is in use, else the page on the screen."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.domain.errors import StudioError
from studio.protocol.views import ChapterLine, PageLine, PageView, ProjectView
from studio.tui.why_not import why_not

if TYPE_CHECKING:
    from studio.tui.app import StudioApp

OF_THE_PAGE = frozenset(
    ["generate", "approve", "reopen", "resume.continue", "resume.keep", "resume.discard", "revise", "comment", "brief", "edit",
     "edit.outside", "diff", "history", "copy", "exact", "tab.context", "tab.notes", "tab.history", "tab.costs", "tab.build",
     "tasks", "findings", "tools", "audit", "send_back"]
)  # fmt: skip
"""Actions on one page, which is on the screen when they are done."""
READ_FIRST = frozenset(["approve", "reopen", "resume.continue", "resume.keep", "resume.discard"])
"""Decisions on a text: a page that was not on the screen is opened by their key, and the next one decides."""


@dataclass(frozen=True, slots=True)
class Pointed:
    """A page as the outline or the screen knows it; `number` is `2/3`, of an archived page `2/-`."""

    id: str
    title: str
    place: int
    number: str
    archived: bool
    approved: bool
    begun: bool
    """A stage is drafting, drafted or decided."""


def chapter_pointed(app: StudioApp) -> ChapterLine | None:
    """The chapter that is meant; without a page on the screen the last one."""
    bench, project, page = app.workbench, app.session.project, app.session.page
    if bench.pane_in_use() is bench.outline:
        return bench.outline.chapter_line()
    if project is None or not project.chapters:
        return None
    here = page.chapter if page is not None else None
    return next((chapter for chapter in project.chapters if chapter.id == here), project.chapters[-1])


def page_pointed(app: StudioApp) -> Pointed | None:
    """The page that is meant; None where a chapter is, or nothing."""
    bench, page = app.workbench, app.session.page
    if bench.pane_in_use() is bench.outline:
        line = bench.outline.page_line()
        return _of_line(app.session.project, line) if line is not None else None
    return _of_page(page) if page is not None else None


def elsewhere(app: StudioApp) -> Pointed | None:
    """The page under the outline's cursor, if another one is on the screen."""
    bench, page = app.workbench, app.session.page
    if app.screen is not bench or bench.pane_in_use() is not bench.outline:
        return None
    pointed = page_pointed(app)
    return pointed if pointed is not None and (page is None or pointed.id != page.id) else None


def standing(app: StudioApp) -> Hashable:
    """How the page on the screen stands: what a question about it was asked for."""
    page = app.session.page
    if page is None:
        return ()
    live = app.session.live_on(page.id)
    heads = tuple(cell.head.id if cell.head else "" for cell in page.cells)
    return (page.id, page.version, page.state, heads, live.run if live else "")


def withdrawn(app: StudioApp) -> bool:
    """Take back a question about a page that has changed since, and say so. Whether that was so."""
    pending = app.pending
    if pending is None or pending.about is None or pending.about == standing(app):
        return False
    key = app.keymap.shown(pending.action_id)
    again = f" {key} asks again." if key else ""
    app.say(app.words.put(f"The page has changed since this was asked; nothing was begun.{again}"), "warning")
    return True


def _of_line(project: ProjectView | None, page: PageLine) -> Pointed:
    chapters = project.chapters if project else ()
    chapter = next((chapter.number for chapter in chapters if chapter.id == page.chapter), 0)
    number = f"{chapter}/{page.number or '-'}"
    begun = page.stages_done > 0 or page.phase not in ("awaiting", "generating") or page.live is not None
    return Pointed(page.id, page.title, page.number, number, page.archived, page.phase == "approved", begun)


def _of_page(page: PageView) -> Pointed:
    number = f"{page.chapter_number}/{page.number or '-'}"
    begun = any(cell.head or cell.live or cell.partial for cell in page.cells)
    return Pointed(page.id, page.title, page.number, number, page.archived, page.phase == "approved", begun)


def on_a_chapter(app: StudioApp) -> bool:
    """The outline is in use and its cursor is on no page."""
    bench = app.workbench
    return app.screen is bench and bench.pane_in_use() is bench.outline and bench.outline.page_line() is None


async def bring(app: StudioApp, action_id: str) -> bool:
    """Before an action on a page: have the page under the outline's cursor on the screen. False when the key is spent on that."""
    if action_id in OF_THE_PAGE and on_a_chapter(app):
        app.say(app.words.put("The outline's cursor is on no page; this key is for a page."))
        return False
    pointed = elsewhere(app) if action_id in OF_THE_PAGE else None
    if pointed is None:
        return True
    try:
        await app.session.open_page(pointed.id)
    except StudioError as error:
        app.say_error(error)
        return False
    app.workbench.to_pane(app.workbench.page_view)
    if not app.can(action_id):
        app.say(f"{pointed.number} {pointed.title} is open now. {why_not(app, action_id)}".rstrip())
        return False
    if action_id in READ_FIRST:
        row = app.keymap.by_id[action_id]
        app.say(f"{pointed.number} {pointed.title} is open now. {app.keymap.shown(action_id)} here: {row.label}.")
        return False
    return True
