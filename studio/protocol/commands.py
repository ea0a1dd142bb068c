"""Commands: what a front end may ask the engine to do. Plain tagged data; each is classified in `capabilities`.

References to chapters and pages are what a person writes: id, slug, number, `2/14`, `next` (resolved by the engine).
`revision` names what the sender saw; if that is no longer the newest, the answer is `Conflict`.
Unknown fields are refused (`forbid_unknown_fields`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from studio.protocol.build_commands import BuildCommand
from studio.protocol.tagged import Command as Command


class AddChapter(Command, frozen=True, kw_only=True, tag="chapter.add"):
    """A title is one line of at most 200 characters, of a page as of a chapter; a blank or longer one is refused."""

    title: str
    slug: str | None = None
    position: int | None = None


class RenameChapter(Command, frozen=True, kw_only=True, tag="chapter.rename"):
    chapter: str
    title: str


class MoveChapter(Command, frozen=True, kw_only=True, tag="chapter.move"):
    """`position` counts from 1; one past the last is the last. The answer's `place` says which it became."""

    chapter: str
    position: int


class AddPage(Command, frozen=True, kw_only=True, tag="page.add"):
    """A page at the end of `chapter` (or at `position`, from 1). With a brief it goes straight to awaiting its first draft.
    An empty title is none, which a page may have at first; a blank one is refused."""

    chapter: str
    title: str = ""
    brief: str = ""
    slug: str | None = None
    position: int | None = None


class SetBrief(Command, frozen=True, kw_only=True, tag="page.brief"):
    page: str
    text: str
    revision: str | None = None


class MovePage(Command, frozen=True, kw_only=True, tag="page.move"):
    """`position` is the page's number from then on, as of `MoveChapter`."""

    page: str
    position: int
    chapter: str | None = None


class RenamePage(Command, frozen=True, kw_only=True, tag="page.rename"):
    page: str
    title: str


class ArchivePage(Command, frozen=True, kw_only=True, tag="page.archive"):
    page: str


class UnarchivePage(Command, frozen=True, kw_only=True, tag="page.unarchive"):
    page: str


class Generate(Command, frozen=True, kw_only=True, tag="draft.generate"):
    """Start a draft of the stage that the page stands at. The result's `run` is the new run.

    `stage` and `revision` are what the sender saw when it was told the price: another stage or a newer text is a Conflict.
    An empty `revision` says that there was no text yet.
    """

    page: str
    model: str | None = None
    revision: str | None = None
    stage: str | None = None


class Revise(Command, frozen=True, kw_only=True, tag="draft.revise"):
    """Keep the feedback, then start a revision from it and from the open notes. `quote` must stand in the revision.

    Without `generate` no model is asked: the page awaits a text from outside (`Deliver`).
    """

    page: str
    feedback: str
    quote: str | None = None
    model: str | None = None
    revision: str | None = None
    generate: bool = True


class Stop(Command, frozen=True, kw_only=True, tag="draft.stop"):
    """End a run; its partial text is kept. Without `run`, the page's live run; without both, every live run."""

    run: str | None = None
    page: str | None = None


class Resume(Command, frozen=True, kw_only=True, tag="draft.resume"):
    """Leave an interrupted or failed draft: `continue` asks the model to go on, `keep` makes the partial a revision,
    `discard` goes back to the newest revision or to awaiting a draft (the partial stays in the history).

    `run` is the run that the sender saw broken off: when another one broke off since, that is a Conflict.
    """

    page: str
    action: Literal["continue", "keep", "discard"]
    model: str | None = None
    run: str | None = None


class Deliver(Command, frozen=True, kw_only=True, tag="draft.deliver"):
    """A text from outside while a draft is awaited, failed or interrupted (a live run is stopped, its partial kept)."""

    page: str
    stage: str
    text: str
    agent: str = ""
    model: str | None = None
    tokens_used: int | None = None


class Comment(Command, frozen=True, kw_only=True, tag="review.comment"):
    """A note for the next revision. `revision` is the revision's id."""

    revision: str
    text: str
    quote: str | None = None


class EditComment(Command, frozen=True, kw_only=True, tag="review.edit"):
    """Other words for a note that no draft has been given; the event keeps the earlier ones. `seen` is the text that the sender saw."""

    feedback: str
    text: str
    seen: str | None = None


class ResolveComment(Command, frozen=True, kw_only=True, tag="review.resolve"):
    """Dismiss a note that no draft has been given, or with `resolved` false take that back. It stays in the history either way."""

    feedback: str
    resolved: bool = True


