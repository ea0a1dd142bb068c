"""Globs over paths inside an application: `*.js` at any depth, `src/**/*.py` from its root. No file system."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate
from functools import lru_cache

_BRACES = re.compile(r"\{([^{}]*)\}")
_ALTERNATIVES = 64


def matches(path: str, globs: Iterable[str]) -> bool:
    """Whether one of `globs` matches. Without a slash a glob is for the file's name; `**` stands for any folders."""
    return any(_matches(path, single) for glob in globs for single in alternatives(glob))


@lru_cache(maxsize=1024)
def alternatives(glob: str) -> tuple[str, ...]:
    """`*.{js,jsx}` as `*.js` and `*.jsx`; at most 64 of them."""
    found = [glob]
    for _ in range(4):
        spread = [one for each in found for one in _spread(each)]
        if spread == found or len(spread) > _ALTERNATIVES:
            break
        found = spread
    return tuple(found)


def _spread(glob: str) -> list[str]:
    braces = _BRACES.search(glob)
    if braces is None:
        return [glob]
    return [glob[: braces.start()] + choice + glob[braces.end() :] for choice in braces.group(1).split(",")]


def _matches(path: str, glob: str) -> bool:
    anchored = glob.startswith("/") or "/" in glob.rstrip("/")
    if glob.endswith("/"):
        glob += "**"
    parts, wanted = path.split("/"), glob.strip("/").split("/")
    if not anchored and "**" not in wanted:
        return segment(wanted[-1]).match(parts[-1]) is not None
    return _from_root(parts, wanted if anchored else ["**", *wanted])


@lru_cache(maxsize=4096)
def segment(pattern: str) -> re.Pattern[str]:
    """Kept: `fnmatch` remembers 256 patterns, and standards may have more for each file."""
    return re.compile(translate(pattern))


def _from_root(parts: list[str], wanted: list[str]) -> bool:
    """Dynamic programming over path segments: time is their product, whatever the stars."""
    reached = {0}
    for pattern in wanted:
        if pattern == "**":
            reached = set(range(min(reached), len(parts) + 1)) if reached else set()
        else:
            matched = segment(pattern).match
            reached = {at + 1 for at in reached if at < len(parts) and matched(parts[at])}
    return len(parts) in reached
