"""A page as a notebook of cells in prepared lines: the brief, then each stage with its revision, state, model and notes. No Textual."""

from __future__ import annotations

import re
import time
from collections.abc import Hashable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime

from rich.cells import cell_len

from studio.domain.diff import paragraphs
from studio.domain.page import counts
from studio.domain.run import NOT_WHOLE
from studio.domain.text import counted, word_count
from studio.domain.words import OURS, Words
from studio.protocol.build_views import TasksView
from studio.protocol.views import FeedbackView, PageView, PartialText, RevisionView, StageCell
from studio.tui.glyphs import Glyphs
from studio.tui.presenters.ages import age
from studio.tui.presenters.board import BoardLook, board_lines, short_counts
from studio.tui.presenters.composing import kept_on
from studio.tui.presenters.lines import BLANK, Line, Span, fit, line, spread, wrap
from studio.tui.presenters.outcomes import why_incomplete, why_outdated
from studio.tui.presenters.stream import LiveText
from studio.tui.presenters.text import text_lines

BRIEF = "brief"
HEAD = "head"
_ABOUT = " says what this page is about; then "
_ASKS = " says what this page should build or change; then "
MEASURE = 72
"""Characters of a line of prose, at most."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the drawing of a page depends on besides the page. `now` is for ages; `keys` are the first keys of actions; `board` are
    the tasks of a change, asked for `since` seconds ago."""

    width: int
    glyphs: Glyphs
    folded: Set[str]
    keys: dict[str, str]
    now: datetime
    words: Words = field(default=OURS)
    board: TasksView | None = None
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Picture:
    """`live_head` and `live_text` are the rows where a live cell's head stands and its text begins, `live_board` where the tasks
    that workers are at begin; -1 without one."""

    lines: list[Line]
    live_head: int = -1
    live_text: int = -1
    live_board: int = -1


def head_stop(cell: str) -> tuple[str, str]:
    """The stop of a cell's head."""
    return (cell, HEAD)


def cell_of(stop: Hashable) -> str | None:
    """The cell that a stop of the cursor lies in."""
    return stop[0] if isinstance(stop, tuple) and stop and isinstance(stop[0], str) else None


def partial_shown(cell: StageCell) -> PartialText | None:
    """The words of a draft that broke off, where they stand in the cell in place of its newest revision."""
    broken = cell.status in ("failed", "interrupted") and cell.output != "code"
    return cell.partial if broken and cell.partial is not None and cell.partial.text.strip() else None


def open_notes(cell: StageCell) -> list[FeedbackView]:
    """What the next revision will be given: notes, and requests whose revision came to nothing."""
    waiting = [note for note in cell.notes if not note.used and not note.resolved]
    return [note for note in waiting if note.kind == "note"] if cell.live is not None else waiting


def page_picture(page: PageView, live: LiveText | None, look: Look) -> Picture:
    """All rows of a page. With a live run, its cell comes last, so that what grows grows at the end."""
    found: list[Line] = [_title(page, look), BLANK, *_brief(page, look)]
    for conflict in page.conflicts:
        found += [BLANK, *_notice(conflict, look)]
    for cell in page.cells:
        found.append(BLANK)
        if live is not None and cell.name == live.stage:
            return _live(found, cell, live, look)
        found += _cell(page, cell, look)
    return Picture(found)


def _live(found: list[Line], cell: StageCell, live: LiveText, look: Look) -> Picture:
    """The picture up to where the text of a live cell begins: its head, and the board of the tasks that workers are at."""
    head = len(found)
    found += [live_head(cell, live_figures(cell, live, look), look), BLANK]
    board = board_rows(cell, look)
    at = len(found) if board else -1
    found += [*board, BLANK] if board else []
    return Picture(found, head, len(found), at)


def text_before(cell: StageCell, look: Look) -> list[Line]:
    """The text that a draft is to follow, dim and without stops: it stays in sight until the first word of the new one. What
    workers wrote is in their files."""
    if cell.head is None or cell.output == "code":
        return []
    rows = text_lines(cell.head.text, cell.name, cell.output, look.width)
    return [line(*((text, "dim") for text, _ in row.spans)) for row in rows]


def live_figures(cell: StageCell, live: LiveText, look: Look) -> str:
    """Time, words or tasks, and cost of a live run."""
    figures = live.figures(time.monotonic(), words=cell.output != "code")
    tasks = short_counts(look.board) if look.board is not None and cell.output == "code" else ""
    said = f"{tasks} · {figures}" if tasks else figures
    return said.replace("·", look.glyphs.dot)


