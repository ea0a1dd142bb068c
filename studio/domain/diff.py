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
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            yield Span("same", "".join(before[i1:i2]))
            continue
        if i2 > i1:
            yield Span("del", "".join(before[i1:i2]))
        if j2 > j1:
            yield Span("add", "".join(after[j1:j2]))
