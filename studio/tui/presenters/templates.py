"""Prompt templates as rows: where each comes from, and where a broken one is broken. No widgets."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from studio.protocol.views import TemplateView
from studio.tui.glyphs import UNICODE, Glyphs
from studio.tui.presenters.fuzzy import rank
from studio.tui.presenters.lines import Line, line, spread
from studio.tui.presenters.spans import flow


def order(templates: tuple[TemplateView, ...], workflow: str = "") -> tuple[TemplateView, ...]:
    """Broken ones first, then those of the project's own workflow, then others; each by name, the parts that others include last.
    A template that becomes the project's own by editing it stays in its row."""
    return tuple(
        sorted(templates, key=lambda one: (not one.error, not _is_own(one, workflow), _is_part(one), one.name))
    )


def _is_own(template: TemplateView, workflow: str) -> bool:
    return template.source == "project" or template.name.split("/")[0] == workflow


def matching(templates: Sequence[TemplateView], typed: str) -> tuple[TemplateView, ...]:
    """Those that `typed` means, by name and description, best first; all of them for nothing typed."""
    if not typed.strip():
        return tuple(templates)
    return tuple(hit.item for hit in rank(typed, templates, lambda one: f"{one.name} {one.description}"))


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
