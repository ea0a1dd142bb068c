"""The inspector's four tabs in prepared lines: context, notes, history, costs. No Textual."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from studio.domain.page import BRIEF, FeedbackKind, counts
from studio.domain.text import counted
from studio.domain.words import OURS, Words
from studio.protocol.build_views import TaskView
from studio.protocol.views import ContextView, CostsView, FeedbackView, HistoryView, LedgerView, PageView, SpendView
from studio.tui.glyphs import Glyphs
from studio.tui.presenters.ages import age
from studio.tui.presenters.lines import BLANK, Line, Span, fit, line, spread, wrap
from studio.tui.presenters.outcomes import why_incomplete
from studio.tui.presenters.status import money
from studio.tui.presenters.warnings import told

TABS = ("context", "notes", "history", "costs")


_ALL_TABS = 38
"""Cells from which the names of all tabs stand side by side."""
_ROOMY = 30
"""Cells from which a row of the ledger has room for reason and size."""


PROGRESS = "progress"
"""The tab that only a project of an application has."""


def tabs_line(tab: str, width: int, tabs: Sequence[str] = TABS) -> Line:
    """`1 CONTEXT  2 notes ...`, the open one strong; a narrow pane names the open one only, and the keys of all at its end."""
    if width < _ALL_TABS + 12 * (len(tabs) - len(TABS)):
        return spread(((tab.upper(), "head"),), ((f"1-{len(tabs)}", "dim"),), width)
    spans: list[Span] = []
    for number, name in enumerate(tabs, start=1):
        here = name == tab
        spans += [(f"{number} {name.upper() if here else name}", "head" if here else "dim"), ("  ", "text")]
    return line(*spans)


def tokens(count: int) -> str:
    """`812`, `7.9k`."""
    return str(count) if count < 1000 else f"{count / 1000:.1f}k"


def context_lines(context: ContextView | None, width: int, glyphs: Glyphs, words: Words = OURS) -> list[Line]:
    """The ledger of the next call, and whether it drafts or revises: what goes in and why, then what was left out."""
    if context is None:
        return _empty(words.put("What the next draft will see stands here once a page has a brief."), width)
    # The act stands first: a narrow pane cuts off the end.
    act = {"revise": "revise", "continue": "go on with"}.get(context.kind, "draft")
    over = context.tokens - context.budget
    size = f"{tokens(context.tokens)} of {tokens(context.budget)}"
    figure = (f"{glyphs.failed} {size}", "warn") if over > 0 else (size, "dim")
    what = ((f"{act} ", "text"), (context.stage, "strong"))
    rows = [spread(what, (figure,), width), *_price(context, width)]
    if over > 0:
        said = f"{glyphs.failed} {tokens(over)} tokens over the budget: what cannot be left out is more than it holds."
        rows += [line((row, "warn")) for row in wrap(said, width)]
    rows.append(BLANK)
    included = [entry for entry in context.ledger if entry.included]
    left = [entry for entry in context.ledger if not entry.included]
    rows += [_ledger(entry, width, glyphs, n, words) for n, entry in enumerate(included)]
    if left:
        rows += [BLANK, line(("left out", "dim"))]
        rows += [_ledger(entry, width, glyphs, n + len(included), words) for n, entry in enumerate(left)]
    for warning in context.warnings:
        rows += [
            BLANK,
            *(line((row, "warn")) for row in wrap(f"{glyphs.failed} {told(warning)}", width)),
        ]
    return rows


def _price(context: ContextView, width: int) -> list[Line]:
    model = (context.model or "no model").split(":")[-1].split("/")[-1]
    if not context.priced:
        price = ""
    elif context.price_low is None or context.price_high is None:
        price = "price unknown"
    elif context.price_high == 0:
        price = "free"
    else:
        usual = context.price_high if context.price_usual is None else context.price_usual
        low, high = money(context.price_low), money(usual)
        price = low if low == high else f"{low}-{high}"
    return [spread(((model, "dim"),), ((price, "dim"),), width)]


def _ledger(entry: LedgerView, width: int, glyphs: Glyphs, number: int, words: Words) -> Line:
    name = words["brief"] if entry.name == BRIEF else entry.name
    sign: Span = (glyphs.waiting, "ok") if entry.included else (glyphs.empty, "dim")
    why = entry.reason if entry.included else entry.left_out
    size = tokens(entry.tokens)
    end = f"{why} {size:>5}" if width >= _ROOMY else size if entry.included else why
    return spread(
        (sign, (" " + name, "text" if entry.included else "dim")),
        ((end, "dim"),),
        width,
        ("ledger", number),
    )


def notes_lines(page: PageView | None, width: int, glyphs: Glyphs) -> list[Line]:
    """How many are open, then notes and requests of all stages, open ones first."""
    notes = [note for cell in page.cells for note in cell.notes] if page else []
    if not notes:
        return _empty("No notes. c comments on the passage under the cursor; the next revision is given it.", width)
    waiting = counts([note.kind for note in notes if note.state == "open"], open_=True)
    rows = [line((row, "dim")) for row in wrap(waiting or "no open note", width)]
    for note in sorted(notes, key=lambda note: (note.state != "open", note.created_at.timestamp())):
        rows.append(BLANK)
        rows += _note(note, width, glyphs)
    return rows


def _note(note: FeedbackView, width: int, glyphs: Glyphs) -> list[Line]:
    done = note.state != "open"
    stop = ("note", note.id)
    about = f" {note.stage} r{note.revision_number}{'' if note.kind == FeedbackKind.NOTE else ' request'}"
    head = spread(
        (((glyphs.approved if done else glyphs.waiting), "dim" if done else "note"), (about, "dim")),
        ((f"{note.author} {note.state}", "dim"),),
        width,
        stop,
    )  # fmt: skip
    rows = [head]
    if note.quote:
        rows += [line(("  " + row, "quote"), stop=stop) for row in wrap(f'"{fit(note.quote, 160)}"', width - 2)[:3]]
    rows += [
        line(("  " + row, "dim" if done else "text"), stop=stop)
        for row in wrap(note.text.replace("\n", " "), width - 2)
    ]
    return rows


def history_lines(history: HistoryView | None, width: int, glyphs: Glyphs, now: datetime) -> list[Line]:
    """Revisions, newest first, then runs that made none."""
    if history is None or not (history.revisions or history.runs):
        return _empty("No revision yet. Every one will stand here, with what it was made from.", width)
    rows: list[Line] = []
    for revision in history.revisions:
        sign: Span = (glyphs.approved, "ok") if revision.approved else (" ", "text")
        what = f" {revision.stage} r{revision.number}"
        who = (
            revision.author if revision.origin != "agent" else (revision.model or "model").split(":")[-1].split("/")[-1]
        )
        stop = ("revision", revision.id)
        when = age(revision.created_at, now)
        facts = f"{revision.words} w {glyphs.dot} {when}" if width >= _ROOMY else when
        rows.append(spread((sign, (what, "text")), ((facts, "dim"),), width, stop))
        tail = f"  {who}" + (f" · {revision.note}" if revision.note else "")
        rows.append(line((fit(tail, width, glyphs.more), "dim"), stop=stop))
        if why := why_incomplete(revision.outcome):
            rows.append(line((fit(f"  {glyphs.failed} {why}", width, glyphs.more), "warn"), stop=stop))
    failed = [run for run in history.runs if run.revision is None and run.status not in ("running", "queued")]
    for run in failed:
        stop = ("run", run.id)
        rows.append(
            spread(
                ((glyphs.failed, "error"), (f" {run.stage} {run.status}", "text")),
                ((age(run.started_at, now), "dim"),),
                width,
                stop,
            )
        )
        rows += [line(("  " + row, "dim"), stop=stop) for row in wrap(run.error or "", width - 2)[:2] if row]
    return rows


def costs_lines(
    costs: CostsView | None,
    spend: SpendView | None,
    page: PageView | None,
    width: int,
    words: Words = OURS,
    tasks: Sequence[TaskView] = (),
) -> list[Line]:
    """This page and the work at its tasks, today, the project, then the calls for this page."""
    rows: list[Line] = []
    if page is not None:
        rows.append(_amount(f"this {words['page']}", money(page.cost_usd), page.cost_unknown, None, width))
    if worked := [one for one in tasks if one.cost_usd is not None]:
        usd = sum(one.cost_usd or 0.0 for one in worked)
        rows.append(_amount(f"its {counted(len(worked), 'task')}", money(usd), 0, None, width))
    if spend is not None:
        rows.append(_amount("today", money(spend.day), 0, spend.day_limit, width))
        rows.append(_amount("project", money(spend.project), spend.unknown, spend.project_limit, width))
    if costs is not None and costs.total.calls:
        total = costs.total
        cached = f"{100 * total.cached_tokens / total.input_tokens:.0f}% cached" if total.input_tokens else ""
        rows += [
            BLANK,
            spread(((f"{counted(total.calls, 'call')} for this {words['page']}", "text"),), ((cached, "dim"),), width),
        ]
        for number, call in enumerate(costs.executions[:40]):
            price = "?" if call.cost_usd is None else money(call.cost_usd)
            name = f"{call.stage} {call.model.split('/')[-1]}"
            rows.append(spread(((name, "warn" if call.error else "dim"),), ((price, "dim"),), width, ("call", number)))
    elif not rows:
        return _empty("No call was made yet.", width)
    return rows


def _amount(name: str, amount: str, unknown: int, limit: float | None, width: int) -> Line:
    text = amount + (f" of ${limit:.2f}" if limit is not None else "") + (f" + {unknown} unknown" if unknown else "")
    return spread(((name, "text"),), ((text, "strong"),), width)


def _empty(text: str, width: int) -> list[Line]:
    return [line((row, "dim")) for row in wrap(text, width)]
