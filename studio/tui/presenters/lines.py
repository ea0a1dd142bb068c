"""Prepared lines: what a line view draws. Spans of text with a style's name, and wrapping by terminal cells. No Textual."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from rich.cells import cell_len

Span = tuple[str, str]
"""Text and the name of its style (`studio.tui.theme.STYLES`)."""

_PIECE = re.compile(r"\S+|\s+")


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the screen. `stop` names the paragraph or row that the cursor stands on (None: the cursor skips this line)."""

    spans: tuple[Span, ...]
    stop: Hashable = None

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.spans)

    @property
    def width(self) -> int:
        return sum(cell_len(text) for text, _ in self.spans)


BLANK = Line(())


def line(*spans: Span, stop: Hashable = None) -> Line:
    """A line of spans; empty ones are dropped."""
    return Line(tuple(span for span in spans if span[0]), stop)


def wrap(text: str, width: int) -> list[str]:
    """One paragraph (no newline) in rows of at most `width` cells: broken at spaces, and inside what is wider than a row.

    Scripts without spaces break anywhere, as a terminal would. Tabs count as four spaces.
    """
    return [
        text.replace("\t", "    ")[start:end].rstrip() for start, end in wrap_offsets(text.replace("\t", "    "), width)
    ]


def wrap_offsets(text: str, width: int) -> Iterator[tuple[int, int]]:
    """Where the rows of `wrap` begin and end in `text`, in characters. An empty text is one empty row."""
    width = max(width, 1)
    start, used = 0, 0
    for piece in _PIECE.finditer(text):
        size = len(piece[0]) if piece[0].isascii() else cell_len(piece[0])
        if used + size <= width or piece[0].isspace():
            used += size
            continue
        if used:
            yield start, piece.start()
            start, used = piece.start(), 0
        if size <= width:
            used = size
            continue
        for cut in _cuts(piece[0], width):
            yield start, piece.start() + cut
            start = piece.start() + cut
        used = cell_len(text[start : piece.end()])
    yield start, len(text)


def _cuts(word: str, width: int) -> Iterator[int]:
    used = 0
    for index, char in enumerate(word):
        size = cell_len(char)
        if used + size > width and index:
            yield index
            used = 0
        used += size


def fit(text: str, width: int, more: str = "…") -> str:
    """`text` in at most `width` cells, its end cut off for `more`."""
    if cell_len(text) <= width:
        return text
    room = max(width - cell_len(more), 0)
    kept, used = "", 0
    for char in text:
        used += cell_len(char)
        if used > room:
            break
        kept += char
    return (kept.rstrip() + more) if width >= cell_len(more) else kept


def spread(left: tuple[Span, ...], right: tuple[Span, ...], width: int, stop: Hashable = None) -> Line:
    """`left` and `right` at the two ends of a row of `width` cells; the left end gives way when both do not fit."""
    right_width = sum(cell_len(text) for text, _ in right)
    room = width - right_width - 2
    spans: list[Span] = []
    used = 0
    for text, style in left:
        cut = fit(text, max(room - used, 0))
        used += cell_len(cut)
        spans.append((cut, style))
    if not right:
        return line(*spans, stop=stop)
    return line(*spans, (" " * max(width - used - right_width, 1), "text"), *right, stop=stop)
