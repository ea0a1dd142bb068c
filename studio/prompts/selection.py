"""Picking canon documents for a page: always, by name, alias, link, by hand. Pure; the budget is `budget`'s, files are workspace's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Literal

from studio.domain.canon import CanonDocument, Include, Reason
from studio.domain.text import one_line
from studio.prompts.phrases import Hit, Matcher, Phrase, compile_phrases, normalise

Pin = Literal["in", "out"]
NEVER = "never"
EXCLUDED = "excluded by hand"
MISSING = "no such document"

Find = tuple[int, Reason, str]
"""Document number, why, and the words that name it."""

_TEXTS_KEPT = 8_192
_LINK = re.compile(r"\[\[([^\[\]|#\n]{1,200})(?:#[^\[\]|\n]{0,200})?(?:\|([^\[\]\n]{0,200}))?\]\]")


@dataclass(frozen=True, slots=True)
class Pick:
    """A document and why it was considered; `left_out` is empty for one that is wanted."""

    document: CanonDocument
    reason: Reason
    detail: str = ""
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class Selection:
    """`always` by priority, then path; `mentioned` as the prompt holds them: by hand first, then by source and place in it.

    `left_out`: what matched and was excluded by hand or is never included; `unknown`: paths pinned that no document has.
    """

    always: tuple[Pick, ...]
    mentioned: tuple[Pick, ...]
    left_out: tuple[Pick, ...]
    unknown: tuple[str, ...]


class Canon:
    """A set of documents, made ready for picking from them many times."""

    def __init__(self, documents: Sequence[CanonDocument]) -> None:
        self._documents = documents
        self._index = _compiled(tuple((item.path, item.name, item.aliases) for item in documents))
        firm = (item for item in documents if item.include is Include.ALWAYS)
        self._always = sorted(firm, key=lambda item: (-item.priority, item.path))
        self._by_path = {item.path: item for item in documents}

    def select(self, sources: Sequence[tuple[str, str]], pins: Mapping[str, Pin] | None = None) -> Selection:
        """Pick by what `sources` (label and text, the most stable first) say.

        The order of the mentioned depends on the sources alone: texts added at the end only add documents at the end, so that
        the next stage's prompt begins like this one's. Links inside documents are not followed.
        """
        hands = dict(pins or {})
        pinned = [self._by_path[path] for path in sorted(hands) if hands[path] == "in" and path in self._by_path]
        wanted = [Pick(item, Reason.ALWAYS) for item in self._always]
        wanted += [Pick(item, Reason.BY_HAND) for item in pinned if item.include is not Include.ALWAYS]
        kept = {pick.document.path for pick in wanted}
        wanted += [pick for pick in self._matches(sources) if pick.document.path not in kept]
        judged = [(pick, _verdict(pick, hands)) for pick in wanted]
        return Selection(
            always=tuple(pick for pick, verdict in judged if not verdict and pick.reason is Reason.ALWAYS),
            mentioned=tuple(pick for pick, verdict in judged if not verdict and pick.reason is not Reason.ALWAYS),
            left_out=tuple(
                Pick(pick.document, pick.reason, pick.detail, verdict) for pick, verdict in judged if verdict
            ),
            unknown=tuple(sorted(path for path in hands if path not in self._by_path)),
        )

    def _matches(self, sources: Sequence[tuple[str, str]]) -> list[Pick]:
        """The first match of each document, in order of source and place."""
        found: dict[int, Pick] = {}
        for label, text in sources:
            for owner, reason, shown in self._index.finds(text):
                if owner not in found:
                    detail = f'"{one_line(shown, 60)}" in the {label}'
                    found[owner] = Pick(self._documents[owner], reason, detail)
        return list(found.values())


def select(
    documents: Sequence[CanonDocument], sources: Sequence[tuple[str, str]], pins: Mapping[str, Pin] | None = None
) -> Selection:
    """`Canon(documents).select(...)`, for a single text or few."""
    return Canon(documents).select(sources, pins)


def _verdict(pick: Pick, hands: Mapping[str, Pin]) -> str:
    if hands.get(pick.document.path) == "out":
        return EXCLUDED
    if pick.document.include is Include.NEVER and pick.reason is not Reason.BY_HAND:
        return NEVER
    return ""


@dataclass(slots=True)
class _Index:
    """Names compiled, what `[[...]]` may say by document, and what was found in texts so far: prior pages are read again and
    again, and 1,000 of them against 1,000 documents take most of a second."""

    matcher: Matcher
    targets: Mapping[str, tuple[int, ...]]
    known: dict[bytes, tuple[Find, ...]] = field(default_factory=dict)

    def finds(self, text: str) -> tuple[Find, ...]:
        """Each document named in the text once, in order of place."""
        key = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if key not in self.known:
            if len(self.known) >= _TEXTS_KEPT:
                self.known.clear()
            first: dict[int, Find] = {}
            for _, owner, reason, shown in sorted(self._all(text)):
                first.setdefault(owner, (owner, reason, shown))
            self.known[key] = tuple(first.values())
        return self.known[key]

    def _all(self, text: str) -> Iterator[tuple[int, int, Reason, str]]:
        normal = normalise(text)
        for match in _LINK.finditer(normal):
            for owner in self.targets.get(_target(match[1]), ()):
                yield match.start(), owner, Reason.LINK, f"[[{match[1].strip()}]]"
        # A link's target is not prose: `[[Ilse Vane|she]]` leaves "she" to be read, in the same place.
        for hit in self.matcher.find(_LINK.sub(_blank_target, normal)):
            yield hit.start, hit.phrase.owner, _reason(hit), hit.shown


def _reason(hit: Hit) -> Reason:
    return Reason.ALIAS if hit.phrase.alias else Reason.NAMED


def _blank_target(match: re.Match[str]) -> str:
    if match[2] is None:
        return "\0" * len(match[0])
    return "\0" * (match.start(2) - match.start()) + match[2] + "\0\0"


def _target(text: str) -> str:
    return " ".join(text.split()).strip("/").removesuffix(".md").casefold()


@lru_cache(maxsize=4)
def _compiled(key: tuple[tuple[str, str, tuple[str, ...]], ...]) -> _Index:
    """What may be said of each document: `[[...]]` by path, file name, name or alias, as Obsidian resolves them."""
    phrases: list[Phrase] = []
    targets: dict[str, tuple[int, ...]] = {}
    for owner, (path, name, aliases) in enumerate(key):
        phrases.append(Phrase(owner, name))
        phrases += [Phrase(owner, alias, alias=True) for alias in aliases if alias != name]
        stem = path.rpartition("/")[2]
        for words in dict.fromkeys(_target(normalise(item)) for item in (path, stem, name, *aliases)):
            if words:
                targets[words] = (*targets.get(words, ()), owner)
    return _Index(compile_phrases(phrases), targets)