def board_rows(cell: StageCell, look: Look) -> list[Line]:
    """The tasks of the stage that writes files, one row each; none for other stages."""
    if cell.output != "code" or look.board is None:
        return []
    return board_lines(look.board, BoardLook(look.width, look.glyphs, look.since), cell.name)


def _title(page: PageView, look: Look) -> Line:
    archived = ((" · archived", "dim"),) if page.archived else ()
    number = f"{page.number}  " if page.number else ""
    room = look.width - cell_len(number) - sum(cell_len(text) for text, _ in archived)
    return line((number, "dim"), (fit(page.title or "Untitled", room, look.glyphs.more), "strong"), *archived)


def _brief(page: PageView, look: Look) -> Iterator[Line]:
    brief = page.brief
    if brief is None or not brief.text.strip():
        yield spread(
            ((look.words["brief"].upper(), "head"), *_kept(page, BRIEF, look)), (), look.width, head_stop(BRIEF)
        )
        yield BLANK
        yield from _hint(
            (("b", "brief"), look.words.put(_ABOUT if look.words is OURS else _ASKS), ("g", "generate"), " drafts it."),
            look,
        )
        return
    yield spread(
        ((_fold_sign(BRIEF, look) + look.words["brief"].upper(), "head"), *_kept(page, BRIEF, look)),
        ((f"{brief.author} · {age(brief.created_at, look.now)}", "dim"),),
        look.width,
        head_stop(BRIEF),
    )
    if BRIEF not in look.folded:
        yield BLANK
        yield from text_lines(brief.text, BRIEF, "prose" if look.words is OURS else "document", look.width)


def _cell(page: PageView, cell: StageCell, look: Look) -> Iterator[Line]:
    yield _head(page, cell, look)
    if cell.name in look.folded:
        return
    if cell.status in ("failed", "interrupted") and cell.partial is not None:
        yield from _broken(cell, look)
        return
    if cell.head is not None:
        if cell.output == "plan" and look.board is not None and look.board.differs:
            said = f"{look.glyphs.stale} The board differs from this plan: {look.board.differs}."
            yield BLANK
            yield from (line((row, "warn")) for row in wrap(said, look.width))
        yield BLANK
        yield from with_notes(text_lines(cell.head.text, cell.name, cell.output, look.width), cell, look)
        if why := why_incomplete(cell.head.outcome):
            yield BLANK
            yield from (line((row, "error")) for row in wrap(f"{look.glyphs.failed} {why}", look.width))
        yield from _outdated(page, cell, look)
    elif cell.status == "empty" and page.brief is not None:
        yield BLANK
        yield from _before_work(cell, look)


def _outdated(page: PageView, cell: StageCell, look: Look) -> Iterator[Line]:
    """That the text was written for one that has changed since, below it, and what can be done about that."""
    why = why_outdated([one.label for one in page.cells if one.name in cell.outdated])
    if not why:
        return
    yield BLANK
    yield from (line((row, "warn")) for row in wrap(f"{look.glyphs.stale} {why}", look.width))
    if cell.status == "waiting" and cell.name == page.stage:
        yield from _hint((("a", "approve"), " approves it as it is, ", ("r", "revise"), " revises it."), look)
    elif cell.status == "approved":
        again = " opens it again" if page.phase == "approved" and cell is page.cells[-1] else ""
        parts = (("i", "edit"), " edits it", *((", ", ("u", "reopen"), again) if again else ()), ".")
        yield from _hint(parts, look)


def _before_work(cell: StageCell, look: Look) -> Iterator[Line]:
    """What can be done where nothing is written yet; before the work on files its tasks stand here."""
    rows = board_rows(cell, look)
    if rows:
        yield from rows
        yield BLANK
        tasks = (("t", "tasks"), " changes tasks before the work; ") if look.keys.get("tasks") else ()
        yield from _hint((*tasks, ("g", "generate"), " shows the price of the work and starts it."), look)
        return
    by_hand = (("i", "edit"), " writes it by hand.") if cell.output != "code" else ("tasks come from the plan.",)
    yield from _hint((("g", "generate"), " shows the price of a draft and starts it; ", *by_hand), look)


