"""Prompt templates as rows: where each comes from, and where a broken one is broken. No widgets."""

from __future__ import annotations

from collections.abc import Hashable

from studio.protocol.views import TemplateView
from studio.tui.glyphs import UNICODE, Glyphs
from studio.tui.presenters.lines import Line, line, spread
from studio.tui.presenters.spans import flow


def order(templates: tuple[TemplateView, ...]) -> tuple[TemplateView, ...]:
    """Broken ones first, then the project's own, then the packaged; each by name, the parts that others include last."""
    return tuple(sorted(templates, key=lambda one: (not one.error, one.source != "project", _is_part(one), one.name)))


def _is_part(template: TemplateView) -> bool:
    return any(step.startswith("_") for step in template.name.split("/"))


def row(template: TemplateView, cells: int, glyphs: Glyphs = UNICODE, stop: Hashable = None) -> Line:
    own = template.source == "project"
    left = (
        (f"{glyphs.failed} " if template.error else "  ", "error"),
        (template.name.removesuffix(".md.j2"), "strong" if own else "text"),
    )
    state = ("broken", "error") if template.error else (template.source, "accent" if own else "dim")
    return spread(left, (state,), cells, stop)


def facts(template: TemplateView, cells: int, glyphs: Glyphs = UNICODE) -> list[Line]:
    """What stands above the text: what it is for, its state, its parts."""
    said: list[Line] = []
    if template.description:
        said += flow([(template.description, "text")], cells)
    if template.error:
        where = f"line {template.error_line}: " if template.error_line else ""
        said += flow([(f"{glyphs.failed} {where}{template.error}", "error")], cells)
    own = "the project's own" if template.source == "project" else "packaged; editing makes a copy in the project"
    said += flow([(f"{own} {glyphs.dot} {template.path}", "dim")], cells)
    if template.includes:
        said += flow([(f"includes {', '.join(template.includes)}", "dim")], cells)
    return said


def numbered(text: str, cells: int, broken: int = 0) -> list[Line]:
    """The text with line numbers, the broken line marked; long lines continue under themselves."""
    rows: list[Line] = []
    for number, content in enumerate(text.split("\n"), 1):
        style = "error" if number == broken else "text"
        first, *rest = flow([(content, style)], max(10, cells - 5))
        rows.append(line((f"{number:>4} ", "error" if number == broken else "dim"), *first.spans))
        rows += [line(("     ", "text"), *more.spans) for more in rest]
    return rows
