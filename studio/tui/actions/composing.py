"""Writing: the composer under the page for feedback, notes, brief and edits, and the external editor."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from studio.domain.errors import BadInput, Conflict, NotFound, StudioError
from studio.domain.page import BRIEF
from studio.domain.text import digest
from studio.protocol.commands import Done
from studio.protocol.queries import GetContext, GetHistory, GetPage, GetRevision
from studio.protocol.views import PageView, StageCell
from studio.tui.actions.conditions import can_revise, current_cell, drafting, has_page, in_notes
from studio.tui.actions.registry import action, at_start
from studio.tui.clipboard import project_root
from studio.tui.editor import Editor, TerminalEditor
from studio.tui.presenters import composing
from studio.tui.presenters.composing import Purpose, Request
from studio.tui.presenters.pricing import pricing
from studio.tui.screens.framed import FramedScreen
from studio.tui.widgets.composer import Composer
from studio.workspace import edits

if TYPE_CHECKING:
    from studio.tui.app import StudioApp
    from studio.tui.screens.workbench import Workbench


def open_composer(app: StudioApp) -> Composer | None:
    """The composer that is open, on the screen on top or under the page; None when none is."""
    drawers = (host(app).drawer, app.workbench.drawer)
    return next((drawer for drawer in drawers if isinstance(drawer, Composer)), None)


def is_composing(app: StudioApp) -> bool:
    return open_composer(app) is not None


def host(app: StudioApp) -> Workbench | FramedScreen:
    """The screen that a composer opens on: the one on top, if it has a place for it."""
    return app.screen if isinstance(app.screen, FramedScreen) else app.workbench


async def compose(app: StudioApp, request: Request) -> Composer:
    """Open the composer for `request`; its keys work when this returns."""
    place = host(app)

    async def sent(done: Done, text: str) -> None:
        await place.close_drawer()
        if done.run:
            app.workbench.page_view.follow(done.run)
        if isinstance(place, FramedScreen):
            await place.sent(done)
        said = "" if done.run else done.message  # of a run it is the price, which stood here before the key
        app.say(_worded(app, request, said or _done(request)))
        app.session.refresh()

    async def left(words: bool) -> None:
        await place.close_drawer()
        app.session.refresh()
        if words:
            page = app.session.page
            at = page.stage or "" if page is not None and page.id == request.page else None
            keys = {**_keys(app), **({"tasks": _task_key(app, request)} if place is not app.workbench else {})}
            app.say(_worded(app, request, composing.kept_words(request.purpose, request.stage, keys, at=at)))

    line = _passage_line(app, request.stage, request.text) if request.purpose is Purpose.EDIT else 0
    composer = Composer(request, sent=sent, left=left, line=line)
    if request.purpose is Purpose.NOTE and place is app.workbench:
        await app.workbench.open_drawer(composer, focus=composer.words, across=True)  # back to the notes after it
    else:
        await place.open_drawer(composer, focus=composer.words)
    app.spawn(_fill_in(app, composer))
    return composer


def _keys(app: StudioApp) -> dict[str, str]:
    return {
        name: app.keymap.shown(name)
        for name in ("revise", "comment", "brief", "edit", "send_back", "tasks", "note.edit")
    }


def _task_key(app: StudioApp, request: Request) -> str:
    """On the board, where words for a task were left: the key that opens them again there."""
    return app.keymap.shown("tasks.new" if request.stage == composing.NEW else "tasks.edit")


def _worded(app: StudioApp, request: Request, said: str) -> str:
    """What is said of a brief, under the name that its workflow has for it; other messages may hold a title."""
    return app.words.put(said) if request.purpose is Purpose.BRIEF else said


def _done(request: Request) -> str:
    return {
        Purpose.REVISE: "Asked for a revision.",
        Purpose.COMMENT: "Noted for the next revision.",
        Purpose.BRIEF: "The brief is saved.",
        Purpose.EDIT: "Saved as a new revision.",
        Purpose.RETURN: "Sent back.",
        Purpose.TASK: "The task is saved.",
        Purpose.NOTE: "The note is changed.",
    }[request.purpose]


async def _fill_in(app: StudioApp, composer: Composer) -> None:
    """What takes a question to the engine: the price, the last feedback, and whether kept words are about an older text."""
    request = composer.request
    if request.purpose is Purpose.REVISE:
        history = await app.session.query(GetHistory(page=request.page, stage=request.stage))
        composer.request = replace(composer.request, last=composing.last_feedback(history, request.stage))
        app.refresh_footer()
    page = app.session.page
    newest = composing.newest(page, request) if page and page.id == request.page else None
    if request.kept and newest and request.revision and newest.id != request.revision:
        await _show_older(app, composer, request.revision, newest.id, newest.text)
    if request.purpose is Purpose.REVISE and page and page.id == request.page and page.stage != request.stage:
        composer.say_price(f"This text is approved. {composer.decided()}")
    elif request.purpose is Purpose.REVISE:
        composer.say_price(await _price(app, request))


async def _show_older(app: StudioApp, composer: Composer, seen: str, newest: str, text: str) -> None:
    try:
        base = (await app.session.query(GetRevision(revision=seen))).text
    except NotFound:
        base = composer.request.base_text
    composer.request = replace(composer.request, base_text=base)
    composer.rebase(newest, text, "These words were typed about an older revision; what changed since stands above.")


async def _price(app: StudioApp, request: Request) -> str:
    page = app.session.page
    try:
        view = await app.session.query(GetContext(page=request.page, stage=request.stage, feedback=request.text or " "))
    except StudioError as error:
        return str(error)
    return (
        f"{pricing(view.kind, composing.cell_of(page, request.stage) if page else None)} {app.glyphs.dot} {view.line}"
    )


# What opens it


def looked_at(app: StudioApp) -> str | None:
    """The cell under the cursor (`brief` or a stage), None when the cursor is out of sight: while a draft streams at the end of
    the page, a key must not act on the brief at its top."""
    view = app.workbench.page_view
    here = next(((first, last) for stop, first, last in view.stops if stop == view.cursor), None)
    if here is None or here[1] < view.top or here[0] >= view.top + view.size.height:
        return None
    return view.cell_name()


def _under_cursor(app: StudioApp) -> StageCell | None:
    """The cell under the cursor, else the one that the page stands at."""
    return (app.workbench.page_view.cell() if looked_at(app) else None) or current_cell(app)


def brief_of(app: StudioApp, page: PageView) -> Request:
    """What is asked of the page, under the name that its workflow has for it."""
    return replace(composing.brief(page), heading=app.words["brief"].capitalize())


def _can_edit(app: StudioApp) -> bool:
    page = app.session.page
    if page is None or page.archived or drafting(app) or in_notes(app):
        return False
    return _edit_request(app) is not None


def _edit_request(app: StudioApp) -> Request | None:
    page, cell = app.session.page, _under_cursor(app)
    if page is None:
        return None
    if looked_at(app) == BRIEF or cell is None:
        return brief_of(app, page)
    if cell.head is None and cell.name != page.stage:
        return None
    return composing.edit(page, cell)


def _kept_feedback(app: StudioApp) -> StageCell | None:
    """The cell under the cursor, if feedback on it was typed and not sent: it may be approved by now, and its words are there."""
    page, name = app.session.page, looked_at(app)
    cell = app.workbench.page_view.cell() if name else None
    return cell if page is not None and cell is not None and "revise" in composing.kept_on(page, cell.name) else None


def _revises(app: StudioApp) -> bool:
    return can_revise(app) or _kept_feedback(app) is not None


@action("revise", when=_revises, inline=True, changes=True)
async def revise(app: StudioApp) -> None:
    page, cell = app.session.page, _kept_feedback(app) or current_cell(app)
    if page is not None and cell is not None:
        await compose(app, composing.revise(page, cell))


def _can_comment(app: StudioApp) -> bool:
    cell = _under_cursor(app)
    return has_page(app) and cell is not None and cell.head is not None and not drafting(app)


@action("comment", when=_can_comment, inline=True, changes=True)
async def comment(app: StudioApp) -> None:
    page, cell = app.session.page, _under_cursor(app)
    if page is None or cell is None:
        return
    passage = app.workbench.page_view.passage() if looked_at(app) else None
    quote = passage.text if passage is not None and passage.stage == cell.name else None
    await compose(app, composing.comment(page, cell, quote))


def _brief_shown(app: StudioApp) -> tuple[int, str]:
    """First on a page without one, late on others."""
    page = app.session.page
    return (6 if page is not None and page.phase == "awaiting" else 56, app.words["brief"])


@action("brief", when=has_page, inline=True, changes=True, shown=_brief_shown)
async def brief(app: StudioApp) -> None:
    if app.session.page is not None:
        await compose(app, brief_of(app, app.session.page))


@action("edit", when=_can_edit, inline=True, changes=True)
async def edit(app: StudioApp) -> None:
    """In place; words that an editor left in a file are taken up, unless others were typed here since."""
    request = _edit_request(app)
    if request is None:
        return
    left = left_for(app, request)
    if left is None:
        await compose(app, request)
    elif request.kept:
        await compose(app, request)
        key = app.keymap.shown("edit.outside")
        app.say(
            f"These are the words typed here. What an editor left is in {_shown_path(app, left.path)}; {key} opens that."
        )
    else:
        await _take_up(
            app, replace(request, text=left.text, kept=True, revision=left.revision_id or request.revision), left
        )


# The external editor


def editor_of(app: StudioApp) -> Editor:
    return app.options.editor or TerminalEditor(app)


def left_for(app: StudioApp, request: Request) -> edits.EditFile | None:
    """The newest file that an editor left changed for what `request` is about."""
    root, name = project_root(app), composing.file_stage(request)
    found = edits.leftovers(root) if root is not None else ()
    return next((one for one in reversed(found) if one.page_id == request.page and one.stage == name), None)


def _shown_path(app: StudioApp, path: Path) -> str:
    root = project_root(app)
    return str(path.relative_to(root) if root is not None and path.is_relative_to(root) else path)


def _key(app: StudioApp, action_id: str) -> str:
    return app.keymap.shown(action_id) or action_id


def _passage_line(app: StudioApp, stage: str, text: str) -> int:
    """The line of `text`, from 0, where the paragraph under the cursor begins."""
    passage = app.workbench.page_view.passage() if looked_at(app) else None
    if passage is None or passage.stage != stage:
        return 0
    written = [number for number, words in enumerate(text.split("\n")) if words.strip()]
    return written[passage.paragraph] if passage.paragraph < len(written) else 0


def _edit_outside(
    app: StudioApp, request: Request, text: str, left: edits.EditFile | None, *, how: str
) -> edits.EditFile | None:
    """Write the file (or take the one that was `left`), run the editor, read it back; None when nothing changed.

    Raises StudioError; a changed file stays, and the error says where it is and `how` to go on with it.
    """
    root = project_root(app)
    page = app.session.page
    if root is None or page is None:
        raise BadInput("There is no project folder here to keep an editor's file in.")
    path = left.path if left is not None else edits.write(
        root, page_id=request.page, page_slug=page.slug or page.id, stage=composing.file_stage(request),
        revision_id=request.revision, title=request.title or request.heading, text=text, hints=request.notes,
    )  # fmt: skip
    failed: StudioError | None = None
    try:
        editor_of(app).edit(path, edits.text_line(path) + _passage_line(app, request.stage, text))
    except StudioError as error:
        failed = error
    found = edits.read(path)
    if not found.changed:
        edits.remove(path)
    if failed is not None and found.changed:
        raise BadInput(
            f"{failed.message} What it saved is kept in {_shown_path(app, path)}.", hint=f"{how} {failed.hint}".strip()
        )
    if failed is not None:
        raise BadInput(f"{failed.message} The text is as it was.", hint=failed.hint)
    return found if found.changed else None


@action("edit.outside", when=_can_edit, inline=True, changes=True)
async def edit_outside(app: StudioApp) -> None:
    """The text in $VISUAL or $EDITOR; what an editor left there before is opened again."""
    request = _edit_request(app)
    if request is None:
        return
    left = left_for(app, request)
    if left is not None:  # words that are kept beside it are others, and stay
        request = replace(request, revision=left.revision_id or request.revision, kept=False)
    how = f"{_key(app, 'edit.outside')} opens it again, {_key(app, 'edit')} takes it up here."
    found = _edit_outside(app, request, request.text, left, how=how)
    if found is None:
        app.say("Nothing changed.")
        return
    await _save(app, request, found)


async def _save(app: StudioApp, request: Request, found: edits.EditFile) -> None:
    """Make the editor's text a revision. What cannot be saved goes on in the composer; the file goes only when the text is safe."""
    try:
        done = await app.session.execute(composing.command(request, found.text))
    except Conflict as error:
        if app.session.page is not None and not request.kept:
            _spare(app, app.session.page, request, found.text)
        composer = await compose(app, replace(request, text=found.text))
        await composer.meet(error)
        await _let_go(app, composer, found)
        return
    if request.kept:
        with contextlib.suppress(Conflict):  # another terminal keeps other words there by now: those stay
            forgotten = request.keep(request.original)
            await app.session.execute(msgspec.structs.replace(forgotten, seen=digest(request.stored)))
    edits.remove(found.path)
    app.say(done.message or _done(request))
    app.session.refresh()


