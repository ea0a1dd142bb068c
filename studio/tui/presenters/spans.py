"""Wrapping of styled text: spans that keep their styles over line breaks. Plain text is wrapped in `lines`. No widgets."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

from rich.cells import cell_len

from studio.tui.presenters.lines import Line, Span, wrap_offsets

MEASURE = 72
"""The widest that prose is set, in cells."""


def width_of(spans: Iterable[Span]) -> int:
    return sum(cell_len(text) for text, _ in spans)


def flow(spans: Iterable[Span], width: int, *, indent: str = "", stop: Hashable = None) -> list[Line]:
    """The spans as one paragraph in lines of at most `width` cells, `indent` included. At least one line.

    A word that changes style midway (`rail` and an added comma) is not broken there.
    """
    known = [(text.replace("\t", "    "), style) for text, style in spans]
    whole = "".join(text for text, _ in known)
    start = ((indent, "text"),) if indent else ()
    return [
        Line((*start, *_between(known, *_bare(whole, first, last))), stop)
        for first, last in wrap_offsets(whole, width - cell_len(indent))
    ]


def _bare(whole: str, first: int, last: int) -> tuple[int, int]:
    """The range without the spaces at its end."""
    return first, first + len(whole[first:last].rstrip())


def _between(spans: list[Span], first: int, last: int) -> Iterator[Span]:
    at = 0
    for text, style in spans:
        part = text[max(first - at, 0) : max(last - at, 0)]
        if part:
            yield part, style
        at += len(text)


def padded(spans: Iterable[Span], width: int) -> tuple[Span, ...]:
    """The spans filled with spaces to `width` cells."""
    kept = tuple(spans)
    return (*kept, (" " * max(0, width - width_of(kept)), "text"))
