"""Finding many names in a text at once: whole words in scripts with spaces, substrings elsewhere. What a find means is `selection`'s."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

_SHOUTED = 4
"""Names of at most this many letters, all capitals (IT, ACE), match only as written; in lower case they are ordinary words."""

# Scripts written without spaces between words, and Hangul, whose particles are written onto the word. Blocks of the Unicode
# Character Database: Thai to Lao, Tibetan, Myanmar, Hangul Jamo, Khmer, CJK radicals to Yi, Hangul syllables, CJK compatibility,
# half-width kana, and the supplementary ideographs.
_UNSPACED = (
    "\u0e00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fff\u3005-\u3007\u3031-\u303c\u3041-\u30ff\u3105-\ua4cf"
    "\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
_KATAKANA = re.compile("[\u30a1-\u30fa\u30fc-\u30fe]")
_SEPARATOR = re.compile(r"[\s\-‐‑–'’‘ʼ.·・_/&,+]{1,4}\Z")
_ARTICLE = "the"


@dataclass(frozen=True, slots=True)
class Phrase:
    """One name to look for; `owner` is the number of what it names, `alias` whether it is a second name."""

    owner: int
    text: str
    alias: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A name found in a normalised text from `start` to `end`; `shown` is how it stands there."""

    phrase: Phrase
    start: int
    end: int
    shown: str


@dataclass(frozen=True, slots=True)
class _Words:
    """A phrase of a spaced script, cut into folded words; `edges` are signs that must stand before and after it."""

    phrase: Phrase
    words: tuple[str, ...]
    last: frozenset[str]
    exact: str | None
    edges: tuple[str, str]


@dataclass(slots=True)
class Matcher:
    """All phrases, compiled. A search walks the text once and looks each word up, so its cost does not grow with the names."""

    _by_word: dict[str, list[_Words]] = field(default_factory=dict)
    _by_sign: dict[str, list[tuple[str, Phrase]]] = field(default_factory=dict)

    def find(self, text: str) -> list[Hit]:
        """Hits in order of place; one inside a longer one of another owner is left out."""
        normal = normalise(text)
        hits = [*self._spaced(normal), *self._unspaced(normal)]
        hits.sort(key=lambda hit: (hit.start, -hit.end))
        return list(_longest(hits))

    def _spaced(self, text: str) -> Iterator[Hit]:
        tokens = [(match.group(), match.start(), match.end()) for match in word_pattern().finditer(text)]
        folded = [_fold(token) for token, _, _ in tokens]
        for index, word in enumerate(folded):
            for candidate in self._by_word.get(word, ()):
                if end := _match(candidate, text, tokens, folded, index):
                    start = tokens[index][1]
                    yield Hit(candidate.phrase, start, end, text[start:end])

    def _unspaced(self, text: str) -> Iterator[Hit]:
        if not self._by_sign:
            return
        folded = _fold_each(text)
        for start, sign in enumerate(folded):
            for name, phrase in self._by_sign.get(sign, ()):
                end = start + len(name)
                if folded.startswith(name, start) and not _inside_katakana(folded, start, end):
                    yield Hit(phrase, start, end, text[start:end])


def compile_phrases(phrases: Sequence[Phrase]) -> Matcher:
    """A matcher for the phrases; empty ones are skipped, others never raise."""
    matcher = Matcher()
    for phrase in phrases:
        name = " ".join(normalise(phrase.text).split())
        if re.search(f"[{_UNSPACED}]", name) or (name and not word_pattern().search(name)):
            folded = _fold_each(name)
            matcher._by_sign.setdefault(folded[0], []).append((folded, phrase))
            continue
        for words in _variants(phrase, name):
            keys = words.last if len(words.words) == 1 else {words.words[0]}
            for key in keys:
                matcher._by_word.setdefault(key, []).append(words)
    return matcher


def normalise(text: str) -> str:
    """One form for letters that can be written in several (composed, full width)."""
    return unicodedata.normalize("NFKC", text)


