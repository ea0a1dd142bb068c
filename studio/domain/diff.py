"""Word diff of two texts by paragraph, on difflib. Drawing it is the front end's business."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Op = Literal["same", "del", "add"]
_TOKEN = re.compile(r"\s+|\w+(?:['’]\w+)*|[^\w\s]", re.UNICODE)
# Below this likeness a replaced paragraph reads better as one struck and one new than as confetti.
_ALIKE = 0.35


@dataclass(frozen=True, slots=True)
class Span:
    op: Op
    text: str


@dataclass(frozen=True, slots=True)
class ParagraphDiff:
    """One paragraph of the joined view; `changed` is False for one that stands in both texts as it is."""

    spans: tuple[Span, ...]

    @property
    def changed(self) -> bool:
        return any(span.op != "same" for span in self.spans)


def paragraphs(text: str) -> list[str]:
    """Non-empty lines: a line break separates paragraphs, blank lines do not count."""
    return [line.rstrip() for line in text.split("\n") if line.strip()]


def diff(old: str, new: str) -> tuple[ParagraphDiff, ...]:
    """The joined view of both texts. Joining the `same` and `add` spans of all paragraphs gives the new text's paragraphs."""
    before, after = paragraphs(old), paragraphs(new)
    found: list[ParagraphDiff] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            found += [ParagraphDiff((Span("same", text),)) for text in before[i1:i2]]
        else:
            found += _replaced(before[i1:i2], after[j1:j2])
    return tuple(found)


def _replaced(old: list[str], new: list[str]) -> Iterator[ParagraphDiff]:
    taken = 0
    for text in old:
        ahead = new[taken:]
        match = next((n for n, other in enumerate(ahead) if _likeness(text, other) >= _ALIKE), None)
        if match is None:
            yield ParagraphDiff((Span("del", text),))
            continue
        for inserted in ahead[:match]:
            yield ParagraphDiff((Span("add", inserted),))
        yield ParagraphDiff(tuple(_words(text, ahead[match])))
        taken += match + 1
    for inserted in new[taken:]:
        yield ParagraphDiff((Span("add", inserted),))


def _likeness(old: str, new: str) -> float:
    matcher = SequenceMatcher(None, _TOKEN.findall(old), _TOKEN.findall(new), autojunk=False)
    return matcher.ratio() if matcher.quick_ratio() >= _ALIKE else 0.0


def _words(old: str, new: str) -> Iterator[Span]:
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    codes = [_Code(*code) for code in SequenceMatcher(None, before, after, autojunk=False).get_opcodes()]
    for code in _readable(codes, before):
        if code.tag == "equal":
            yield Span("same", "".join(before[code.i1 : code.i2]))
            continue
        if code.i2 > code.i1:
            yield Span("del", "".join(before[code.i1 : code.i2]))
        if code.j2 > code.j1:
            yield Span("add", "".join(after[code.j1 : code.j2]))


@dataclass(frozen=True, slots=True)
class _Code:
    """An opcode of difflib: tokens `i1` to `i2` of the old text are `j1` to `j2` of the new one."""

    tag: str
    i1: int
    i2: int
    j1: int
    j2: int

    @property
    def size(self) -> int:
        return max(self.i2 - self.i1, self.j2 - self.j1)


def _readable(codes: list[_Code], before: list[str]) -> list[_Code]:
    """Opcodes in which a stray word that stands in both texts (a `the` between two rewritten halves) belongs to the change around
    it; a small edit stays exact. Each round joins at least two, so it ends."""
    while True:
        at = next((at for at in range(1, len(codes) - 1) if _stray(codes[at - 1 : at + 2], before)), None)
        if at is None:
            return codes
        left, right = codes[at - 1], codes[at + 1]
        codes = [*codes[: at - 1], _Code("replace", left.i1, right.i2, left.j1, right.j2), *codes[at + 2 :]]


def _stray(three: list[_Code], before: list[str]) -> bool:
    left, gap, right = three
    if gap.tag != "equal":
        return False
    words = sum(1 for token in before[gap.i1 : gap.i2] if token[0].isalnum())
    around = left.size + right.size
    return around >= 6 * words if 0 < words <= 2 else words == 0 and around > 2
