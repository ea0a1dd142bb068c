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
from studio.protocol.views import ChapterLine, PageLine
from studio.tui.actions.conditions import connected
from studio.tui.actions.registry import action
from studio.tui.widgets.prompt_line import PromptLine

if TYPE_CHECKING:
    from studio.tui.app import StudioApp


def _target(app: StudioApp) -> tuple[ChapterLine | None, PageLine | None]:
    """What the person means: what the outline's cursor is on while the focus is there, else the page on the screen."""
    outline, project, page = app.workbench.outline, app.session.project, app.session.page
    if project is None:
        return None, None
    if app.focused is outline and outline.chapter_line() is not None:
        return outline.chapter_line(), outline.page_line()
    for chapter in project.chapters:
        for line in chapter.pages:
            if page is not None and line.id == page.id:
                return chapter, line
    return (project.chapters[-1] if project.chapters else None), None


async def ask(app: StudioApp, prompt: PromptLine) -> None:
    """Open a one-line prompt under the page, the cursor in it."""
    await app.workbench.open_drawer(prompt, focus=prompt.input)


def _has_chapter(app: StudioApp) -> bool:
    return _target(app)[0] is not None


def _has_page(app: StudioApp) -> bool:
    return _target(app)[1] is not None


@action("chapter.new", when=connected, inline=True, changes=True)
async def new_chapter(app: StudioApp) -> None:
    async def make(title: str) -> None:
        done = await app.session.execute(AddChapter(title=title))
        app.say(done.message or f"Chapter {title} added.")
        if done.chapter:
            app.workbench.outline.set_cursor(done.chapter)

    await ask(app, PromptLine("New chapter, its title", make))


@action("page.new", when=_has_chapter, inline=True, changes=True)
async def new_page(app: StudioApp) -> None:
    chapter, _ = _target(app)
    if chapter is None:
        return

    async def make(title: str) -> None:
        done = await app.session.execute(AddPage(chapter=chapter.id, title=title))
        if done.page:
            await app.session.open_page(done.page)
        app.say(done.message or f"Page {title} added.")

    await ask(app, PromptLine(f"New page in {chapter.number} {chapter.title}, its title", make))


@action("rename", when=_has_chapter, inline=True, changes=True)
async def rename(app: StudioApp) -> None:
    chapter, page = _target(app)
    if chapter is None:
        return

    async def name(title: str) -> None:
        if page is not None:
            await app.session.execute(RenamePage(page=page.id, title=title))
        else:
            await app.session.execute(RenameChapter(chapter=chapter.id, title=title))

    what, now = ("page", page.title) if page is not None else ("chapter", chapter.title)
    await ask(app, PromptLine(f"Rename this {what}", name, text=now))


async def _move(app: StudioApp, step: int) -> None:
    chapter, page = _target(app)
    project = app.session.project
    if chapter is None or project is None:
        return
    if page is None:
        await app.session.execute(MoveChapter(chapter=chapter.id, position=max(chapter.number + step, 1)))
        return
    wanted = page.number + step
    if 1 <= wanted <= chapter.total:
        await app.session.execute(MovePage(page=page.id, position=wanted))
        return
    beside = next((other for other in project.chapters if other.number == chapter.number + step), None)
    if beside is None:
        app.say("There is no chapter beyond this one.")
        return
    position = 1 if step > 0 else beside.total + 1
    await app.session.execute(MovePage(page=page.id, position=position, chapter=beside.id))


@action("move.down", when=_has_chapter, changes=True)
async def move_down(app: StudioApp) -> None:
    await _move(app, 1)


@action("move.up", when=_has_chapter, changes=True)
async def move_up(app: StudioApp) -> None:
    await _move(app, -1)


@action("archive", when=_has_page, changes=True)
async def archive(app: StudioApp) -> None:
    _, page = _target(app)
    if page is None:
        return
    if page.archived:
        done = await app.session.execute(UnarchivePage(page=page.id))
        app.say(done.message or "The page is back.")
        return
    done = await app.session.execute(ArchivePage(page=page.id))
    keys = app.keymap
    back = f"{keys.shown('archived')} shows archived pages, {keys.shown('archive')} on one brings it back."
    app.say(f"{done.message or 'Archived; nothing is deleted.'} {back}")


@action("archived", when=connected)
def show_archived(app: StudioApp) -> None:
    app.session.archived = not app.session.archived
    app.session.refresh()
    app.say("Archived pages are shown." if app.session.archived else "Archived pages are hidden.")
