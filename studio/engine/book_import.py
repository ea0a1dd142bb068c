"""Fills an empty project from a `book.toml`: chapters, briefs, and a history that is replayed step by step."""

from __future__ import annotations

import asyncio
from typing import Literal

import msgspec

from studio.domain.errors import BadInput, Refused
from studio.domain.page import BRIEF, FeedbackKind, Origin, Page
from studio.domain.text import clean, one_line, slugify
from studio.domain.workflow import Action, Phase, State, advance
from studio.engine.feedback import add_feedback
from studio.engine.handlers.book import new_chapter, new_page
from studio.engine.open_project import Call, OpenProject
from studio.engine.texts import add_person_revision, add_revision, structured
from studio.protocol import commands as c
from studio.protocol.events import BookChanged
from studio.store import chapters, pages, revisions
from studio.store.transaction import Tx
from studio.workspace.jail import Jail


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    do: Literal["draft", "revise", "edit", "comment", "approve"]
    stage: str
    text: str = ""
    model: str = "sample:author"
    feedback: str = ""
    quote: str | None = None


class PageOutline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str = ""
    slug: str = ""
    brief: str = ""
    step: tuple[Step, ...] = ()


class ChapterOutline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    slug: str = ""
    page: tuple[PageOutline, ...] = ()


class Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    chapter: tuple[ChapterOutline, ...]


async def import_book(project: OpenProject, path: str, call: Call) -> c.Done:
    """Everything in one transaction, or nothing; refused when the project has chapters already."""
    book = await asyncio.to_thread(_read, project, path)

    def work(tx: Tx) -> c.Done:
        if chapters.listing(tx):
            raise Refused("The project has chapters already.", hint="Import a book into a new, empty project.")
        count = 0
        for outline in book.chapter:
            chapter = new_chapter(tx, one_line(outline.title), outline.slug or slugify(outline.title))
            tx.emit(BookChanged(chapter=chapter.id, what="chapter.add"))
            for one in outline.page:
                _import_page(project, tx, chapter.id, one)
                count += 1
        return c.Done(seq=0, message=f"{len(book.chapter)} chapters and {count} pages imported.")

    return await project.act(call, work)


def _read(project: OpenProject, path: str) -> Book:
    with Jail(project.root) as jail:
        text = jail.read_text(path)
    try:
        return msgspec.toml.decode(text, type=Book)
    except msgspec.DecodeError as error:
        raise BadInput(
            f"{path} could not be read as a book: {error}.", hint="See the sample project's book.toml."
        ) from error


def _import_page(project: OpenProject, tx: Tx, chapter_id: str, outline: PageOutline) -> None:
    page = new_page(project, tx, chapter_id, one_line(outline.title), outline.slug)
    tx.emit(BookChanged(chapter=chapter_id, page=page.id, what="page.add"))
    brief = clean(outline.brief).strip()
    if not brief:
        return
    add_person_revision(tx, page.id, BRIEF, brief, parent=None)
    page = project.move_to(tx, page, advance(project.workflow, State(Phase.AWAITING), Action.BRIEF), "brief")
    for step in outline.step:
        page = _replay(project, tx, page, step)


def _replay(project: OpenProject, tx: Tx, page: Page, step: Step) -> Page:
    stage = project.workflow.stage(step.stage)
    head = revisions.head(tx, page.id, stage.name)
    state = project.state_of(page)
    if step.do == "approve":
        if head is None:
            raise BadInput(f"{page.title!r}: there is no {stage.name} to approve.")
        pages.set_approved(tx, page.id, stage.name, head.id)
        return project.move_to(
            tx, page, advance(project.workflow, state, Action.APPROVE), "approve", stage=stage.name, revision=head.id
        )
    if step.do == "comment":
        if head is None:
            raise BadInput(f"{page.title!r}: there is no {stage.name} to comment on.")
        add_feedback(tx, head, FeedbackKind.NOTE, clean(step.feedback), step.quote)
        return page
    text, data = structured(stage, clean(step.text).strip())
    note = None
    if step.do == "revise" and head is not None:
        note = add_feedback(tx, head, FeedbackKind.REVISE, clean(step.feedback).strip(), step.quote).id
        state = advance(project.workflow, state, Action.REVISE, has_revision=True)
    person = step.do == "edit"
    revision = add_revision(
        tx, page.id, stage.name, text, origin=Origin.PERSON if person else Origin.SAMPLE, parent=head, data=data,
        model=None if person else step.model, feedback_id=note, author=None if person else step.model,
    )  # fmt: skip
    action = Action.EDIT if person else Action.DRAFT_READY
    return project.move_to(
        tx, page, advance(project.workflow, state, action), action.value, stage=stage.name, revision=revision.id
    )
