"""Fills an empty project from a `book.toml`: chapters, briefs, and a history that is replayed step by step."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, assert_never

import msgspec

from studio.domain.errors import BadInput, Refused
from studio.domain.page import BRIEF, FeedbackKind, Origin, Page, Revision
from studio.domain.text import clean, counted, one_line, slugify
from studio.domain.workflow import Action, Phase, Stage, State, advance
from studio.engine.book_outline import Book, PageOutline, Step
from studio.engine.feedback import add_feedback
from studio.engine.handlers.book import new_chapter, new_page
from studio.engine.open_project import Call, OpenProject
from studio.engine.texts import add_person_revision, add_revision, structured
from studio.protocol import commands as c
from studio.protocol.events import BookChanged
from studio.store import chapters, feedback, pages, revisions
from studio.store.transaction import Tx
from studio.workspace.jail import Jail

if TYPE_CHECKING:
    from studio.workspace.app_files import FileState

Trees = Mapping[str, Mapping[str, "FileState"]]
"""By the folder that a version's files lie in."""
_BETWEEN = timedelta(minutes=1)


async def import_book(project: OpenProject, path: str, call: Call) -> c.Done:
    """Everything in one transaction, or nothing; refused when the project has chapters already."""
    book = await asyncio.to_thread(_read, project, path)
    trees = await asyncio.to_thread(_trees, project, book)

    def work(tx: Tx) -> c.Done:
        if chapters.listing(tx):
            raise Refused("The project has chapters already.", hint="Import a book into a new, empty project.")
        count, now = 0, tx.now
        tx.now = now - _BETWEEN * _moments(project, book)
        for outline in book.chapter:
            chapter = new_chapter(tx, one_line(outline.title), outline.slug or slugify(outline.title))
            tx.emit(BookChanged(chapter=chapter.id, what="chapter.add"))
            for one in outline.page:
                _import_page(project, tx, chapter.id, one, trees)
                count += 1
        tx.now = now
        return c.Done(seq=0, message=f"{counted(len(book.chapter), 'chapter')} and {counted(count, 'page')} imported.")

    return await project.act(call, work)


def _moments(project: OpenProject, book: Book) -> int:
    """How many steps of the history have a time of their own: those of an application, whose audit trail is read by time."""
    if project.builds is None:
        return 0
    return sum(1 + len(page.step) for chapter in book.chapter for page in chapter.page if clean(page.brief).strip())


def _next_moment(project: OpenProject, tx: Tx) -> None:
    if project.builds is not None:
        tx.now += _BETWEEN


def _read(project: OpenProject, path: str) -> Book:
    with Jail(project.root) as jail:
        text = jail.read_text(path)
    try:
        return msgspec.toml.decode(text, type=Book)
    except msgspec.DecodeError as error:
        raise BadInput(
            f"{path} could not be read as a book: {error}.", hint="See the sample project's book.toml."
        ) from error


def _trees(project: OpenProject, book: Book) -> Trees:
    """The files of every version that the book names."""
    steps = (step for chapter in book.chapter for page in chapter.page for step in page.step)
    folders = [step.version.folder for step in steps if step.version]
    if not folders:
        return {}
    from studio.engine.apps.replaying import read_trees

    return read_trees(project, folders)


def _import_page(project: OpenProject, tx: Tx, chapter_id: str, outline: PageOutline, trees: Trees) -> None:
    page = new_page(project, tx, chapter_id, one_line(outline.title), outline.slug)
    tx.emit(BookChanged(chapter=chapter_id, page=page.id, what="page.add"))
    brief = clean(outline.brief).strip()
    if not brief:
        return
    _next_moment(project, tx)
    add_person_revision(tx, page.id, BRIEF, brief, parent=None)
    page = project.move_to(tx, page, advance(project.workflow, State(Phase.AWAITING), Action.BRIEF), "brief")
    if outline.step and project.builds is not None:
        from studio.engine.apps import replaying

        replaying.begun(project, tx, page)
    for step in outline.step:
        _next_moment(project, tx)
        page = _replay(project, tx, page, step, trees)


def _replay(project: OpenProject, tx: Tx, page: Page, step: Step, trees: Trees) -> Page:
    stage = project.workflow.stage(step.stage)
    head = revisions.head(tx, page.id, stage.name)
    match step.do:
        case "approve":
            return _approve(project, tx, page, stage, _there(page, head, stage, "approve"))
        case "comment":
            there = _there(page, head, stage, "comment on")
            add_feedback(tx, there, FeedbackKind.NOTE, clean(step.feedback), step.quote)
            return page
        case "dismiss":
            for note in feedback.open_notes(tx, page.id, stage.name):
                feedback.resolve(tx, note.id)
            return page
        case "settle":
            project.needs_app()
            from studio.engine.apps import replaying

            replaying.settle(tx, page, step.rule, step.state, tx.actor, step.feedback)
            return page
        case "draft" | "revise" | "edit":
            return _write(project, tx, page, stage, step, head, trees)
        case _:
            assert_never(step.do)


def _there(page: Page, head: Revision | None, stage: Stage, verb: str) -> Revision:
    if head is None:
        raise BadInput(f"{page.title!r}: there is no {stage.name} to {verb}.")
    return head


def _approve(project: OpenProject, tx: Tx, page: Page, stage: Stage, head: Revision) -> Page:
    following = advance(project.workflow, project.state_of(page), Action.APPROVE)
    pages.set_approved(tx, page.id, stage.name, head.id)
    if project.builds is not None:
        project.builds.approved(tx, page, head)
    return project.move_to(tx, page, following, "approve", stage=stage.name, revision=head.id)


def _write(
    project: OpenProject, tx: Tx, page: Page, stage: Stage, step: Step, head: Revision | None, trees: Trees
) -> Page:
    state = project.state_of(page)
    text, data = structured(stage, clean(step.text).strip())
    note = None
    if step.do == "revise" and head is not None:
        given = [one.id for one in feedback.open_notes(tx, page.id, stage.name)]
        note = add_feedback(tx, head, FeedbackKind.REVISE, clean(step.feedback).strip(), step.quote).id
        feedback.mark_used(tx, [*given, note], "")
        state = advance(project.workflow, state, Action.REVISE, has_revision=True)
    person, asked_by = step.do == "edit", tx.actor
    tx.actor = asked_by if person else ""  # what a role made is no act of the person who imports it
    if project.builds is not None:
        from studio.engine.apps import replaying

        replaying.said(project, tx, page, stage.name, text)
        if step.version is not None:
            data = replaying.version(project, tx, page, step.version, trees[step.version.folder])
    revision = add_revision(
        tx, page.id, stage.name, text, origin=Origin.PERSON if person else Origin.SAMPLE, parent=head, data=data,
        model=None if person else step.model, feedback_id=note, author=None if person else step.model,
    )  # fmt: skip
    if project.builds is not None:
        project.builds.revision_made(tx, page, revision)
    action = Action.EDIT if person else Action.DRAFT_READY
    moved = project.move_to(
        tx, page, advance(project.workflow, state, action), action.value, stage=stage.name, revision=revision.id
    )
    tx.actor = asked_by
    return moved