class Approve(Command, frozen=True, kw_only=True, tag="review.approve"):
    """Approve the newest revision of the stage under review. `anyway` is needed for one that is cut off, empty or unparsed.

    `draft` says whether the next stage's draft starts at once; None leaves that to `[workflow] auto_draft`.
    """

    page: str
    revision: str | None = None
    anyway: bool = False
    draft: bool | None = None


class Reopen(Command, frozen=True, kw_only=True, tag="review.reopen"):
    """Undo the latest approval of the page. No text changes."""

    page: str


class Edit(Command, frozen=True, kw_only=True, tag="text.edit"):
    """A person's own text for a stage: a new revision. `revision` is what the editor started from."""

    page: str
    stage: str
    text: str
    revision: str | None = None
    note: str = ""


class Restore(Command, frozen=True, kw_only=True, tag="text.restore"):
    """Make an earlier revision the newest, as a new revision. `revision` may also name an ended run whose text never became one.
    `newest` is what the sender saw as the newest."""

    revision: str
    newest: str | None = None


class KeepWords(Command, frozen=True, kw_only=True, tag="words.keep"):
    """Keep what is typed but not sent. `place` is e.g. `feedback:narration`, `edit:narration`, `brief`; empty text forgets it.

    `seen` is the SHA-256 (hex) of the text that the sender last knew to be kept there, of the empty one where it knew of none. Where
    the sender's author keeps words there that are neither those nor `text`, they stay, and the answer is a Conflict with `theirs`;
    without `seen` they are replaced.
    """

    page: str
    place: str
    text: str
    base_revision: str | None = None
    seen: str | None = None


class KeepPlace(Command, frozen=True, kw_only=True, tag="place.keep"):
    """Where the sender is: kept per author, so that the next workbench opens there, and shown to others as presence.

    `stage` is the cell and `paragraph` counts in it from 0 (None: its head); `scroll` counts lines from the top of the page's
    text. Writes no event to the journal.
    """

    page: str
    stage: str | None = None
    paragraph: int | None = None
    scroll: int = 0


class PinCanon(Command, frozen=True, kw_only=True, tag="context.pin"):
    """Put a canon document into a page's context by hand (`in`), keep it out (`out`), or leave it to the rules (`auto`)."""

    page: str
    document: str
    mode: Literal["in", "out", "auto"]


class SetModel(Command, frozen=True, kw_only=True, tag="settings.model"):
    """The project's default model, or that of one role; written to `studio.toml`. An empty model removes the setting."""

    model: str
    role: str | None = None


class SetSpending(Command, frozen=True, kw_only=True, tag="settings.limit"):
    """A money limit in US dollars in `studio.toml`; None removes it."""

    limit: Literal["run_usd", "day_usd", "project_usd"]
    usd: float | None


class SyncMirror(Command, frozen=True, kw_only=True, tag="mirror.sync"):
    """Read edits of `manuscript/` back and write what is missing there."""


class SaveTemplate(Command, frozen=True, kw_only=True, tag="prompts.save"):
    """Write a template of the project (`text` None removes the project's copy: back to the packaged one)."""

    name: str
    text: str | None


class CopyCanon(Command, frozen=True, kw_only=True, tag="canon.copy"):
    """Copy packaged canon (craft and code standards) into the project; never overwrites. `name` is a path such as `craft/pacing.md`."""

    name: str


class ImportBook(Command, frozen=True, kw_only=True, tag="book.import"):
    """Fill an empty project from a `book.toml` (chapters, briefs, replayed history). `path` is inside the project."""

    path: str


AnyCommand = (
    AddChapter
    | RenameChapter
    | MoveChapter
    | AddPage
    | SetBrief
    | MovePage
    | RenamePage
    | ArchivePage
    | UnarchivePage
    | Generate
    | Revise
    | Stop
    | Resume
    | Deliver
    | Comment
    | EditComment
    | ResolveComment
    | Approve
    | Reopen
    | Edit
    | Restore
    | KeepWords
    | KeepPlace
    | PinCanon
    | SetModel
    | SetSpending
    | SyncMirror
    | SaveTemplate
    | CopyCanon
    | ImportBook
    | BuildCommand
)


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a command. `message` is a sentence for a person; ids are given where the command made or touched one.

    `seq` is the journal sequence after the command; `price` states the next draft's price where one is now awaited; `stage` is
    the one that a phase's answer was taken for; `place` where a moved page or chapter stands now, from 1.
    """

    seq: int
    message: str = ""
    page: str | None = None
    chapter: str | None = None
    revision: str | None = None
    feedback: str | None = None
    run: str | None = None
    state: str | None = None
    price: str | None = None
    version: str | None = None
    task: str | None = None
    publication: str | None = None
    stage: str | None = None
    place: int | None = None
