"""Versions of an application in prepared lines: number, state, where it came from and what it changed. No Textual."""

from __future__ import annotations

from datetime import datetime

from studio.domain.text import counted
from studio.protocol.build_views import VersionDiffView, VersionView
from studio.tui.glyphs import Glyphs
from studio.tui.presenters.ages import age
from studio.tui.presenters.code_diff import change_words, file_lines
from studio.tui.presenters.lines import BLANK, Line, Span, fit, line, spread, wrap
from studio.tui.presenters.markdown import markdown_lines
from studio.tui.presenters.status import money

FILES = "files"
"""The stop of the row for the files as they lie in the folder, where they differ from the newest version."""
_ORIGINS = {"person": "by hand", "restore": "restored", "import": "imported", "run": ""}


def state(one: VersionView) -> str:
    """`completed`, `in progress`, or how it ended short of that: `failed`, `stopped`, `interrupted`."""
    return one.reason or one.status.replace("_", " ")


def sign(one: VersionView, glyphs: Glyphs) -> Span:
    if one.status == "in_progress":
        return glyphs.drafting, "accent"
    if one.status == "failed":
        return glyphs.failed, "warn" if one.reason else "error"
    return (glyphs.approved, "ok") if one.approved else (glyphs.waiting, "wait")


def version_rows(one: VersionView, width: int, now: datetime, glyphs: Glyphs, *, marked: bool) -> list[Line]:
    """Two rows: number, title, age; then what it changed and how it came to be."""
    newest = ("  newest", "accent") if one.newest else ("", "text")
    title = fit(one.title or one.summary, max(width - 34, 8), glyphs.more)
    head = spread(
        (sign(one, glyphs), (f" {one.number:<8}", "strong"), (title, "text"), newest),
        ((age(one.started_at, now), "dim"),),
        width,
        one.id,
    )
    mark = ((f"  {glyphs.here} compare with", "accent"),) if marked else ()
    said = facts(one, glyphs, {"in_progress": "being made", "failed": state(one)}.get(one.status, ""))
    return [head, line(("  ", "text"), (fit(said, width - 2, glyphs.more), "dim"), *mark, stop=one.id)]


def facts(one: VersionView, glyphs: Glyphs, how: str = "") -> str:
    """`+8 ~1 of 12 files · by hand · $0.12`, behind `how` it ended."""
    counts = (("+", one.added), ("~", one.modified), ("-", one.deleted))
    changed = " ".join(f"{before}{count}" for before, count in counts if count)
    files = counted(one.files, "file")
    parts = [how, f"{changed} of {files}" if changed else f"no change, {files}"]
    parts.append(f"restored {one.restored_from}" if one.restored_from else _ORIGINS.get(one.origin, one.origin))
    parts.append(money(one.cost_usd) if one.cost_usd else "")
    return f" {glyphs.dot} ".join(part for part in parts if part)


def story(one: VersionView, width: int, glyphs: Glyphs) -> list[Line]:
    """What a version is: summary and error. What changed comes next, and its changelog last."""
    rows = [
        line((f"{one.number}  ", "strong"), (facts(one, glyphs, "approved" if one.approved else state(one)), "dim"))
    ]
    if one.summary:
        rows += [line((row, "text")) for row in wrap(one.summary, width)]
    if one.error:
        rows += [line((row, "warn" if one.reason else "error")) for row in wrap(one.error, width)]
    return rows


def changelog_lines(one: VersionView, width: int) -> list[Line]:
    return [BLANK, *markdown_lines(one.changelog, "changelog", width)] if one.changelog else []


def diff_lines(view: VersionDiffView, width: int, glyphs: Glyphs) -> list[Line]:
    """All that differs: the files by name, then each with its lines."""
    base = named(view.base) or "nothing"
    if not view.files:
        return [line((f"{base} to {named(view.version)}: the files are the same.", "dim"))]
    count = len(view.files)
    rows = [line((f"{base} to {named(view.version)}", "head"), (f"  {count} file{'s' if count != 1 else ''}", "dim"))]
    rows += [line(("  ", "text"), (one.path, "text"), (f"  {change_words(one)}", "dim")) for one in view.files]
    for one in view.files:
        rows += [BLANK, *file_lines(one, width, glyphs)]
    return rows


def named(version: str) -> str:
    return "the files as they lie" if version == FILES else version
