"""The tool log and the audit trail in prepared lines. No Textual."""

from __future__ import annotations

import json
from datetime import datetime

from studio.protocol.build_views import AuditLine, ToolCallView
from studio.tui.glyphs import Glyphs
from studio.tui.presenters.lines import BLANK, Line, Span, fit, line, spread, wrap
from studio.tui.presenters.markdown import markdown_lines

_KIND = 11
_ARGUMENT = 20_000
"""Characters of one argument that are shown."""


def clock(when: datetime) -> str:
    """The time of day where the person is."""
    return when.astimezone().strftime("%H:%M:%S")


def call_sign(one: ToolCallView, glyphs: Glyphs) -> Span:
    return {"ok": (glyphs.approved, "ok"), "refused": (glyphs.locked, "error")}.get(one.status, (glyphs.failed, "warn"))


def call_row(one: ToolCallView, tasks: dict[str, str], width: int, glyphs: Glyphs) -> Line:
    """Time, sign and what the call did; who asked for it at the right. `tasks` are names of tasks by id."""
    who = tasks.get(one.task, one.task) or one.role
    left = (
        (f"{clock(one.created_at)} ", "dim"),
        call_sign(one, glyphs),
        (f" {one.line or one.name}", "text" if one.status == "ok" else "warn"),
    )
    return spread(left, ((fit(who, 16, glyphs.more), "dim"),), width, one.id)


def call_story(one: ToolCallView, tasks: dict[str, str], width: int) -> list[Line]:
    """The call with its arguments and its result, word for word."""
    facts = [
        one.status,
        tasks.get(one.task, one.task) or one.role,
        f"answer {one.iteration}",
        f"{one.elapsed_ms:.0f} ms",
    ]
    rows = [line((one.name, "strong")), *_wrapped(", ".join(filter(None, facts)), width, "dim"), BLANK]
    for name, value in _arguments(one.arguments):
        short = "\n" not in value and len(value) + len(name) + 2 <= width
        rows += [line((f"{name}  ", "dim"), (value, "text"))] if short else [line((name, "dim")), *_block(value, width)]
    rows += [BLANK, line(("RESULT", "head")), *_block(one.result or "nothing", width)]
    return rows


def _arguments(raw: str) -> list[tuple[str, str]]:
    try:
        known = json.loads(raw)
    except ValueError:
        known = None
    if not isinstance(known, dict):
        return [("what came", raw)]
    return [(name, _value(value)) for name, value in known.items() if value is not None]


def _value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    return text if len(text) <= _ARGUMENT else f"{text[:_ARGUMENT]}\n... {len(text) - _ARGUMENT} more characters"


def _block(text: str, width: int) -> list[Line]:
    return [
        line(("  ", "text"), (row, "text"), stop=("line", number))
        for number, part in enumerate(text.split("\n"))
        for row in wrap(part, width - 2)
    ]


def _wrapped(text: str, width: int, style: str) -> list[Line]:
    return [line((row, style)) for part in text.split("\n") for row in wrap(part, width)]


_KINDS = {"handoff": "accent", "finding": "warn", "transition": "strong", "version": "ok"}


def audit_row(one: AuditLine, width: int, glyphs: Glyphs) -> Line:
    left = (
        (f"{clock(one.created_at)} ", "dim"),
        (f"{one.kind:<{_KIND}}", _KINDS.get(one.kind, "dim")),
        (one.line.replace("\n", " "), "text"),
    )
    return spread(left, ((fit(one.who, 18, glyphs.more), "dim"),), width, one.seq)


def audit_story(one: AuditLine, width: int) -> list[Line]:
    facts = ", ".join(filter(None, (one.kind, one.who, one.stage, clock(one.created_at))))
    rows = [*_wrapped(one.line, width, "strong"), *_wrapped(facts, width, "dim")]
    return [*rows, BLANK, *markdown_lines(one.detail, "detail", width)] if one.detail else rows