@action("composer.outside", when=is_composing, inline=True)
async def outside(app: StudioApp) -> None:
    """The same words in the external editor; they come back into the field."""
    composer = open_composer(app)
    if composer is None:
        return
    await composer.keep_now()
    left = left_for(app, composer.request)
    again = left if left is not None and left.made_from(composer.text) else None
    found = _edit_outside(
        app, composer.request, composer.text, again, how=f"{_key(app, 'composer.outside')} opens it again."
    )
    if found is not None:
        composer.put(found.text)
        if await composer.keep_now():
            edits.remove(found.path)


async def _let_go(app: StudioApp, composer: Composer, found: edits.EditFile) -> None:
    """Remove the editor's file once the engine keeps its words."""
    composer.keeper.unsaved()
    if await composer.keep_now():
        edits.remove(found.path)


# What an editor left after a crash


@at_start
async def offer_leftovers(app: StudioApp) -> None:
    """Say at the start that an editor's file was left over and offer to go on with it, else that words were typed and not sent."""
    if app.options.view:
        return
    root = project_root(app)
    found = edits.leftovers(root) if root is not None else ()
    if not found:
        _say_unsent(app)
        return
    more = f" ({len(found)} files in all)" if len(found) > 1 else ""

    async def go() -> None:
        await open_leftover(app, found[0])

    app.ask(f"The {found[0].stage} of {found[0].page_slug} was left in an editor unsaved{more}.", "edit.leftover", go)


