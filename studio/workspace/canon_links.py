"""`[[links]]` between canon documents: finding them in text and resolving them as Obsidian does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from studio.domain.canon import CanonDocument
from studio.domain.text import one_line

LINKS_LIMIT = 2_000

_FENCED = re.compile(r"^[ \t]*+(`{3,}+|~{3,}+)[^\n]*+\n.*?(?:^[ \t]*+\1[`~]*+[ \t]*+$|\Z)", re.MULTILINE | re.DOTALL)
_TICKS = re.compile(r"(`+)")
_COMMENT = re.compile(r"%%.*?%%", re.DOTALL)
_LINK = re.compile(r"\[\[([^\[\]|#^\n]{1,200})(?:[#^][^\[\]|\n]*)?(?:\|[^\[\]\n]*)?\]\]")


def link_targets(body: str, data: Mapping[str, object] | None = None) -> tuple[str, ...]:
    """What `[[Target#Heading|shown]]` and `![[Target]]` point at, in order, once each; `data` is front matter with links in texts.

    Code and `%%comments%%` hold no links.
    """
    lines = _FENCED.sub(" ", body).split("\n")
    prose = _COMMENT.sub(" ", "\n".join(_without_code(line) if "`" in line else line for line in lines))
    found = dict.fromkeys(one_line(match[1]) for match in _LINK.finditer(prose))
    for text in _texts(data or {}):
        found |= dict.fromkeys(one_line(match[1]) for match in _LINK.finditer(text))
    return tuple(target for target in found if target)[:LINKS_LIMIT]


def _without_code(line: str) -> str:
    """The line without `code`. In time proportional to its length, which a backtracking expression is not."""
    parts = _TICKS.split(line)
    ends = {ticks: place for place, ticks in enumerate(parts) if place % 2}
    kept: list[str] = []
    place = 0
    while place < len(parts):
        closing = _closing(parts, place, ends) if place % 2 else None
        kept.append(" " if closing else parts[place])
        place = closing + 1 if closing else place + 1
    return "".join(kept)


def _closing(parts: list[str], place: int, ends: Mapping[str, int]) -> int | None:
    ticks = parts[place]
    if ends[ticks] <= place:
        return None
    return parts.index(ticks, place + 1)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


class LinkIndex:
    """Finds the document a link means: by path, by file name, by name, by alias; case does not count."""

    def __init__(self, documents: Iterable[CanonDocument]) -> None:
        self._by_key: dict[str, CanonDocument] = {}
        ordered = sorted(documents, key=lambda document: (document.path.count("/"), document.path))
        for keys in (_path_keys, _name_keys, _alias_keys):
            for document in ordered:
                for key in keys(document):
                    self._by_key.setdefault(_folded(key), document)

    def resolve(self, target: str) -> CanonDocument | None:
        """The document of a link's target (`Ilse Vane`, `characters/ilse-vane`, `ilse-vane.md`), None when there is none."""
        return self._by_key.get(_folded(target))


def missing_links(documents: Iterable[CanonDocument]) -> dict[str, tuple[str, ...]]:
    """By path, the links that lead to no document."""
    known = tuple(documents)
    index = LinkIndex(known)
    missing = {
        document.path: tuple(target for target in document.links if index.resolve(target) is None) for document in known
    }
    return {path: targets for path, targets in missing.items() if targets}


def _path_keys(document: CanonDocument) -> tuple[str, ...]:
    path = PurePosixPath(document.path)
    return (document.path, f"canon/{document.path}", path.name)


def _name_keys(document: CanonDocument) -> tuple[str, ...]:
    return (document.name,)


def _alias_keys(document: CanonDocument) -> tuple[str, ...]:
    return document.aliases


def _folded(target: str) -> str:
    return target.strip().removeprefix("/").casefold().removesuffix(".md")
