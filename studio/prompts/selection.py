"""Picking canon documents for a page: always, by name, alias, link, by hand. Pure; the budget is `budget`'s, files are workspace's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from studio.domain.canon import CanonDocument, Include, Reason
from studio.domain.text import one_line
from studio.prompts.phrases import Hit, Matcher, Phrase, compile_phrases, normalise

Pin = Literal["in", "out"]
NEVER = "never"
EXCLUDED = "excluded by hand"
MISSING = "no such document"

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


def select(
    documents: Sequence[CanonDocument], sources: Sequence[tuple[str, str]], pins: Mapping[str, Pin] | None = None
) -> Selection:
    """Pick from `documents` by what `sources` (label and text, the most stable first) say.

    Order of the mentioned depends on the sources alone: texts added at the end only add documents at the end, so that the
    next stage's prompt begins like this one's. Links inside documents are not followed.
    """
    hands = dict(pins or {})
    matches = _matches(documents, sources)
    always = sorted(
        (item for item in documents if item.include is Include.ALWAYS), key=lambda item: (-item.priority, item.path)
    )
    wanted: list[Pick] = []
    by_hand = [item for item in documents if hands.get(item.path) == "in" and item.include is not Include.ALWAYS]
    wanted += [Pick(item, Reason.BY_HAND) for item in sorted(by_hand, key=lambda item: item.path)]
    kept = {pick.document.path for pick in wanted} | {item.path for item in always}
    wanted += [pick for pick in matches if pick.document.path not in kept]
    firm = [Pick(item, Reason.ALWAYS) for item in always]
    judged = [(pick, _verdict(pick, hands)) for pick in [*firm, *wanted]]
    paths = {item.path for item in documents}
    return Selection(
        always=tuple(pick for pick, verdict in judged if not verdict and pick.reason is Reason.ALWAYS),
        mentioned=tuple(pick for pick, verdict in judged if not verdict and pick.reason is not Reason.ALWAYS),
        left_out=tuple(Pick(pick.document, pick.reason, pick.detail, verdict) for pick, verdict in judged if verdict),
        unknown=tuple(sorted(path for path in hands if path not in paths)),
    )


def _verdict(pick: Pick, hands: Mapping[str, Pin]) -> str:
    if hands.get(pick.document.path) == "out":
        return EXCLUDED
    if pick.document.include is Include.NEVER and pick.reason is not Reason.BY_HAND:
        return NEVER
    return ""


def _matches(documents: Sequence[CanonDocument], sources: Sequence[tuple[str, str]]) -> list[Pick]:
    """The first match of each document, in order of source and place."""
    key = tuple((item.path, item.name, item.aliases) for item in documents)
    matcher, targets = _compiled(key)
    found: dict[int, Pick] = {}
    for label, text in sources:
        for place, owner, reason, shown in sorted(_finds(matcher, targets, text)):
            if owner not in found:
                found[owner] = Pick(documents[owner], reason, f'"{one_line(shown, 60)}" in the {label}')
            del place
    return list(found.values())


def _finds(
    matcher: Matcher, targets: Mapping[str, tuple[int, ...]], text: str
) -> Iterator[tuple[int, int, Reason, str]]:
    """(place, document number, reason, words) of everything found in one text."""
    normal = normalise(text)
    for match in _LINK.finditer(normal):
        for owner in targets.get(_target(match[1]), ()):
            yield match.start(), owner, Reason.LINK, f"[[{match[1].strip()}]]"
    # A link's target is not prose: `[[Ilse Vane|she]]` leaves "she" to be read, in the same place.
    prose = _LINK.sub(_blank_target, normal)
    for hit in matcher.find(prose):
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
def _compiled(
    key: tuple[tuple[str, str, tuple[str, ...]], ...],
) -> tuple[Matcher, Mapping[str, tuple[int, ...]]]:
    """The matcher, and what `[[...]]` may say: path, file name, name or alias, as Obsidian resolves them."""
    phrases: list[Phrase] = []
    targets: dict[str, tuple[int, ...]] = {}
    for owner, (path, name, aliases) in enumerate(key):
        phrases.append(Phrase(owner, name))
        phrases += [Phrase(owner, alias, alias=True) for alias in aliases if alias != name]
        stem = path.rpartition("/")[2]
        for words in dict.fromkeys(_target(normalise(item)) for item in (path, stem, name, *aliases)):
            if words:
                targets[words] = (*targets.get(words, ()), owner)
    return compile_phrases(phrases), targets
