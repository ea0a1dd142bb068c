"""What a composer is open for: its heading, the notes above it, the words it begins with, and the command it sends. No widgets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from studio.domain.page import BRIEF
from studio.domain.text import clean, one_line
from studio.protocol import commands
from studio.protocol.commands import AnyCommand, KeepWords
from studio.protocol.views import ChapterLine, HistoryView, PageLine, PageView, RevisionView, StageCell


class Purpose(StrEnum):
    REVISE = "feedback"
    COMMENT = "comment"
    BRIEF = "brief"
    EDIT = "edit"
    PAGE_TITLE = "page_title"
    CHAPTER_TITLE = "chapter_title"
    NEW_PAGE = "new_page"
    NEW_CHAPTER = "new_chapter"

    @property
    def one_line(self) -> bool:
        return self not in (Purpose.REVISE, Purpose.COMMENT, Purpose.BRIEF, Purpose.EDIT)

    @property
    def large(self) -> bool:
        """Whether the whole text of a stage is written here, not words about it."""
        return self is Purpose.EDIT


@dataclass(frozen=True, slots=True)
class Request:
    """`revision` is what the person saw; `base_text` its text, for the difference shown after a Conflict. `kept` says that `text`
    was typed earlier and not sent; `original` is what the field holds when nothing was typed."""

    purpose: Purpose
    heading: str
    page: str = ""
    stage: str = ""
    chapter: str = ""
    revision: str | None = None
    base_text: str = ""
    quote: str | None = None
    notes: tuple[str, ...] = ()
    last: str = ""
    text: str = ""
    original: str = ""
    kept: bool = False
    title: str = ""

    @property
    def place(self) -> str:
        """Where unsent words are kept (`KeepWords.place`); empty where they are not, as for a title."""
        if self.purpose.one_line or not self.page:
            return ""
        return self.purpose.value if self.purpose is Purpose.BRIEF else f"{self.purpose.value}:{self.stage}"

    def keep(self, text: str) -> KeepWords:
        """The command that keeps `text`; text that is nothing new is forgotten."""
        new = "" if text == self.original or not text.strip() else text
        return KeepWords(page=self.page, place=self.place, text=new, base_revision=self.revision)

    def on(self, revision: str | None, text: str) -> Request:
        """The same words against another revision: how a person goes on after a Conflict."""
        return replace(self, revision=revision, base_text=text)


def cell_of(page: PageView, stage: str) -> StageCell | None:
    return next((cell for cell in page.cells if cell.name == stage), None)


def revise(page: PageView, cell: StageCell, quote: str | None = None, last: str = "") -> Request:
    """Feedback on the newest revision of a cell."""
    head = cell.head
    number = f" r{head.number}" if head else ""
    made = _with_kept(page, Request(
        Purpose.REVISE, f"Revise {cell.label}{number}", page.id, cell.name, revision=head.id if head else None,
        base_text=head.text if head else "", quote=quote, notes=open_notes(cell), last=last, title=page.title,
    ))  # fmt: skip
    return made


def comment(page: PageView, cell: StageCell, quote: str | None) -> Request:
    """A note for the next revision, on a passage or on the whole."""
    head = cell.head
    return _with_kept(page, Request(
        Purpose.COMMENT, f"Note on {cell.label}", page.id, cell.name, revision=head.id if head else None,
        base_text=head.text if head else "", quote=quote, notes=open_notes(cell), title=page.title,
    ))  # fmt: skip


def brief(page: PageView) -> Request:
    text = page.brief.text if page.brief else ""
    return _with_kept(page, Request(
        Purpose.BRIEF, "Brief", page.id, BRIEF, revision=page.brief.id if page.brief else None, base_text=text, text=text,
        original=text, title=page.title,
    ))  # fmt: skip


def edit(page: PageView, cell: StageCell) -> Request:
    """The newest text of a cell, to be changed by hand; empty where nothing is written yet."""
    head = cell.head
    text = head.text if head else ""
    return _with_kept(page, Request(
        Purpose.EDIT, f"Edit {cell.label}", page.id, cell.name, revision=head.id if head else None, base_text=text, text=text,
        original=text, title=page.title,
    ))  # fmt: skip


def rename_page(page: PageView | PageLine) -> Request:
    return Request(Purpose.PAGE_TITLE, "Rename page", page.id, text=page.title, original=page.title)


def rename_chapter(chapter: ChapterLine) -> Request:
    return Request(
        Purpose.CHAPTER_TITLE, "Rename chapter", chapter=chapter.id, text=chapter.title, original=chapter.title
    )


def new_page(chapter: str, label: str = "page") -> Request:
    return Request(Purpose.NEW_PAGE, f"New {label}: title", chapter=chapter)


def new_chapter(label: str = "chapter") -> Request:
    return Request(Purpose.NEW_CHAPTER, f"New {label}: title")


def open_notes(cell: StageCell) -> tuple[str, ...]:
    """Notes that the next revision will be given, one line each, with the passage they are about."""
    return tuple(
        f'"{one_line(note.quote, 40)}" - {one_line(note.text)}' if note.quote else one_line(note.text)
        for note in cell.notes
        if not note.used and not note.resolved
    )


def last_feedback(history: HistoryView, stage: str) -> str:
    """What was asked for last on a stage, to send again or to change."""
    said = [note for note in history.feedback if note.stage == stage and note.kind == "revise"]
    return max(said, key=lambda note: note.created_at).text if said else ""


def _with_kept(page: PageView, request: Request) -> Request:
    """The request with the words that were typed and not sent, if there are any."""
    words = next((kept for kept in page.kept if kept.place == request.place and kept.text.strip()), None)
    if words is None or words.text == request.text:
        return request
    return replace(request, text=words.text, kept=True, revision=words.base_revision or request.revision)


def tidy(request: Request, text: str) -> str:
    """The text as it is sent: cleaned; a title on one line; words about a text without outer blank lines."""
    if request.purpose.one_line:
        return one_line(text)
    return clean(text).strip("\n") if request.purpose.large else clean(text).strip()


def refusal(request: Request, text: str) -> str:
    """Why `text` cannot be sent, in a sentence; empty when it can. A revision may be asked for by its notes alone."""
    words = tidy(request, text)
    if request.purpose is Purpose.REVISE:
        return "" if words or request.notes else "Say what should change, or leave with esc."
    if request.purpose is Purpose.EDIT and not words:
        return "An empty text is not saved; esc leaves the page as it is."
    if request.purpose is Purpose.NEW_PAGE or words:
        return ""
    return "There is nothing to send yet; esc leaves."


def changes_nothing(request: Request, text: str) -> bool:
    """Whether sending would save what is saved already."""
    same = tidy(request, text) == tidy(request, request.original)
    return same and request.purpose in (Purpose.EDIT, Purpose.BRIEF, Purpose.PAGE_TITLE, Purpose.CHAPTER_TITLE)


def command(request: Request, text: str) -> AnyCommand:
    """What is sent to the engine for `text`."""
    words = tidy(request, text)
    match request.purpose:
        case Purpose.REVISE:
            return commands.Revise(page=request.page, feedback=words, quote=request.quote, revision=request.revision)
        case Purpose.COMMENT:
            return commands.Comment(revision=request.revision or "", text=words, quote=request.quote)
        case Purpose.BRIEF:
            return commands.SetBrief(page=request.page, text=words, revision=request.revision)
        case Purpose.EDIT:
            return commands.Edit(page=request.page, stage=request.stage, text=words, revision=request.revision)
        case Purpose.PAGE_TITLE:
            return commands.RenamePage(page=request.page, title=words)
        case Purpose.CHAPTER_TITLE:
            return commands.RenameChapter(chapter=request.chapter, title=words)
        case Purpose.NEW_PAGE:
            return commands.AddPage(chapter=request.chapter, title=words)
        case Purpose.NEW_CHAPTER:
            return commands.AddChapter(title=words)
        case _:
            assert_never(request.purpose)


def newest(page: PageView, request: Request) -> RevisionView | None:
    """The revision that stands now where the request began."""
    if request.purpose is Purpose.BRIEF:
        return page.brief
    found = cell_of(page, request.stage)
    return found.head if found else None
