"""Commands on the outline: chapters and pages are added, renamed, moved and archived; nothing is ever deleted."""

from __future__ import annotations

from collections.abc import Collection

from studio.domain.errors import BadInput
from studio.domain.ids import new_id
from studio.domain.page import BRIEF, Chapter, Page
from studio.domain.text import clean, slugify
from studio.domain.typed import typed_line
from studio.domain.workflow import Action, Phase, State, advance
from studio.engine.open_project import Call, OpenProject
from studio.engine.texts import add_person_revision, refuse_running, refuse_stale
from studio.protocol import commands as c
from studio.protocol.events import BookChanged
from studio.store import chapters, pages, revisions
from studio.store.naming import free_slug
from studio.store.transaction import Tx


async def add_chapter(project: OpenProject, command: c.AddChapter, call: Call) -> c.Done:
    title = title_of(command.title, "chapter")

    def work(tx: Tx) -> c.Done:
        known = [one.id for one in chapters.listing(tx)]
        chapter = new_chapter(tx, title, command.slug or slugify(title))
        if command.position is not None:
            chapters.reorder(tx, _placed(known, chapter.id, command.position))
        tx.emit(BookChanged(chapter=chapter.id, what="chapter.add"))
        return c.Done(seq=0, message=f"Chapter {title!r} added.", chapter=chapter.id)

    return await project.act(call, work)


def new_chapter(tx: Tx, title: str, wanted_slug: str) -> Chapter:
    """Insert a chapter at the end of the book."""
    known = chapters.listing(tx)
    slug = _free_slug(wanted_slug, {chapter.slug for chapter in known})
    chapter = Chapter(id=new_id(), slug=slug, position=len(known) + 1, title=title, created_at=tx.now)
    chapters.insert(tx, chapter)
    return chapter


def new_page(
    project: OpenProject, tx: Tx, chapter_id: str, title: str, wanted_slug: str, state: State | None = None
) -> Page:
    """Insert a page at the end of a chapter, awaiting its brief; with another `state` the caller gives it what that needs."""
    state = state or State(Phase.AWAITING)
    taken = pages.slugs(tx, chapter_id)
    wanted = slugify(wanted_slug) or slugify(title) or f"page-{len(taken) + 1}"
    page = Page(
        id=new_id(),
        chapter_id=chapter_id,
        slug=free_slug(wanted, set(taken), "page"),
        position=len(taken) + 1,
        title=title,
        state=project.workflow.state_name(state),
        version=1,
        created_at=tx.now,
        updated_at=tx.now,
    )
    pages.insert(tx, page, project.workflow.name, state.stage)
    return page


async def rename_chapter(project: OpenProject, command: c.RenameChapter, call: Call) -> c.Done:
    title = title_of(command.title, "chapter")

    def work(tx: Tx) -> c.Done:
        chapter = chapters.resolve(tx, command.chapter)
        chapters.rename(tx, chapter.id, title)
        tx.emit(BookChanged(chapter=chapter.id, what="chapter.rename"))
        return c.Done(seq=0, message=f"Chapter renamed to {title!r}.", chapter=chapter.id)

    done = await project.act(call, work)
    await project.manuscript.rewrite_moved()
    return done


async def move_chapter(project: OpenProject, command: c.MoveChapter, call: Call) -> c.Done:
    def work(tx: Tx) -> c.Done:
        chapter = chapters.resolve(tx, command.chapter)
        others = [one.id for one in chapters.listing(tx) if one.id != chapter.id]
        order = _placed(others, chapter.id, command.position)
        chapters.reorder(tx, order)
        tx.emit(BookChanged(chapter=chapter.id, what="chapter.move"))
        place = order.index(chapter.id) + 1
        said = _place_words("Chapter", place, len(order), command.position, "the book")
        return c.Done(seq=0, message=said, chapter=chapter.id, place=place)

    return await project.act(call, work)


async def add_page(project: OpenProject, command: c.AddPage, call: Call) -> c.Done:
    brief = clean(command.brief).strip()
    title = title_of(command.title, "page") if command.title else ""

    def work(tx: Tx) -> c.Done:
        chapter = chapters.resolve(tx, command.chapter)
        siblings = pages.listing(tx, chapter.id, archived=True)
        page = new_page(project, tx, chapter.id, title, command.slug or "")
        if command.position is not None:
            aside = {one.id for one in siblings if one.archived}
            order = _placed([one.id for one in siblings], page.id, command.position, aside)
            pages.reorder(tx, chapter.id, order)
        tx.emit(BookChanged(chapter=chapter.id, page=page.id, what="page.add"))
        revision = None
        if brief:
            revision = add_person_revision(tx, page.id, BRIEF, brief, parent=None).id
            page = project.move_to(
                tx, page, advance(project.workflow, State(Phase.AWAITING), Action.BRIEF), "brief", revision=revision
            )
        return c.Done(
            seq=0, message="Page added.", page=page.id, chapter=chapter.id, revision=revision, state=page.state
        )

    return await project.act(call, work)


async def set_brief(project: OpenProject, command: c.SetBrief, call: Call) -> c.Done:
    text = clean(command.text).strip()
    if not text:
        raise BadInput("The brief is empty.", hint="Say in a sentence or two what happens on the page.")

    def work(tx: Tx) -> c.Done:
        page = pages.resolve(tx, command.page, final_state=project.workflow.final_state)
        newest = revisions.head(tx, page.id, BRIEF)
        refuse_stale(command.revision, newest)
        revision = add_person_revision(tx, page.id, BRIEF, text, parent=newest)
        following = advance(project.workflow, project.state_of(page), Action.BRIEF)
        page = project.move_to(tx, page, following, "brief", stage=BRIEF, revision=revision.id)
        earlier = _of_the_earlier_brief(project, tx, page) if newest is not None and newest.text != text else ""
        return c.Done(seq=0, message=f"Brief saved.{earlier}", page=page.id, revision=revision.id, state=page.state)

    return await project.act(call, work)


