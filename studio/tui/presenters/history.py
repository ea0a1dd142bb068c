"""The history of a stage as rows: revisions and runs without one, newest first, and what each is compared with. No widgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from studio.domain.run import NOT_WHOLE
from studio.domain.text import counted, one_line, word_count
from studio.protocol.views import FeedbackView, HistoryView, RevisionView, RunView
from studio.tui.glyphs import UNICODE, Glyphs
from studio.tui.presenters.ages import age
from studio.tui.presenters.lines import Line, fit, line, spread

Against = Literal["previous", "approved", "newest", "marked"]

_ORIGINS = {
    "person": "edited by {author}",
    "restore": "restored by {author}",
    "outside": "handed in by {author}",
    "mirror": "from the file, by {author}",
    "sample": "sample, {author}",
}

_UNDER_WAY = ("running", "queued")
"""States of a run that has not come to anything yet: its text grows on the page."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A revision, or a run that left only a partial text. `label` names it in a sentence (`r3`, `the stopped run`)."""

    id: str
    stage: str
    label: str
    text: str
    when: datetime
    revision: RevisionView | None = None
    run: RunView | None = None
    feedback: tuple[FeedbackView, ...] = ()
    newest: bool = False


def entries(history: HistoryView, stage: str | None = None) -> tuple[Entry, ...]:
    """Rows newest first; of one stage when it is named."""
    shown = [rev for rev in history.revisions if stage in (None, rev.stage)]
    heads: dict[str, int] = {}
    for rev in shown:
        heads[rev.stage] = max(heads.get(rev.stage, 0), rev.number)
    made = {rev.run for rev in history.revisions if rev.run}
    rows = [
        Entry(rev.id, rev.stage, f"r{rev.number}", rev.text, rev.created_at, revision=rev,
              feedback=_behind(rev, history), newest=rev.number == heads[rev.stage])
        for rev in shown
    ]  # fmt: skip
    rows += [
        Entry(run.id, run.stage, f"the {run.status} run", run.partial, run.ended_at or run.started_at, run=run)
        for run in history.runs
        if stage in (None, run.stage) and run.revision is None and run.id not in made and run.status not in _UNDER_WAY
    ]
    return tuple(sorted(rows, key=lambda row: row.when, reverse=True))


def _behind(rev: RevisionView, history: HistoryView) -> tuple[FeedbackView, ...]:
    """What a revision answers: what was asked for, then the notes that its run was given."""
    notes = [note for note in history.feedback if note.id == rev.feedback or (rev.run and note.used_by == rev.run)]
    return tuple(sorted(notes, key=lambda note: (note.id != rev.feedback, note.created_at.timestamp())))


def who(rev: RevisionView) -> str:
    """Who made a revision, in words: the model for a draft, else what was done and by whom."""
    if rev.origin == "agent":
        return rev.model or rev.author
    return _ORIGINS.get(rev.origin, "{author}").format(author=rev.author or "someone")


def row(entry: Entry, cells: int, now: datetime | None = None, glyphs: Glyphs = UNICODE) -> tuple[Line, Line]:
    """Two lines of at most `cells`: what it is and when; then how much, how it ended and the words behind it."""
    right = ((age(entry.when, now), "dim"),)
    if entry.revision is None:
        left = ((f"{glyphs.failed} ", "warn"), (entry.label.removeprefix("the "), "text"))
        return spread(left, right, cells, entry.id), _run_facts(entry, cells, glyphs)
    rev = entry.revision
    mark = (f"{glyphs.approved} " if rev.approved else "  ", "ok")
    head = (mark, (f"r{rev.number}", "strong"), (f"  {who(rev)}", "text"))
    return spread(head, right, cells, entry.id), _facts(entry, rev, cells, glyphs)


def _facts(entry: Entry, rev: RevisionView, cells: int, glyphs: Glyphs) -> Line:
    words = f"  {counted(rev.words, 'word')}"
    end = f" {glyphs.dot} {NOT_WHOLE[rev.outcome]}" if rev.outcome in NOT_WHOLE else ""
    said = entry.feedback[0].text if entry.feedback else rev.note
    room = cells - len(words) - len(end)
    behind = fit(f' {glyphs.dot} "{one_line(said)}"', room, glyphs.more) if said and room > 8 else ""
    return line((words, "dim"), (end, "warn"), (behind, "dim"), stop=entry.id)


def _run_facts(entry: Entry, cells: int, glyphs: Glyphs) -> Line:
    kept = word_count(entry.text)
    words = f"{counted(kept, 'word')} kept" if kept else "no text"
    model = f" {glyphs.dot} {entry.run.model}" if entry.run else ""
    return line((fit(f"  {words}{model}", cells, glyphs.more), "dim"), stop=entry.id)


def base_for(entry: Entry, rows: Sequence[Entry], against: Against, marked: str | None = None) -> Entry | None:
    """What `entry` is compared with; None when there is nothing of that kind (then the whole text is shown)."""
    same = [other for other in rows if other.stage == entry.stage and other.id != entry.id]
    revisions = [other for other in same if other.revision is not None]
    if against == "marked":
        return next((other for other in same if other.id == marked), None)
    if against == "approved":
        return next((other for other in revisions if other.revision and other.revision.approved), None)
    if against == "newest":
        return next((other for other in revisions if other.newest), None)
    return _parent(entry, revisions)


def _parent(entry: Entry, revisions: Sequence[Entry]) -> Entry | None:
    parent = entry.revision.parent if entry.revision else None
    known = next((other for other in revisions if other.id == parent), None) if parent else None
    return known or next((other for other in revisions if other.when < entry.when), None)


def story(entry: Entry) -> list[str]:
    """Sentences about an entry that do not fit its row: the whole feedback, the quote, the error and what to do."""
    said: list[str] = []
    for note in entry.feedback:
        quote = f' about "{one_line(note.quote, 80)}"' if note.quote else ""
        said.append(f"{'Noted' if note.kind == 'note' else 'Asked'}{quote}: {note.text}")
    if entry.revision and entry.revision.note:
        said.append(entry.revision.note)
    if entry.revision and entry.revision.badge:
        said.append(entry.revision.badge)
    if entry.run and entry.run.error:
        said.append(f"{entry.run.error} {entry.run.hint}".strip())
    return said