def _head(page: PageView, cell: StageCell, look: Look) -> Line:
    glyphs = look.glyphs
    name = (_fold_sign(cell.name, look) + cell.label.upper(), "dim" if cell.status == "later" else "head")
    partial = partial_shown(cell)
    head = None if partial else cell.head
    number = f"  r{head.number}" if head else ""
    state: tuple[Span, ...]
    match cell.status:
        case "waiting" if cell.name != page.stage:  # written before an earlier stage was opened again
            state = ((f"{number} {glyphs.dot} again after {_before(page, cell, look)}", "dim"),)
        case "waiting":
            state = ((f"{number} {glyphs.dot} ", "dim"), (f"{glyphs.waiting} waits for you", "wait"))
        case "approved":
            state = ((f"{number} {glyphs.dot} ", "dim"), (f"{glyphs.approved} approved", "ok"))
        case "failed" | "interrupted":
            stopped = cell.partial is not None and cell.partial.status == "stopped"
            state = ((f"{number}  ", "dim"), (f"{glyphs.failed} {'stopped' if stopped else cell.status}", "error"))
        case "later":
            state = ((f"  after {_before(page, cell, look)}", "dim"),)
        case _:
            state = ((f"{number}  ", "dim"), (glyphs.empty, "dim"))
    if head and head.outcome in NOT_WHOLE:
        state += ((f" {glyphs.dot} {NOT_WHOLE[head.outcome]}", "warn"),)
    if head and (why := why_outdated([one.label for one in page.cells if one.name in cell.outdated])):
        state += ((f" {glyphs.dot} {glyphs.stale} {why.removeprefix('Written for an ').rstrip('.')}", "warn"),)
    if notes := counts([note.kind for note in open_notes(cell)], open_=True):
        state += ((f" {glyphs.dot} {notes}", "note"),)
    if sum(cell_len(text) for text, _ in (name, *state)) > look.width - 2:  # the state itself is never cut
        state = (
            tuple((f" {text.strip()}", style) for text, style in state if style not in ("note", "dim", "warn")) or state
        )
    state += _kept(page, cell.name, look)
    room = look.width - sum(cell_len(text) for text, _ in (name, *state)) - 2
    facts = _facts(head, look, room) if partial is None else _partial_facts(partial, look, room)
    return spread((name, *state), facts, look.width, head_stop(cell.name))


def _partial_facts(partial: PartialText, look: Look, room: int) -> tuple[Span, ...]:
    """Who wrote the words of a draft that broke off, and how many there are."""
    model, words = partial.model.split(":")[-1].split("/")[-1], counted(word_count(partial.text), "word")
    said = f"{model} {look.glyphs.dot} {words}" if model else words
    return ((said if cell_len(said) <= room else words, "dim"),)


def _facts(head: RevisionView | None, look: Look, room: int) -> tuple[Span, ...]:
    """Who wrote it, how long and when; what the state leaves no room for goes, the age first."""
    if head is None:
        return ()
    dot = f" {look.glyphs.dot} "
    who = head.badge or (head.model or "").split(":")[-1] or head.author
    parts = [who, counted(head.words, "word"), age(head.created_at, look.now)]
    if head.badge and head.model and look.width >= 66:
        parts.insert(0, head.model.split(":")[-1].split("/")[-1])
    parts = [part for part in parts if part]
    while parts and cell_len(dot.join(parts)) > room:
        parts.pop()
    return ((dot.join(parts), "dim"),)


def _before(page: PageView, cell: StageCell, look: Look) -> str:
    names = [other.name for other in page.cells]
    at = names.index(cell.name)
    return f"{page.cells[at - 1].label.lower()} is approved" if at else f"the {look.words['brief']}"


def _kept(page: PageView, cell: str, look: Look) -> tuple[Span, ...]:
    """A quiet mark for words that were typed and not sent, with the keys that open them."""
    actions = kept_on(page, cell)
    keys = " ".join(filter(None, (look.keys.get(action, "") for action in actions)))
    return ((f" {look.glyphs.dot} kept words {look.glyphs.dot} {keys}".rstrip(), "dim"),) if actions and keys else ()


def _fold_sign(cell: str, look: Look) -> str:
    return f"{look.glyphs.folded} " if cell in look.folded else ""


def live_head(cell: StageCell, figures: str, look: Look) -> Line:
    """The head of a cell while it drafts; the only row that ticks."""
    stop = look.keys.get("stop", "")
    end = ((stop, "key"), (" stop", "dim")) if stop else ()
    doing = {"code": "at work", "review": "looking"}.get(cell.output, "drafting")
    left = ((cell.label.upper(), "head"), (f"  {look.glyphs.drafting} {doing}", "accent"))
    return spread((*left, (f" {look.glyphs.dot} {figures}", "dim")), end, look.width, head_stop(cell.name))


