"""What a composer is open for: its heading, the notes above it, the words it begins with, and the command it sends. No widgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from studio.domain.page import BRIEF
from studio.domain.text import clean, one_line
from studio.protocol import commands
from studio.protocol.build_commands import AddTask, EditTask, SendBack
from studio.protocol.build_views import TaskView
from studio.protocol.commands import AnyCommand, KeepWords
from studio.protocol.views import FeedbackView, HistoryView, PageView, RevisionView, StageCell
from studio.tui.presenters import task_form

NEW = "new"
"""The place of a task that is not there yet."""


class Purpose(StrEnum):
    REVISE = "feedback"
    COMMENT = "comment"
    BRIEF = "brief"
    EDIT = "edit"
    RETURN = "return"
    TASK = "task"
    NOTE = "note"

    @property
    def large(self) -> bool:
        """Whether the whole text of a stage is written here, not words about it."""
        return self is Purpose.EDIT

    @property
    def whole(self) -> bool:
        """Whether what stands in the field takes the place of what was there."""
        return self in (Purpose.EDIT, Purpose.BRIEF, Purpose.TASK, Purpose.NOTE)


@dataclass(frozen=True, slots=True)
class Request:
    """`revision` is what the person saw; `base_text` its text, for the difference shown after a Conflict. `kept` says that `text`
    was typed earlier and not sent; `original` is what the field holds when nothing was typed; `stored` is what was kept at its place."""

    purpose: Purpose
    heading: str
    page: str
    stage: str
    revision: str | None = None
    base_text: str = ""
    quote: str | None = None
    notes: tuple[str, ...] = ()
    last: str = ""
    text: str = ""
    original: str = ""
    kept: bool = False
    title: str = ""
    stored: str = ""

    @property
    def place(self) -> str:
        """Where unsent words are kept (`KeepWords.place`)."""
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
    """A note for the next revision, on a passage or on the whole, which its heading says."""
    head = cell.head
    number = f" r{head.number}" if head else ""
    heading = f"Note on {'a passage' if quote else 'the whole'} of {cell.label}{number}"
    return _with_kept(page, Request(
        Purpose.COMMENT, heading, page.id, cell.name, revision=head.id if head else None,
        base_text=head.text if head else "", quote=quote, notes=open_notes(cell), title=page.title,
    ))  # fmt: skip


def note(page: PageView, known: FeedbackView) -> Request:
    """A note that was written before, to be changed; its `stage` is the note's id."""
    return _with_kept(page, Request(
        Purpose.NOTE, f"Change the note on the {known.stage}", page.id, known.id, base_text=known.text, quote=known.quote,
        text=known.text, original=known.text, title=page.title,
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


def send_back(page: PageView, cell: StageCell, about: str) -> Request:
    """A note for the work that a report sends back; it may be empty."""
    head = cell.head
    return _with_kept(page, Request(
        Purpose.RETURN, about, page.id, cell.name, revision=head.id if head else None,
        base_text=head.text if head else "", notes=open_notes(cell), title=page.title,
    ))  # fmt: skip


def task(page: PageView, known: TaskView | None) -> Request:
    """A task of the plan, or a new one; its `stage` is the task's id."""
    text = task_form.render(known)
    heading = f"Task {known.position}, {known.key}" if known else "New task"
    place = known.id if known else NEW
    return _with_kept(page, Request(
        Purpose.TASK, heading, page.id, place, base_text=text, text=text, original=text, title=page.title,
    ))  # fmt: skip


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
    if words is None:
        return request
    request = replace(request, stored=words.text)
    if words.text == request.text:
        return request
    return replace(request, text=words.text, kept=True, revision=words.base_revision or request.revision)


_UNSENT = {
    Purpose.REVISE: "Your feedback on the {stage} is",
    Purpose.COMMENT: "Your note on the {stage} is",
    Purpose.BRIEF: "Your words for the brief are",
    Purpose.EDIT: "Your edit of the {stage} is",
    Purpose.RETURN: "Your note on sending back is",
    Purpose.TASK: "Your words for a task are",
    Purpose.NOTE: "Your change of a note is",
}
_OPENS = {Purpose.REVISE: "revise", Purpose.COMMENT: "comment", Purpose.BRIEF: "brief", Purpose.EDIT: "edit",
          Purpose.RETURN: "send_back", Purpose.TASK: "tasks", Purpose.NOTE: "note.edit"}  # fmt: skip
_HERE = (Purpose.COMMENT, Purpose.EDIT)
"""Purposes whose key acts on the cell under the cursor."""


def opens(purpose: Purpose) -> str:
    """The action that opens the words of `purpose`."""
    return _OPENS[purpose]


def after_approval(leave: str, reopen: str, open_again: str) -> str:
    """What is left to do with words about a text that is approved; the keys are those that lead there."""
    if not (leave and reopen and open_again):
        return "Your words are kept; take the approval back to send them."
    return f"Your words are kept: {leave} leaves, {reopen} takes the approval back, {open_again} opens them again."


def kept_words(
    purpose: Purpose, stage: str, keys: Mapping[str, str], *, said: str = "kept", at: str | None = None
) -> str:
    """`Your edit of the narration is kept; i on the narration opens it.` `keys` are those of actions, `at` is the stage that the
    page stands at."""
    many = purpose in (Purpose.BRIEF, Purpose.TASK)
    sentence = f"{_UNSENT[purpose].format(stage=stage)} {said}"
    key = keys.get(_OPENS[purpose], "")
    elsewhere = purpose is Purpose.REVISE and at is not None and at != stage
    here = f" on the {stage}" if purpose in _HERE or elsewhere else ""
    where = " on that note" if purpose is Purpose.NOTE else here
    return f"{sentence}; {key}{where} opens {'them' if many else 'it'}." if key else f"{sentence}."


def kept_on(page: PageView, cell: str) -> tuple[str, ...]:
    """The actions that open words kept for a cell (`brief` or a stage)."""
    found: list[str] = []
    for kept in page.kept:
        name, _, stage = kept.place.partition(":")
        if kept.text.strip() and name in list(Purpose) and (stage or BRIEF) == cell:
            found.append(_OPENS[Purpose(name)])
    return tuple(found)


def unsent(page: PageView) -> tuple[Purpose, str] | None:
    """What was typed last on a page and not sent: for what, and for which stage."""
    typed = [kept for kept in page.kept if kept.text.strip()]
    if not typed:
        return None
    name, _, stage = max(typed, key=lambda kept: kept.updated_at).place.partition(":")
    if name not in list(Purpose):
        return None
    return Purpose(name), stage


def arrived(page: PageView | None, request: Request) -> RevisionView | None:
    """A text that somebody else put where the field was opened on nothing."""
    whole = request.purpose in (Purpose.BRIEF, Purpose.EDIT)  # a task has no revisions
    if page is None or page.id != request.page or not whole or request.revision is not None:
        return None
    return newest(page, request)


def tidy(request: Request, text: str) -> str:
    """The text as it is sent: cleaned, without outer blank lines."""
    return clean(text).strip("\n") if request.purpose.large else clean(text).strip()


def refusal(request: Request, text: str) -> str:
    """Why `text` cannot be sent, in a sentence; empty when it can. A revision may be asked for by its notes alone."""
    words = tidy(request, text).strip()
    if request.purpose is Purpose.REVISE:
        return "" if words or request.notes else "Say what should change, or leave with esc."
    if request.purpose is Purpose.RETURN:
        return ""
    if request.purpose is Purpose.EDIT and not words:
        return "An empty text is not saved; esc leaves the page as it is."
    return "" if words else "There is nothing to send yet; esc leaves."


def changes_nothing(request: Request, text: str) -> bool:
    """Whether sending would save what is saved already."""
    same = tidy(request, text) == tidy(request, request.original)
    return same and request.purpose.whole


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
        case Purpose.RETURN:
            return SendBack(page=request.page, note=words, revision=request.revision)
        case Purpose.TASK:
            return _task_command(request, words)
        case Purpose.NOTE:
            return commands.EditComment(feedback=request.stage, text=words, seen=request.base_text)
        case _:
            assert_never(request.purpose)


def _on_a_cell(page: PageView, cell: StageCell, purpose: Purpose | None) -> Request:
    match purpose:
        case Purpose.REVISE:
            return revise(page, cell)
        case Purpose.COMMENT:
            return comment(page, cell, None)
        case Purpose.RETURN:
            return send_back(page, cell, f"Send back with {cell.label}")
        case _:
            return edit(page, cell)


def _task_command(request: Request, words: str) -> AddTask | EditTask:
    form = task_form.read(words)
    if request.stage == NEW:
        return AddTask(page=request.page, title=form.title, type=form.type, description=form.description,
                       priority=form.priority, needs=form.needs)  # fmt: skip
    return EditTask(task=request.stage, title=form.title, type=form.type, description=form.description,
                    priority=form.priority, needs=form.needs)  # fmt: skip


def newest(page: PageView, request: Request) -> RevisionView | None:
    """The revision that stands now where the request began."""
    if request.purpose is Purpose.BRIEF:
        return page.brief
    found = cell_of(page, request.stage)
    return found.head if found else None


_FILES = {Purpose.REVISE: "feedback-", Purpose.COMMENT: "comment-", Purpose.BRIEF: "", Purpose.EDIT: "",
          Purpose.RETURN: "return-", Purpose.TASK: "task-", Purpose.NOTE: "note-"}  # fmt: skip


def file_stage(request: Request) -> str:
    """What an editor's file for this request is called after the page: the stage, or what the words are for and the stage."""
    return f"{_FILES[request.purpose]}{request.stage}"


def reopened(page: PageView, file_stage: str, text: str, revision: str) -> Request | None:
    """The request that an editor's file was written for, with the text found in it; None when the page has no such stage."""
    purpose = next((one for one, prefix in _FILES.items() if prefix and file_stage.startswith(prefix)), None)
    cell = cell_of(page, file_stage.removeprefix(_FILES[purpose]) if purpose else file_stage)
    request: Request | None = None
    if file_stage == BRIEF:
        request = brief(page)
    elif purpose is Purpose.TASK:
        place = file_stage.removeprefix(_FILES[purpose])
        request = _with_kept(page, Request(purpose, "Task", page.id, place, title=page.title))
    elif purpose is Purpose.NOTE:
        known = [one for each in page.cells for one in each.notes if f"{_FILES[purpose]}{one.id}" == file_stage]
        request = note(page, known[0]) if known else None
    elif cell is not None:
        request = _on_a_cell(page, cell, purpose)
    return replace(request, text=text, kept=True, revision=revision or request.revision) if request else None
