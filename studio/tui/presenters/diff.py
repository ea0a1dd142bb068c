"""A word diff set in lines: in one column with struck and accented words, or side by side. The comparing is `domain.diff`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from studio.domain.diff import ParagraphDiff, Span, diff
from studio.domain.text import word_count
from studio.tui.presenters.lines import MEASURE, Line, Piece, Tone, fit, line, width, wrap

_TONES: dict[str, Tone] = {"same": "", "del": "del", "add": "add"}
# Two columns of fewer cells than this read worse than one.
_NARROWEST_SIDE = 36
_GUTTER = " │ "


@dataclass(frozen=True, slots=True)
class DiffText:
    """`changes` are the rows where each changed paragraph begins, for j and k; `added` and `removed` count words."""

    rows: tuple[Line, ...]
    changes: tuple[int, ...]
    added: int
    removed: int

    @property
    def summary(self) -> str:
        if not self.changes:
            return "no difference"
        count = len(self.changes)
        return f"{count} change{'s' if count > 1 else ''} · +{self.added} -{self.removed} words"

    def after(self, row: int) -> int | None:
        """The first change below `row`."""
        return next((at for at in self.changes if at > row), None)

    def before(self, row: int) -> int | None:
        """The last change above `row`."""
        return next((at for at in reversed(self.changes) if at < row), None)


def fits_side_by_side(cells: int) -> bool:
    return cells >= 2 * _NARROWEST_SIDE + len(_GUTTER)


def compare(old: str, new: str, cells: int, *, side_by_side: bool = False) -> DiffText:
    """The difference set in at most `cells`; the one-column form keeps to the measure."""
    found = diff(old, new)
    set_changed = _two_columns if side_by_side and fits_side_by_side(cells) else _one_column
    rows: list[Line] = []
    changes: list[int] = []
    for changed, group in groupby(found, key=lambda paragraph: paragraph.changed):
        if not changed:
            rows += [*_folded(list(group), min(cells, MEASURE)), ()]
            continue
        for paragraph in group:
            changes.append(len(rows))
            rows += [*set_changed(paragraph, cells), ()]
    return DiffText(tuple(rows[:-1]), tuple(changes), _words(found, "add"), _words(found, "del"))


def _words(found: Iterable[ParagraphDiff], op: str) -> int:
    return sum(word_count(span.text) for paragraph in found for span in paragraph.spans if span.op == op)


def _folded(group: list[ParagraphDiff], cells: int) -> list[Line]:
    """Unchanged paragraphs on one line: the words of a single one, else how many there are."""
    if len(group) == 1:
        return [line(Piece(fit(f"⋯ {group[0].spans[0].text}", cells), "dim"))]
    return [line(Piece(f"⋯ {len(group)} paragraphs unchanged", "dim"))]


def _one_column(paragraph: ParagraphDiff, cells: int) -> list[Line]:
    return wrap(_pieces(paragraph.spans), min(cells, MEASURE))


def _pieces(spans: Iterable[Span]) -> Line:
    return tuple(Piece(span.text, _TONES[span.op]) for span in spans)


def _two_columns(paragraph: ParagraphDiff, cells: int) -> list[Line]:
    side = min((cells - len(_GUTTER)) // 2, MEASURE)
    left = wrap(_pieces(span for span in paragraph.spans if span.op != "add"), side)
    right = wrap(_pieces(span for span in paragraph.spans if span.op != "del"), side)
    return list(_joined(left, right, side))


def _joined(left: list[Line], right: list[Line], side: int) -> Iterator[Line]:
    for at in range(max(len(left), len(right))):
        mine = left[at] if at < len(left) else ()
        yours = right[at] if at < len(right) else ()
        yield (*mine, Piece(" " * max(0, side - width(mine))), Piece(_GUTTER, "dim"), *yours)
