"""The next call in full: the ledger (what goes in, why; what was left out) and the messages word for word. No widgets."""

from __future__ import annotations

from collections.abc import Iterator

from studio.domain.page import BRIEF
from studio.domain.words import OURS, Words
from studio.protocol.views import ContextView, LedgerView, MessageView
from studio.tui.glyphs import UNICODE, Glyphs
from studio.tui.presenters.lines import BLANK, Line, fit, line, spread
from studio.tui.presenters.spans import MEASURE, flow
from studio.tui.presenters.warnings import told

# Messages are set a little wider than prose: they hold lists and headings that were written for a wider page.
_WIDEST = MEASURE + 8
_OURS = ("brief", "text of page")
"""How the program's own words about a mention begin; others are names."""


def exact(view: ContextView, cells: int, glyphs: Glyphs = UNICODE, words: Words = OURS) -> list[Line]:
    """The ledger, then each message. Heads are stops (`ledger`, 0, 1, ...) so that the cursor steps from part to part."""
    measure = max(20, min(cells, _WIDEST))
    rows = [BLANK, *flow([(head(view), "text")], measure), BLANK]
    for warning in view.warnings:
        rows += flow([(f"{glyphs.failed} {told(warning)}", "warn")], measure)
        rows.append(BLANK)
    rows += [*_ledger(view, measure, glyphs, words), BLANK]
    for at, message in enumerate(view.messages):
        rows += [*_message(message, at, measure, glyphs), BLANK]
    return rows


def head(view: ContextView) -> str:
    """The line of the engine, else how full the budget is."""
    return view.line.strip() or _size(view)


def _size(view: ContextView) -> str:
    """A call that was made has no budget any more."""
    return f"{view.tokens:,} of {view.budget:,} tokens" if view.budget else f"{view.tokens:,} tokens"


def _message(message: MessageView, at: int, measure: int, glyphs: Glyphs) -> Iterator[Line]:
    cached = "  a cached prefix may end here" if message.cache else ""
    left = ((f"{glyphs.bar}{message.role.upper()}", "head"), (cached, "dim"))
    yield spread(left, ((f"{message.tokens:,} tokens", "dim"),), measure, at)
    yield BLANK
    for paragraph in message.text.split("\n"):
        yield from flow([(paragraph, "text")], measure, indent="  ") if paragraph.strip() else (BLANK,)


def _ledger(view: ContextView, measure: int, glyphs: Glyphs, words: Words) -> Iterator[Line]:
    left = ((f"{glyphs.bar}CONTEXT", "head"), (f"  {view.template}", "dim"))
    yield spread(left, ((_size(view), "dim"),), measure, "ledger")
    yield BLANK
    yield from (_entry(entry, measure, glyphs, words) for entry in view.ledger if entry.included)
    left_out = [entry for entry in view.ledger if not entry.included]
    if left_out:
        yield BLANK
        yield line(("  matched, but left out", "dim"))
        yield from (_entry(entry, measure, glyphs, words) for entry in left_out)


def _entry(entry: LedgerView, measure: int, glyphs: Glyphs, words: Words) -> Line:
    called = words[BRIEF] if entry.kind == BRIEF else entry.name or entry.path
    name = fit(called, 28, glyphs.more).ljust(28)
    detail = words.put(entry.detail) if entry.detail.startswith(_OURS) else entry.detail
    why = f"{entry.reason} {detail}".strip() if entry.included else entry.left_out or entry.reason
    left = (
        (f"  {glyphs.approved if entry.included else glyphs.empty} ", "accent" if entry.included else "dim"),
        (name, "text" if entry.included else "dim"),
        (f"  {fit(why, max(8, measure - 46), glyphs.more)}", "dim"),
    )
    return spread(left, ((f"{entry.tokens:,}", "dim"),), measure)