def _say_unsent(app: StudioApp) -> None:
    page = app.session.page
    unsent = composing.unsent(page) if page is not None else None
    if unsent is None or app.message is not None:
        return
    assert page is not None
    app.say(composing.kept_words(*unsent, _keys(app), said="kept, unsent", at=page.stage or ""))


async def open_leftover(app: StudioApp, found: edits.EditFile) -> None:
    """Its page and its text in the composer; the file goes when the engine keeps the words."""
    page = await app.session.query(GetPage(page=found.page_id or found.page_slug))
    request = composing.reopened(page, found.stage, found.text, found.revision_id)
    if request is None:
        raise BadInput(f"{found.path.name} belongs to no stage of its page.", hint=f"It is kept as {found.path}.")
    await app.session.open_page(page.id)
    _spare(app, page, request, found.text)
    await _take_up(app, request, found)


def _spare(app: StudioApp, page: PageView, request: Request, text: str) -> None:
    """Words kept where `text` is about to be kept go to a file of their own: the next start offers them. Raises StorageError."""
    root = project_root(app)
    kept = next((one for one in page.kept if one.place == request.place and one.text.strip()), None)
    if root is None or kept is None or kept.text == text:
        return
    edits.write(
        root, page_id=page.id, page_slug=page.slug or page.id, stage=composing.file_stage(request),
        revision_id=kept.base_revision, title=page.title, text=request.original, typed=kept.text,
    )  # fmt: skip


async def _take_up(app: StudioApp, request: Request, found: edits.EditFile) -> None:
    """The composer with an editor's text in it; the file goes once the engine keeps the words."""
    composer = await compose(app, request)
    await _let_go(app, composer, found)


def _has_root(app: StudioApp) -> bool:
    return project_root(app) is not None and app.session.connected


@action("edit.leftover", when=_has_root, inline=True, changes=True)
async def leftover(app: StudioApp) -> None:
    root = project_root(app)
    found = edits.leftovers(root) if root is not None else ()
    if not found:
        app.say("No editor left anything behind.")
        return
    await open_leftover(app, found[0])