def _broken(cell: StageCell, look: Look) -> Iterator[Line]:
    """What was written, where it was written, and after it what can be done: nothing that was read moves. Without words the
    reason stands first, for an older text may follow. That a person stopped it stands in the head already."""
    partial = cell.partial
    assert partial is not None
    yield BLANK
    stopped = partial.status == "stopped" and not partial.error
    sentence = "" if stopped else partial.error or "The draft broke off."
    said = f"{sentence} {partial.hint}".strip()
    why = [line((row, "error")) for row in wrap(f"{look.glyphs.failed} {said}", look.width)] if said else []
    if cell.output == "code":
        yield from _broken_work(cell, why, look)
        return
    if partial.text.strip():
        yield from text_lines(partial.text, cell.name, cell.output, look.width)
        yield BLANK
        yield from why
        yield from _hint(
            (("C", "resume.continue"), " goes on, ", ("w", "resume.keep"), " keeps these ", str(word_count(partial.text)),
             " words, ", ("X", "resume.discard"), " discards them, ", ("g", "generate"), " drafts again."),
            look,
        )  # fmt: skip
        if cell.head is not None:
            yield from _hint((f"r{cell.head.number} is kept as it was: ", ("H", "history"), " shows it."), look)
        return
    yield from why
    yield from _hint(_after_nothing(cell), look)
    if cell.head is not None:
        yield BLANK
        yield from text_lines(cell.head.text, cell.name, cell.output, look.width)


def _after_nothing(cell: StageCell) -> Sequence[str | tuple[str, str]]:
    """What can be done where no word came: the text before it stands, and the feedback of a revision is not lost."""
    discard, head = ("X", "resume.discard"), cell.head
    if head is None:
        return (("g", "generate"), " drafts again; ", discard, " goes back.")
    revised = cell.partial is not None and cell.partial.kind == "revise"
    first = " asks for the revision again, with its feedback; " if revised else " drafts again; "
    return (
        ("g", "generate"), first, ("r", "revise"), " says it anew; ", ("a", "approve"), f" approves r{head.number}; ",
        discard, f" goes back to r{head.number}.",
    )  # fmt: skip


def _broken_work(cell: StageCell, why: list[Line], look: Look) -> Iterator[Line]:
    """Work on files that broke off: the tasks as they stand. What was written is in the files, not in this text."""
    rows = board_rows(cell, look)
    yield from rows
    if rows:
        yield BLANK
    yield from why
    tasks = (("T", "tools"), " shows what was done; ") if look.keys.get("tools") else ()
    go_on = (("C", "resume.continue"), " or ", ("g", "generate"), " goes on with the tasks that are not done; ")
    yield from _hint((*go_on, *tasks, ("X", "resume.discard"), " discards it."), look)


def with_notes(rows: list[Line], cell: StageCell, look: Look) -> Iterator[Line]:
    """Rows of a text with a marker (`¶2 ●1`) at the paragraph that a note quotes: at the end of its last row, or on one more."""
    marked = _marked(cell)
    for index, row in enumerate(rows):
        last = index + 1 == len(rows) or rows[index + 1].stop != row.stop
        count = marked.get(row.stop, 0) if last else 0
        if not count or not isinstance(row.stop, tuple):
            yield row
            continue
        sign: Span = (f"{look.glyphs.pilcrow}{row.stop[1] + 1} {look.glyphs.waiting}{count}", "note")
        if row.width + len(sign[0]) + 2 <= look.width:
            yield spread(row.spans, (sign,), look.width, row.stop)
        else:
            yield row
            yield spread((), (sign,), look.width, row.stop)


def _marked(cell: StageCell) -> dict[Hashable, int]:
    found: dict[Hashable, int] = {}
    quotes = [note.quote for note in open_notes(cell) if note.quote]
    if not quotes or cell.head is None:
        return found
    for number, paragraph in enumerate(paragraphs(cell.head.text)):
        count = sum(1 for quote in quotes if paragraphs(quote)[:1] and paragraphs(quote)[0].strip() in paragraph)
        if count:
            found[(cell.name, number)] = count
    return found


def _hint(parts: Sequence[str | tuple[str, str]], look: Look) -> Iterator[Line]:
    """A dim sentence with keys in it: `(default key, action)` becomes the person's own key. Nothing where none of them works."""
    if not any(look.keys.get(part[1]) for part in parts if not isinstance(part, str)):
        return
    spans: list[Span] = []
    for part in parts:
        if isinstance(part, str):
            spans.append((part, "dim"))
        elif key := look.keys.get(part[1], ""):
            spans.append((key, "key"))
    yield from _wrap_spans(spans, look.width)


def _wrap_spans(spans: Sequence[Span], width: int) -> Iterator[Line]:
    row: list[Span] = []
    used = 0
    for text, style in spans:
        for word in re.findall(r"\S+ *| +", text):
            if used + len(word.rstrip()) > width and row:
                yield line(*row)
                row, used = [], 0
            row.append((word, style))
            used += len(word)
    yield line(*row)


def _notice(text: str, look: Look) -> list[Line]:
    return [line((row, "warn")) for row in wrap(f"{look.glyphs.failed} {text}", look.width)]
