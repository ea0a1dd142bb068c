"""A word diff set in lines: in one column with struck and accented words, or side by side. The comparing is `domain.diff`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from studio.domain.diff import ParagraphDiff, Span, diff
from studio.domain.text import word_count
from studio.tui.glyphs import ASCII, UNICODE, Glyphs
from studio.tui.presenters.lines import BLANK, Line, fit, line
from studio.tui.presenters.lines import Span as Styled
from studio.tui.presenters.spans import MEASURE, flow, padded

_STYLES = {"same": "text", "del": "del", "add": "add"}
# A terminal that has no Unicode has rarely a struck or an underlined face: there the signs of wdiff stand around the words.
_SIGNS = {"same": "{}", "del": "[-{}-]", "add": "{{+{}+}}"}
# Two columns of fewer cells than this read worse than one.
_NARROWEST_SIDE = 36
_GUTTER = 3


@dataclass(frozen=True, slots=True)
class DiffText:
    """`changes` are the rows where each changed paragraph begins; its rows have its number, from 1, as their `stop`.

    `added` and `removed` count words.
    """

    rows: tuple[Line, ...]
    changes: tuple[int, ...]
    added: int
    removed: int

    @property
    def summary(self) -> str:
        if not self.changes:
            return "no difference"
        count = len(self.changes)
        return f"{count} change{'s' if count > 1 else ''}, +{self.added} -{self.removed} words"


def fits_side_by_side(cells: int) -> bool:
    return cells >= 2 * _NARROWEST_SIDE + _GUTTER


def compare(old: str, new: str, cells: int, *, side_by_side: bool = False, glyphs: Glyphs = UNICODE) -> DiffText:
    """The difference set in at most `cells`; the one-column form keeps to the measure."""
    found = diff(old, new)
    two = side_by_side and fits_side_by_side(cells)
    rows: list[Line] = []
    changes: list[int] = []
    for changed, group in groupby(found, key=lambda paragraph: paragraph.changed):
        if not changed:
            rows += [_folded(list(group), min(cells, MEASURE), glyphs), BLANK]
            continue
        for paragraph in group:
            changes.append(len(rows))
            at = len(changes)
            rows += _two_columns(paragraph, cells, at, glyphs) if two else _one_column(paragraph, cells, at, glyphs)
            rows.append(BLANK)
    return DiffText(tuple(rows[:-1]), tuple(changes), _words(found, "add"), _words(found, "del"))


def news(old: str, new: str, cells: int, most: int, *, glyphs: Glyphs = UNICODE, all_of_it: str = "") -> list[Line]:
    """What `new` brings against `old`, in at most `most` rows: a paragraph that went is one row, and where there is no room for all,
    rows with new words go before others. The last row counts what is left out; `all_of_it` says there how to see it."""
    rows: list[Line] = []
    for paragraph in diff(old, new):
        gone = all(span.op == "del" for span in paragraph.spans)
        if gone:
            text = fit(" ".join(span.text for span in paragraph.spans), cells - 4, glyphs.more)
            rows.append(Line(tuple(_styled((Span("del", text),), glyphs)), 0))
        elif paragraph.changed:
            rows += _one_column(paragraph, cells, 0, glyphs)
    if len(rows) <= most:
        return rows
    bring = [n for n, row in enumerate(rows) if any(style == "add" for _, style in row.spans)]
    others = [n for n in range(len(rows)) if n not in set(bring)]
    kept = sorted([*bring, *others][: most - 1])
    left = f"{glyphs.more} {len(rows) - len(kept)} more lines{all_of_it}"
    return [*(rows[n] for n in kept), line((fit(left, cells, glyphs.more), "dim"))]


def _words(found: Iterable[ParagraphDiff], op: str) -> int:
    return sum(word_count(span.text) for paragraph in found for span in paragraph.spans if span.op == op)


def _folded(group: list[ParagraphDiff], cells: int, glyphs: Glyphs) -> Line:
    """Unchanged paragraphs on one line: the words of a single one, else how many there are."""
    if len(group) == 1:
        return line((fit(f"{glyphs.more} {group[0].spans[0].text}", cells, glyphs.more), "dim"))
    return line((fit(f"{glyphs.more} {len(group)} paragraphs unchanged", cells, glyphs.more), "dim"))


def _one_column(paragraph: ParagraphDiff, cells: int, stop: int, glyphs: Glyphs) -> list[Line]:
    return flow(_styled(paragraph.spans, glyphs), min(cells, MEASURE), stop=stop)


def _styled(spans: Iterable[Span], glyphs: Glyphs) -> list[Styled]:
    signs = _SIGNS if glyphs == ASCII else {}
    found: list[Styled] = []
    before: Span | None = None
    for span in spans:
        if before is not None and not signs and glued(before, span):
            found.append((" ", "text"))
        found.append((signs.get(span.op, "{}").format(span.text), _STYLES[span.op]))
        before = span
    return found


def glued(before: Span, span: Span) -> bool:
    """Whether words that went and words that came in would read as one word (`ropeHe`): they are set apart by a space."""
    if before.op == span.op or "same" in (before.op, span.op):
        return False
    end, start = before.text[-1:], span.text[:1]
    return not end.isspace() and not start.isspace() and start.isalnum()


def _two_columns(paragraph: ParagraphDiff, cells: int, stop: int, glyphs: Glyphs) -> list[Line]:
    side = min((cells - _GUTTER) // 2, MEASURE)
    left = flow(_styled((span for span in paragraph.spans if span.op != "add"), glyphs), side)
    right = flow(_styled((span for span in paragraph.spans if span.op != "del"), glyphs), side)
    return [Line(spans, stop) for spans in _joined(left, right, side, f" {glyphs.wall} ")]


def _joined(left: list[Line], right: list[Line], side: int, wall: str) -> Iterator[tuple[Styled, ...]]:
    for at in range(max(len(left), len(right))):
        mine = left[at].spans if at < len(left) else ()
        yours = right[at].spans if at < len(right) else ()
        yield (*padded(mine, side), (wall, "rule"), *yours)
