"""Ranking of short titles against typed letters, for the palette, the jump line and the pickers. No widgets."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

# A whole phrase beats words in any order, which beat letters in order: typing a known word must never be outranked by confetti.
_PHRASE, _WORDS, _LETTERS = 3000, 2000, 1000
# Letters spread wider than this many cells each are chance: `note` would find `next pane: outline`.
_STRETCH = 4


@dataclass(frozen=True, slots=True)
class Match(Generic[T]):
    """`marks` are the offsets of the matched characters in the candidate's text."""

    item: T
    score: int
    marks: tuple[int, ...]


def rank(query: str, items: Iterable[T], text: Callable[[T], str]) -> list[Match[T]]:
    """The items that match, best first; ties keep their order. An empty query matches all, unmarked."""
    if not query.strip():
        return [Match(item, 0, ()) for item in items]
    found: list[Match[T]] = []
    for item in items:
        score, marks = match(query, text(item))
        if score:
            found.append(Match(item, score, marks))
    return sorted(found, key=lambda hit: -hit.score)


def match(query: str, candidate: str) -> tuple[int, tuple[int, ...]]:
    """Score (0: no match) and the offsets matched. Case and accents do not count."""
    wanted, there = fold(query).strip(), fold(candidate)
    if not wanted:
        return 0, ()
    at = _word_find(there, wanted)
    if at >= 0:
        return _PHRASE + _early(at) + (500 if _starts_word(there, at) else 0), tuple(range(at, at + len(wanted)))
    words = wanted.split()
    if len(words) > 1 and (spots := _all_words(there, words)):
        return _WORDS + _early(spots[0]), spots
    return _in_order(there, wanted.replace(" ", ""))


def fold(text: str) -> str:
    """Text without case and accents, one character for each of the original so that offsets agree."""
    return "".join(_plain(char) for char in text)


def _plain(char: str) -> str:
    if char.isascii():
        return char.lower()
    base = unicodedata.normalize("NFD", char)[0].casefold()
    return base if len(base) == 1 else char


def _early(at: int) -> int:
    return max(0, 200 - at)


def _starts_word(text: str, at: int) -> bool:
    return at == 0 or not text[at - 1].isalnum()


def _word_find(text: str, wanted: str) -> int:
    """The first place at the start of a word, else the first place, else -1."""
    first = at = text.find(wanted)
    while at >= 0 and not _starts_word(text, at):
        at = text.find(wanted, at + 1)
    return at if at >= 0 else first


def _all_words(text: str, words: list[str]) -> tuple[int, ...]:
    marks: set[int] = set()
    for word in words:
        at = _word_find(text, word)
        if at < 0:
            return ()
        marks.update(range(at, at + len(word)))
    return tuple(sorted(marks))


def _in_order(text: str, letters: str) -> tuple[int, tuple[int, ...]]:
    """Every letter in order within a few words; the first must start a word, and gaps cost."""
    for start in (at for at, char in enumerate(text) if char == letters[0] and _starts_word(text, at)):
        marks = [start]
        for letter in letters[1:]:
            at = text.find(letter, marks[-1] + 1)
            if at < 0:
                break
            marks.append(at)
        if len(marks) == len(letters) and marks[-1] - start <= _STRETCH * len(letters):
            return max(1, _LETTERS + _early(start) - (marks[-1] - start)), tuple(marks)
    return 0, ()
