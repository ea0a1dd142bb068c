"""A word diff as lines: with colour, or with [-...-] and {+...+} without."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from studio.domain.diff import ParagraphDiff, Span
from studio.tui.presenters.diff import glued

if TYPE_CHECKING:
    from studio.cli.output import Output


def changed_lines(paragraphs: Iterable[ParagraphDiff], out: Output, *, full: bool = False) -> Iterator[str]:
    """Ready for `Output.lines(..., styled=True)`; paragraphs that stayed as they were are counted, unless `full`."""
    same = 0
    for paragraph in paragraphs:
        if not paragraph.changed and not full:
            same += 1
            continue
        if same:
            yield _folded(same, out)
            same = 0
        yield "".join(_spans(paragraph.spans, out))
        yield ""
    if same:
        yield _folded(same, out)


def _folded(count: int, out: Output) -> str:
    return out.styled(f"  ({count} paragraph{'s' if count > 1 else ''} unchanged)", "dim")


def _spans(spans: Iterable[Span], out: Output) -> Iterator[str]:
    before: Span | None = None
    for span in spans:
        if before is not None and out.colour and glued(before, span):
            yield " "
        yield _span(span.op, span.text, out)
        before = span


def _span(op: str, text: str, out: Output) -> str:
    if op == "same":
        return out.styled(text, "plain")
    if out.colour:
        return out.styled(text, op)
    return out.styled(f"[-{text}-]" if op == "del" else f"{{+{text}+}}", "plain")