def _of_the_earlier_brief(project: OpenProject, tx: Tx, page: Page) -> str:
    """Which texts of the page a new brief does not reach by itself, and what has to be done so that they follow it."""
    heads = pages.heads(tx, page.id)
    written = [one for one in project.workflow.stages if one.name in heads and heads[one.name].revision_id is not None]
    if not written:
        return ""
    *others, last = [one.label.lower() for one in written]
    named = f"{', '.join(others)} and {last} were" if others else f"{last} was"
    approved = any(heads[one.name].approved_id is not None for one in written)
    way = "undo the approval, then revise or draft again" if approved else "revise it, or draft it again"
    they = "them" if others else "it"
    return f" The {named} made from the earlier brief; to have {they} follow the new one, {way}."


async def move_page(project: OpenProject, command: c.MovePage, call: Call) -> c.Done:
    def work(tx: Tx) -> c.Done:
        page = pages.resolve(tx, command.page, final_state=project.workflow.final_state)
        target = chapters.resolve(tx, command.chapter).id if command.chapter else page.chapter_id
        if target != page.chapter_id:
            # Two pages of one slug would share one name, and one file of the manuscript.
            slug = pages.unique_slug(tx, target, page.slug)
            pages.update(tx, page.id, chapter_id=target, slug=slug)
            rest = [one.id for one in pages.listing(tx, page.chapter_id, archived=True) if one.id != page.id]
            pages.reorder(tx, page.chapter_id, rest)
        siblings = [one for one in pages.listing(tx, target, archived=True) if one.id != page.id]
        aside = {one.id for one in siblings if one.archived}
        order = _placed([one.id for one in siblings], page.id, command.position, aside)
        pages.reorder(tx, target, order)
        tx.emit(BookChanged(chapter=target, page=page.id, what="page.move"))
        if page.archived:
            said, place = "Page moved; it is archived, so it has no place yet.", None
        else:
            numbered = [one for one in order if one not in aside]
            place = numbered.index(page.id) + 1
            said = _place_words("Page", place, len(numbered), command.position, "the chapter")
        return c.Done(seq=0, message=said, page=page.id, chapter=target, state=page.state, place=place)

    done = await project.act(call, work)
    await project.manuscript.rewrite_moved()
    return done


async def rename_page(project: OpenProject, command: c.RenamePage, call: Call) -> c.Done:
    title = title_of(command.title, "page")

    def work(tx: Tx) -> c.Done:
        page = pages.resolve(tx, command.page, final_state=project.workflow.final_state)
        pages.update(tx, page.id, title=title)
        tx.emit(BookChanged(chapter=page.chapter_id, page=page.id, what="page.rename"))
        return c.Done(seq=0, message=f"Page renamed to {title!r}.", page=page.id, state=page.state)

    done = await project.act(call, work)
    await project.manuscript.rewrite_moved()
    return done


async def archive_page(project: OpenProject, command: c.ArchivePage, call: Call) -> c.Done:
    return await _set_archived(project, command.page, call, archived=True)


async def unarchive_page(project: OpenProject, command: c.UnarchivePage, call: Call) -> c.Done:
    return await _set_archived(project, command.page, call, archived=False)


async def _set_archived(project: OpenProject, ref: str, call: Call, *, archived: bool) -> c.Done:
    def work(tx: Tx) -> c.Done:
        page = pages.resolve(tx, ref, final_state=project.workflow.final_state)
        if archived:
            refuse_running(tx, page.id)
        pages.update(tx, page.id, archived=archived)
        what = "page.archive" if archived else "page.unarchive"
        tx.emit(BookChanged(chapter=page.chapter_id, page=page.id, what=what))
        message = "Page archived; nothing of it is deleted." if archived else "Page is back in its chapter."
        return c.Done(seq=0, message=message, page=page.id, state=page.state)

    return await project.act(call, work)


def title_of(text: str, what: str) -> str:
    """A usable title on one line; raises BadInput for an empty one and for one that is too long."""
    title = typed_line(text, "title")
    if not title:
        raise BadInput(f"A {what} needs a title.", hint="Give one word or more.")
    return title


def _placed(others: list[str], moved: str, position: int, aside: Collection[str] = ()) -> list[str]:
    """`moved` as the one with the number `position`, at most the last; those `aside` (archived) keep their places and have no number."""
    at = [index for index, one in enumerate(others) if one not in aside]
    place = at[max(position, 1) - 1] if position <= len(at) else len(others)
    return [*others[:place], moved, *others[place:]]


def _place_words(what: str, place: int, total: int, wanted: int, of: str) -> str:
    """`Page moved to place 2 of 4.`; where fewer are there than was asked for, that too."""
    if wanted <= total:
        return f"{what} moved to place {place} of {total}."
    return f"{what} moved to the end, place {place} of {total}: {of} has no place {wanted}."


def _free_slug(wanted: str, taken: set[str]) -> str:
    base = slugify(wanted) or "chapter"
    number, slug = 1, base
    while slug in taken:
        number += 1
        slug = f"{base}-{number}"
    return slug