@cache
def word_pattern() -> re.Pattern[str]:
    """A run of letters, digits and marks of scripts with spaces. `\\w` alone leaves out the vowel signs of Indic scripts."""
    marks: list[str] = []
    first: int | None = None
    # Combining marks beyond U+1FFFF do not exist except variation selectors; the scan takes about 15 ms, once.
    for code in range(0x300, 0x20000):
        is_mark = unicodedata.category(chr(code))[0] == "M"
        if is_mark and first is None:
            first = code
        elif not is_mark and first is not None:
            marks.append(f"{chr(first)}-{chr(code - 1)}")
            first = None
    return re.compile(f"(?:(?![{_UNSPACED}])(?:[^\\W_]|[{''.join(marks)}\u200c\u200d]))+")


def _variants(phrase: Phrase, name: str) -> Iterator[_Words]:
    tokens = list(word_pattern().finditer(name))
    if not tokens:
        return
    words = tuple(_fold(token.group()) for token in tokens)
    letters = "".join(token.group() for token in tokens)
    shouted = len(letters) <= _SHOUTED and letters.isalpha() and letters.isupper()
    # "C++" without its signs would be every c; a longer name is found with and without them.
    edges = (name[: tokens[0].start()], name[tokens[-1].end() :]) if len(letters) <= 2 else ("", "")
    yield _Words(phrase, words, _forms(words[-1]), letters if shouted else None, edges)
    if words[0] == _ARTICLE and len(words) > 2:
        yield _Words(phrase, words[1:], _forms(words[-1]), None, ("", ""))


def _forms(word: str) -> frozenset[str]:
    """The word, its plurals, and the singular of one in -ies. Possessives need none: an apostrophe ends a word."""
    forms = {word, word + "s", word + "es"}
    if word.endswith("y"):
        forms.add(word[:-1] + "ies")
    if word.endswith("ies") and len(word) > 4:
        forms.add(word[:-3] + "y")
    return frozenset(sys.intern(form) for form in forms)


def _match(
    candidate: _Words, text: str, tokens: Sequence[tuple[str, int, int]], folded: Sequence[str], index: int
) -> int | None:
    """Where the phrase that starts at this word ends, or None."""
    stop = index + len(candidate.words)
    if stop > len(tokens) or folded[stop - 1] not in candidate.last:
        return None
    if tuple(folded[index : stop - 1]) != candidate.words[:-1]:
        return None
    gaps = (text[tokens[at][2] : tokens[at + 1][1]] for at in range(index, stop - 1))
    if not all(_SEPARATOR.match(gap) for gap in gaps):
        return None
    start, end = tokens[index][1], tokens[stop - 1][2]
    before, after = candidate.edges
    if not (text.endswith(before, 0, start) and text.startswith(after, end)):
        return None
    written = "".join(token for token, _, _ in tokens[index:stop])
    if candidate.exact and not written.startswith(candidate.exact):
        return None
    return end


def _longest(hits: Sequence[Hit]) -> Iterator[Hit]:
    """`hits` sorted by start and length. Equal spans of several owners all stay."""
    open_start, open_end = -1, -1
    for hit in hits:
        inside = open_start <= hit.start and hit.end <= open_end
        if inside and (hit.start, hit.end) != (open_start, open_end):
            continue
        if hit.end > open_end:
            open_start, open_end = hit.start, hit.end
        yield hit


def _inside_katakana(text: str, start: int, end: int) -> bool:
    """A run of katakana is a word: アン is not in アンナ."""
    before = start > 0 and _KATAKANA.match(text[start]) and _KATAKANA.match(text[start - 1])
    after = end < len(text) and _KATAKANA.match(text[end - 1]) and _KATAKANA.match(text[end])
    return bool(before or after)


def _fold(word: str) -> str:
    return word.casefold()


def _fold_each(text: str) -> str:
    """Folded without changing the length, so that places stay places."""
    folded = text.casefold()
    if len(folded) == len(text):
        return folded
    return "".join(other if len(other := sign.casefold()) == 1 else sign for sign in text)
