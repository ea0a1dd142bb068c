"""Replacing passages of a text: found exactly or but for quotes, white space and indentation; once, or refused with the place."""

from __future__ import annotations

import bisect
import difflib
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

EXCERPT_LINES = 24
EXCERPT_COLUMNS = 240
PLACES_SHOWN = 12
# Lines compared by likeness when no line of a passage is in the file: 5,000 of 200 characters take 0.3 s.
_LIKENESS_LINES = 5_000
_LIKENESS_COLUMNS = 200
# Old lines times new lines, between those that both begin and end with, up to which they are compared: 200 by 200 take 11 ms.
_COMPARED = 40_000

# One character for one, so that every place stays where it is. No compatibility forms: CJK punctuation is not folded.
_SAME = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        **dict.fromkeys("\u00a0\u2007\u202f\u2009\u200a", " "),
    }
)


class Unmatched(Exception):
    """An edit that cannot be made, in words for the model. `reason` is missing, ambiguous, overlap, same or empty."""

    def __init__(self, words: str, reason: str) -> None:
        super().__init__(words)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Applied:
    """The text with all edits made, the first and last line of each in it, and how loosely they were found."""

    text: str
    lines: tuple[tuple[int, int], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Found:
    """Where a passage stands in the text (its characters from `start` to `end`), what goes there, and why it counts as found."""

    start: int
    end: int
    new: str
    how: str = ""


def apply(text: str, edits: Sequence[tuple[str, str]]) -> Applied:
    """Make all `edits` (old, new) or none. Every old passage is looked for in `text` as it is. Raises Unmatched."""
    if not edits:
        raise Unmatched("There are no edits.", "empty")
    plain, returns = _unix(text)
    lines_of = _Lines(plain)
    found = [_find(lines_of, old, new, _which(number, edits)) for number, (old, new) in enumerate(edits, 1)]
    _refuse_overlap(found)
    if all(plain[one.start : one.end] == one.new for one in found):
        raise Unmatched("Nothing would change: every new passage is what stands there already.", "same")
    windows = len(returns) * 2 > plain.count("\n")
    pieces: list[str] = []
    lines: list[tuple[int, int]] = []
    reached, added = 0, 0
    for one in sorted(found, key=lambda one: one.start):
        pieces += [text[_original(reached, returns) : _original(one.start, returns)]]
        pieces += [one.new.replace("\n", "\r\n") if windows else one.new]
        first = plain.count("\n", 0, one.start) + 1 + added
        height = one.new.rstrip("\n").count("\n")
        lines.append((first, first + height))
        added += one.new.count("\n") - plain.count("\n", one.start, one.end)
        reached = one.end
    pieces.append(text[_original(reached, returns) :])
    how = sorted({one.how for one in found if one.how})
    note = f"Found it although {' and '.join(how)} differed." if how else ""
    return Applied("".join(pieces), tuple(lines), note)


def places(lines: Iterable[tuple[int, int]]) -> str:
    """`line 3, lines 10-12`."""
    parts = [f"line {first}" if first == last else f"lines {first}-{last}" for first, last in lines]
    shown = ", ".join(parts[:PLACES_SHOWN])
    return f"{shown} and {len(parts) - PLACES_SHOWN} more" if len(parts) > PLACES_SHOWN else shown


def _which(number: int, edits: Sequence[tuple[str, str]]) -> str:
    return f"Edit {number}: the" if len(edits) > 1 else "The"


def _unix(text: str) -> tuple[str, list[int]]:
    """The text with `\\n` for `\\r\\n`, and the places in it where a `\\r` was left out."""
    if "\r\n" not in text:
        return text, []
    returns: list[int] = []
    for match in re.finditer("\r\n", text):
        returns.append(match.start() - len(returns))
    return text.replace("\r\n", "\n"), returns


def _original(place: int, returns: Sequence[int]) -> int:
    """A place of the plain text in the text with its carriage returns; before a line's end means before its `\\r`."""
    return place + bisect.bisect_left(returns, place)


def _find(lines: _Lines, old: str, new: str, which: str) -> _Found:
    text = lines.text
    if not old.strip("\n"):
        if not text.strip():
            return _Found(0, len(text), new)
        raise Unmatched(
            f"{which} old passage is empty. Give the lines next to the place, and repeat them in the new passage.",
            "empty",
        )
    searches: tuple[Callable[[], list[_Found]], ...] = (
        lambda: _exact(text, old, new),
        lambda: _typographic(text, old, new),
        lambda: lines.matches(old, new, moved=False),
        lambda: lines.matches(old, new, moved=True),
    )
    for search in searches:
        hits = search()
        if len(hits) == 1:
            return hits[0]
        if hits:
            raise Unmatched(_ambiguous(text, hits, which), "ambiguous")
    raise Unmatched(which + lines.miss(old, new), "missing")


def _ambiguous(text: str, hits: Sequence[_Found], which: str) -> str:
    at = sorted({text.count("\n", 0, one.start) + 1 for one in hits})
    shown = ", ".join(str(line) for line in at[:PLACES_SHOWN])
    count = f"{len(hits)} times" if len(hits) <= PLACES_SHOWN else f"more than {PLACES_SHOWN} times"
    return (
        f"{which} old passage is in the file {count} (line{'s' if len(at) > 1 else ''} {shown}), and must be there once. "
        "Take in more lines around the one that you mean."
    )


def _refuse_overlap(found: Sequence[_Found]) -> None:
    numbered = sorted(enumerate(found, 1), key=lambda pair: (pair[1].start, pair[1].end))
    for (number, one), (other_number, other) in itertools.pairwise(numbered):
        if other.start < one.end:
            first, second = sorted((number, other_number))
            raise Unmatched(f"Edits {first} and {second} are about the same lines. Make one edit of them.", "overlap")


def _exact(text: str, old: str, new: str) -> list[_Found]:
    return [_Found(start, start + len(old), new) for start in _starts(text, old)]


def _typographic(text: str, old: str, new: str) -> list[_Found]:
    """Quotes, dashes and odd spaces count as plain ones; what the edit leaves as it is keeps the file's own characters."""
    plain_old, plain_new = old.translate(_SAME), new.translate(_SAME)
    found = []
    for start in _starts(text.translate(_SAME), plain_old):
        theirs = text[start : start + len(old)]
        head = _common(plain_old, plain_new)
        tail = min(_common(plain_old[::-1], plain_new[::-1]), len(old) - head, len(new) - head)
        kept = theirs[:head] + new[head : len(new) - tail] + (theirs[len(theirs) - tail :] if tail else "")
        found.append(_Found(start, start + len(old), kept, "quotes or dashes"))
    return found


def _starts(text: str, old: str) -> list[int]:
    starts: list[int] = []
    place = text.find(old)
    while place >= 0 and len(starts) <= PLACES_SHOWN:
        starts.append(place)
        place = text.find(old, place + 1)
    return starts


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    length = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        length += 1
    return length


class _Lines:
    """A text by its lines, to find passages of whole lines in it although white space differs."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def _lines(self) -> list[str]:
        return self.text.split("\n")

    @property
    def _total(self) -> int:
        return len(self._lines) - (not self._lines[-1])

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *itertools.accumulate(len(line) + 1 for line in self._lines)]

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        places: dict[str, list[int]] = {}
        for number, line in enumerate(self._lines):
            places.setdefault(_key(line), []).append(number)
        return places

    def matches(self, old: str, new: str, *, moved: bool) -> list[_Found]:
        """Where the lines of `old` stand; with `moved`, also indented otherwise than they are given."""
        closed = old.endswith("\n")
        lines = (old[:-1] if closed else old).split("\n")
        keys = [_key(line) for line in lines]
        found: list[_Found] = []
        for start in self._candidates(keys):
            window = self._lines[start : start + len(lines)]
            if len(window) < len(lines) or [_key(line) for line in window] != keys:
                continue
            shift = _shift(
                [(_indent(mine), _indent(theirs)) for mine, theirs in zip(lines, window, strict=True) if _key(mine)]
            )
            if shift is None or (shift is not _as_it_is and not moved):
                continue
            found.append(self._found(start, window, old, new, shift))
            if len(found) > PLACES_SHOWN:
                break
        return found

    def miss(self, old: str, new: str) -> str:
        """The nearest place, the first line that differs there, and the text around it."""
        lines = old.strip("\n").split("\n")
        if new.strip() and new.strip("\n") in self.text:
            place = self.text.count("\n", 0, self.text.index(new.strip("\n"))) + 1
            return f" old passage is not in the file, and the new one is there already (line {place}). Go on with what is next."
        start = self._nearest([_key(line) for line in lines])
        if start is None:
            return f" old passage is not in the file, nor anything like it.\n{self._excerpt(0, EXCERPT_LINES)}"
        at, theirs, mine = self._difference(start, lines)
        return (
            f" old passage is not in the file. The nearest place is line {start + 1}; the first line that differs is "
            f"line {at + 1}. The file has:\n{theirs}\nYou gave:\n{mine}\n{self._excerpt(start, len(lines))}"
        )

    def _found(self, start: int, window: list[str], old: str, new: str, shift: Callable[[str], str]) -> _Found:
        end = self._starts[start + len(window)] - 1
        if old.endswith("\n"):
            window = [*window, ""]
            if end < len(self.text):
                end += 1
            else:
                new = new.removesuffix("\n")
        how = "white space" if shift is _as_it_is else "indentation"
        return _Found(self._starts[start], end, _carried(old.split("\n"), new.split("\n"), window, shift), how)

    def _candidates(self, keys: Sequence[str]) -> list[int]:
        """First lines of the windows that hold the passage's rarest line at its place."""
        written = [(len(self._places.get(key, ())), index) for index, key in enumerate(keys) if key]
        if not written:
            return []
        _, index = min(written)
        return [place - index for place in self._places.get(keys[index], ()) if place >= index]

    def _nearest(self, keys: Sequence[str]) -> int | None:
        votes: Counter[int] = Counter()
        for index, key in enumerate(keys[:_LIKENESS_LINES]):
            places = self._places.get(key, ()) if len(key) > 2 else ()
            for place in places[:PLACES_SHOWN]:
                votes[max(0, place - index)] += 1
        if votes:
            return min(votes, key=lambda start: (-votes[start], start))
        wanted = next((key for key in keys if key), "")[:_LIKENESS_COLUMNS]
        known = {
            key[:_LIKENESS_COLUMNS]: places[0] for key, places in list(self._places.items())[:_LIKENESS_LINES] if key
        }
        close = difflib.get_close_matches(wanted, known, n=1, cutoff=0.6)
        return known[close[0]] if close else None

    def _difference(self, start: int, lines: Sequence[str]) -> tuple[int, str, str]:
        """The first line that differs: but for white space, or else in its white space."""
        pairs = list(enumerate(lines))
        for differ in (lambda one, other: _key(one) != _key(other), lambda one, other: one.rstrip() != other.rstrip()):
            for index, mine in pairs:
                place = start + index
                if place >= self._total:
                    return place, "(the file ends here)", _cut(mine)
                if differ(self._lines[place], mine):
                    return place, _cut(self._lines[place]), _cut(mine)
        return start, _cut(self._lines[start]), _cut(lines[0])

    def _excerpt(self, start: int, height: int) -> str:
        first = max(0, start - 4)
        last = min(self._total, first + min(EXCERPT_LINES, height + 8))
        shown = "\n".join(_cut(line) for line in self._lines[first:last])
        return f"Lines {first + 1}-{last} of {self._total}, as they are now:\n{shown}"


def _key(line: str) -> str:
    return line.translate(_SAME).strip()


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _cut(line: str) -> str:
    return line if len(line) <= EXCERPT_COLUMNS else f"{line[:EXCERPT_COLUMNS]}… ({len(line)} characters)"


def _as_it_is(indent: str) -> str:
    return indent


def _shift(pairs: Sequence[tuple[str, str]]) -> Callable[[str], str] | None:
    """What makes every given indentation (first of a pair) the file's (second); None when no one rule does."""
    if all(mine == theirs for mine, theirs in pairs):
        return _as_it_is
    mine, theirs = pairs[0]
    if theirs.endswith(mine) and all(there == theirs[: len(theirs) - len(mine)] + here for here, there in pairs):
        more = theirs[: len(theirs) - len(mine)]
        return lambda indent: more + indent
    if mine.endswith(theirs) and all(here == mine[: len(mine) - len(theirs)] + there for here, there in pairs):
        less = mine[: len(mine) - len(theirs)]
        return lambda indent: indent[len(less) :] if indent.startswith(less) else ""
    for unit in (4, 2, 8):
        for rule in (_to_tabs(unit), _to_spaces(unit)):
            if all(rule(here) == there for here, there in pairs):
                return rule
    return None


def _to_tabs(unit: int) -> Callable[[str], str]:
    return lambda indent: "\t" * (indent.count(" ") // unit + indent.count("\t")) + " " * (indent.count(" ") % unit)


def _to_spaces(unit: int) -> Callable[[str], str]:
    return lambda indent: indent.replace("\t", " " * unit)


def _carried(old: Sequence[str], new: Sequence[str], theirs: Sequence[str], shift: Callable[[str], str]) -> str:
    """The new lines in the file's manner: those that the edit leaves are the file's own, the others get its indentation."""
    mine = [line.translate(_SAME).rstrip() for line in old]
    wanted = [line.translate(_SAME).rstrip() for line in new]
    head = _common(mine, wanted)
    tail = min(_common(mine[::-1], wanted[::-1]), len(old) - head, len(new) - head)
    kept = {step: theirs[step] for step in range(head)}
    kept |= {len(new) - step: theirs[len(old) - step] for step in range(1, tail + 1)}
    inner_old, inner_new = mine[head : len(old) - tail], wanted[head : len(new) - tail]
    if len(inner_old) * len(inner_new) <= _COMPARED:
        for block in difflib.SequenceMatcher(None, inner_old, inner_new, autojunk=False).get_matching_blocks():
            kept |= {head + block.b + step: theirs[head + block.a + step] for step in range(block.size)}
    return "\n".join(kept.get(number, _moved(line, shift)) for number, line in enumerate(new))


def _moved(line: str, shift: Callable[[str], str]) -> str:
    indent = _indent(line)
    return f"{shift(indent)}{line[len(indent) :]}" if line.strip() else line
