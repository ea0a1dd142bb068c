"""Findings in prepared lines: what was found where, how bad it is, and what became of it. No Textual."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from studio.protocol.build_views import FindingView
from studio.tui.glyphs import Glyphs
from studio.tui.presenters.ages import age
from studio.tui.presenters.lines import BLANK, Line, Span, fit, line, spread, wrap

CONFLICT = "conflict"
_ORDER = {"error": 0, "warning": 1, "note": 2}


def in_order(findings: Iterable[FindingView], *, every: bool) -> list[FindingView]:
    """Open ones first, the worst before the others, then by place."""
    shown = [one for one in findings if every or one.state == "open"]
    return sorted(shown, key=lambda one: (one.state != "open", _ORDER.get(one.severity, 3), one.path, one.line, one.id))


def where(one: FindingView) -> str:
    """`cart.js:3`, or `the whole`."""
    if not one.path:
        return "the whole"
    return f"{one.path}:{one.line}" if one.line else one.path


def sign(one: FindingView, glyphs: Glyphs) -> Span:
    if one.state != "open":
        return glyphs.approved, "dim"
    return {"error": (glyphs.failed, "error"), "warning": (glyphs.waiting, "warn")}.get(
        one.severity, (glyphs.dot, "note")
    )


def finding_rows(one: FindingView, width: int, glyphs: Glyphs) -> list[Line]:
    """Two rows: severity and place, then the words."""
    state = one.state if one.state != "open" else one.source
    head = spread(
        (sign(one, glyphs), (f" {one.severity:<8}", "dim"), (where(one), "strong" if one.state == "open" else "dim")),
        ((state, "dim"),),
        width,
        one.id,
    )
    said = fit(one.message.replace("\n", " "), width - 2, glyphs.more)
    return [head, line(("  ", "text"), (said, "text" if one.state == "open" else "dim"), stop=one.id)]


def story(one: FindingView, width: int, now: datetime) -> list[Line]:
    """Everything about one finding."""
    facts = [one.severity, one.rule, f"by a {one.source}", one.stage, f"version {one.version}" if one.version else ""]
    rows = [line((where(one), "strong"))]
    rows += _wrapped(", ".join(part for part in (*facts, age(one.created_at, now)) if part), width, "dim")
    rows += [BLANK, *_wrapped(one.message, width, "text")]
    if one.quote and one.source != CONFLICT:  # there it is the digest of a kept text
        rows += [BLANK, *(line(("  ", "text"), (row, "quote")) for row in _split(one.quote, width - 2))]
    if one.suggestion:
        rows += [BLANK, *_wrapped(f"Suggested: {one.suggestion}", width, "text")]
    if one.state != "open":
        why = f": {one.reason}" if one.reason else "."
        rows += [BLANK, *_wrapped(f"{one.state.capitalize()}{f' by {one.by}' if one.by else ''}{why}", width, "accent")]
    return rows


def _wrapped(text: str, width: int, style: str) -> list[Line]:
    return [line((row, style)) for row in _split(text, width)]


def _split(text: str, width: int) -> list[str]:
    return [row for part in text.split("\n") for row in wrap(part, width)]
