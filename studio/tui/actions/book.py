"""The outline's changes: new chapter and page, name, order, archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.protocol.commands import (
    AddChapter,
    AddPage,
    ArchivePage,
    MoveChapter,
    MovePage,
    RenameChapter,
    RenamePage,
    UnarchivePage,
)
from studio.protocol.views import ChapterLine
from studio.tui.actions.conditions import connected, in_notes, is_app
from studio.tui.actions.registry import action
from studio.tui.pointing import Pointed, chapter_pointed, page_pointed, standing
from studio.tui.widgets.prompt_line import PromptLine

if TYPE_CHECKING:
    from studio.tui.app import StudioApp


async def ask(app: StudioApp, prompt: PromptLine) -> None:
    """Open a one-line prompt under the page, the cursor in it."""
    await app.workbench.open_drawer(prompt, focus=prompt.input, across=True)


def _has_chapter(app: StudioApp) -> bool:
    return chapter_pointed(app) is not None


def _has_page(app: StudioApp) -> bool:
    return page_pointed(app) is not None


@action("chapter.new", when=connected, inline=True, changes=True)
async def new_chapter(app: StudioApp) -> None:
    async def make(title: str) -> None:
        done = await app.session.execute(AddChapter(title=title))
        await app.session.update()
        if done.chapter:
            app.workbench.outline.set_cursor(done.chapter)
            app.workbench.outline.fresh = done.chapter, _on_screen(app)
        key = app.keymap.shown("page.new")
        app.say(f"{title} added. {app.words.put(f'{key} makes its first page.') if key else ''}".rstrip())

    await ask(app, PromptLine(app.words.put("New chapter, its title"), make))


def _on_screen(app: StudioApp) -> str | None:
    return app.session.page.id if app.session.page else None


def _chapter_for_new(app: StudioApp) -> ChapterLine | None:
    """A chapter made just now is where the next page goes, until another page is on the screen."""
    outline, project = app.workbench.outline, app.session.project
    if outline.fresh is not None and outline.fresh[1] == _on_screen(app) and project is not None:
        for chapter in project.chapters:
            if chapter.id == outline.fresh[0] and app.workbench.pane_in_use() is not outline:
                return chapter
    return chapter_pointed(app)


def _new_page_shown(app: StudioApp) -> tuple[int, str]:
    """Early where a change of an application is complete, late on others."""
    page, row = app.session.page, app.keymap.by_id["page.new"]
    return (10 if is_app(app) and page is not None and page.phase == "approved" else row.order, row.label)


def _can_add(app: StudioApp) -> bool:
    """A page needs a chapter; a change of an application makes its release where there is none."""
    return _has_chapter(app) or _first_change(app)


def _first_change(app: StudioApp) -> bool:
    project = app.session.project
    return is_app(app) and project is not None and not project.chapters


async def _made_release(app: StudioApp) -> str:
    """As a change from the command line does: the first release, made when a change needs it."""
    return (await app.session.execute(AddChapter(title="Release 1"))).chapter or ""


@action("page.new", when=_can_add, inline=True, changes=True, shown=_new_page_shown)
async def new_page(app: StudioApp) -> None:
    chapter = _chapter_for_new(app)
    if chapter is None and not _first_change(app):
        return

    async def make(title: str) -> None:
        to = chapter.id if chapter is not None else await _made_release(app)
        done = await app.session.execute(AddPage(chapter=to, title=title))
        app.workbench.outline.fresh = None
        if done.page:
            await app.session.open_page(done.page)
        await app.session.update()
        app.say(f"{title} added.")

    where = f"in {chapter.number} {chapter.title}" if chapter is not None else "in a first release"
    await ask(app, PromptLine(f"New {app.words['page']} {where}, its title", make))


@action("rename", when=_has_chapter, inline=True, changes=True)
async def rename(app: StudioApp) -> None:
    chapter, page = chapter_pointed(app), page_pointed(app)
    if page is None and chapter is None:
        return

    async def name(title: str) -> None:
        if page is not None:
            done = await app.session.execute(RenamePage(page=page.id, title=title))
        elif chapter is not None:
            done = await app.session.execute(RenameChapter(chapter=chapter.id, title=title))
        await app.session.update()
        app.say(done.message or f"Renamed: {title}.")

    what, now = "", ""
    if page is not None:
        what, now = f"{app.words['page']} {page.number}", page.title
    elif chapter is not None:
        what, now = f"{app.words['chapter']} {chapter.number}", chapter.title
    await ask(app, PromptLine(f"Rename {what}", name, text=now))


async def _move(app: StudioApp, step: int) -> None:
    """One place on. Later keys wait until the book on the screen is the new one, so that each of them moves."""
    chapter, page, project = chapter_pointed(app), page_pointed(app), app.session.project
    if chapter is None or project is None:
        return
    if page is None:
        await _move_chapter(app, chapter, chapter.number + step, len(project.chapters))
        return
    if page.archived:
        app.say(app.words.put(f"An archived page has no place; {app.keymap.shown('archive')} brings it back."))
        return
    beside = next((other for other in project.chapters if other.number == chapter.number + step), None)
    if 1 <= page.place + step <= chapter.total:
        await app.session.execute(MovePage(page=page.id, position=page.place + step))
        said = ""
    elif beside is None:
        app.say(app.words.put("This is the end of the book." if step > 0 else "This is the beginning of the book."))
        return
    else:
        position = 1 if step > 0 else beside.total + 1
        await app.session.execute(MovePage(page=page.id, position=position, chapter=beside.id))
        said = f"Moved into {app.words['chapter']} {beside.number} {beside.title}."
    await app.session.update()
    app.workbench.outline.keep_in_sight()
    if said:
        app.workbench.outline.unfold(beside.id if beside else "")
        app.say(said)


async def _move_chapter(app: StudioApp, chapter: ChapterLine, wanted: int, last: int) -> None:
    if not 1 <= wanted <= last:
        app.say(f"{chapter.title} is the {'last' if wanted > last else 'first'} {app.words['chapter']}.")
        return
    await app.session.execute(MoveChapter(chapter=chapter.id, position=wanted))
    await app.session.update()
    app.workbench.outline.keep_in_sight()


@action("move.down", when=_has_chapter, inline=True, changes=True)
async def move_down(app: StudioApp) -> None:
    await _move(app, 1)


@action("move.up", when=_has_chapter, inline=True, changes=True)
async def move_up(app: StudioApp) -> None:
    await _move(app, -1)


def _archive_shown(app: StudioApp) -> tuple[int, str]:
    """First on an archived page, which has no other use; late on others."""
    page = page_pointed(app)
    return (4, "bring back") if page is not None and page.archived else (64, "archive")


def _archives(app: StudioApp) -> bool:
    return _has_page(app) and not in_notes(app)


@action("archive", when=_archives, inline=True, changes=True, shown=_archive_shown)
async def archive(app: StudioApp) -> None:
    page = page_pointed(app)
    if page is None:
        return
    if page.archived:
        done = await app.session.execute(UnarchivePage(page=page.id))
        await app.session.update()
        app.say(app.words.put(done.message or "The page is back."))
        return

    async def go() -> None:
        done = await app.session.execute(ArchivePage(page=page.id))
        await app.session.update()
        app.say(app.words.put(f"{done.message or 'Archived; nothing is deleted.'} {_way_back(app, page)}"))

    worth = "is approved" if page.approved else "has been begun" if is_app(app) and page.begun else ""
    if worth:
        key = app.keymap.shown("archive")
        app.ask(
            f"{page.number} {page.title} {worth}. {key} again archives it; nothing is deleted.",
            "archive",
            go,
            about=standing(app) if page.id == _on_screen(app) else None,
        )
        return
    await go()


def _way_back(app: StudioApp, page: Pointed) -> str:
    key, shown = app.keymap.shown("archive"), app.keymap.shown("archived")
    if page.id == _on_screen(app) and app.workbench.pane_in_use() is not app.workbench.outline:
        return f"{key} brings it back."
    return app.words.put(f"{shown} shows archived pages, {key} on one brings it back.")


@action("archived", when=connected)
def show_archived(app: StudioApp) -> None:
    app.session.archived = not app.session.archived
    app.session.refresh()
    app.say(app.words.put("Archived pages are shown." if app.session.archived else "Archived pages are hidden."))
