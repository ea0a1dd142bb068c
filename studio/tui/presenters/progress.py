"""How far a change is as a build: its phases, what is done, what is open, and what is next. No Textual."""

from __future__ import annotations

from studio.domain.text import counted
from studio.protocol.build_views import BuildView, PhaseLine, TasksView
from studio.tui.glyphs import Glyphs
from studio.tui.presenters.board import counts, short_model
from studio.tui.presenters.lines import BLANK, Line, Span, line, spread, wrap

_BAR = 20


def progress_lines(build: BuildView | None, board: TasksView | None, width: int, glyphs: Glyphs) -> list[Line]:
    """Percent, phases, figures, and the sentence of what is next."""
    if build is None:
        return [line((glyphs.more, "dim"))]
    found = wrap(f"{build.operation}: {build.detected}", width)
    rows = [_bar(build, width, glyphs), *(line((row, "dim")) for row in found), BLANK]
    rows += [_phase(one, width, glyphs) for one in build.phases]
    rows.append(BLANK)
    figures = [counts(board) if board else ""]
    figures.append(
        f"{build.findings_open} finding{'s' if build.findings_open != 1 else ''} open" if build.tasks_total else ""
    )
    figures.append(f"sent back {build.returns} of {counted(build.returns_limit, 'time')}" if build.returns else "")
    figures.append(f"version {build.version or build.versions[0].number}" if build.versions else "")
    rows += [line((figure, "text")) for figure in figures if figure]
    if build.next_action:
        rows += [BLANK, *(line((row, "accent")) for row in wrap(build.next_action, width))]
    return rows


def _bar(build: BuildView, width: int, glyphs: Glyphs) -> Line:
    done = round(_BAR * build.progress / 100)
    bar: tuple[Span, ...] = ((glyphs.rule * done, "accent"), (glyphs.dot * (_BAR - done), "dim"))
    if width < _BAR + 12:
        bar = ()
    return line(
        *bar,
        (f"{'  ' if bar else ''}{build.progress}% ", "strong"),
        ("complete" if build.progress == 100 else build.progress_stage, "dim"),
    )


def _phase(one: PhaseLine, width: int, glyphs: Glyphs) -> Line:
    signs: dict[str, Span] = {"done": (glyphs.approved, "ok"), "current": (glyphs.here, "accent")}
    sign = signs.get(one.status, (glyphs.empty, "dim"))
    style = "strong" if one.status == "current" else "dim" if one.status == "later" else "text"
    gate = "" if one.gate == "review" else f" {one.gate}"
    return spread((sign, (f" {one.label}", style)), ((f"{short_model(one.model)}{gate}".strip(), "dim"),), width)
