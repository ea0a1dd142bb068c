"""Patterns that a project gives, run under a time limit.

A standards document is read from the project, so its patterns may be hostile or merely unlucky (`(a+)+$`). The standard library's
`re` cannot be interrupted; the `regex` package speaks the same syntax, gives up after a limit, and lets other threads run
meanwhile. RE2 would be linear, but has no lookahead, which standards need ("a link with target but without rel").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from studio.validators.pattern_size import SIZE_LIMIT, too_large

SECONDS = 1.0  # of processor time
HITS = 20


class _Match(Protocol):
    def start(self) -> int: ...
    def end(self) -> int: ...


class _Pattern(Protocol):
    def finditer(self, text: str, *, timeout: float, concurrent: bool) -> Iterator[_Match]: ...


class TooSlow(Exception):
    """A pattern did not come to an end within its time."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a pattern was found: character offsets."""

    start: int
    end: int


def fault_of(pattern: str) -> str:
    """What is wrong with a pattern, in the words of the compiler; empty when it is sound."""
    import regex

    if too_large(pattern):
        return f"its counted repeats make it longer than {SIZE_LIMIT:,} parts"
    try:
        _compiled(pattern, False)
    except (regex.error, ArithmeticError, LookupError, MemoryError, RecursionError, TypeError, ValueError) as error:
        return str(error) or "it cannot be compiled"
    return ""


def hits(pattern: str, text: str, *, ignore_case: bool = False, seconds: float = SECONDS) -> Iterator[Hit]:
    """The first places where `pattern` is found, `^` and `$` at each line. Raises TooSlow."""
    compiled = _compiled(pattern, ignore_case)
    try:
        for count, match in enumerate(compiled.finditer(text, timeout=seconds, concurrent=True), 1):
            yield Hit(match.start(), match.end())
            if count == HITS:
                return
    except TimeoutError as error:
        raise TooSlow(pattern) from error


@lru_cache(maxsize=512)
def _compiled(pattern: str, ignore_case: bool) -> _Pattern:
    import regex

    flags = regex.MULTILINE | regex.VERSION0
    compiled: _Pattern = regex.compile(pattern, flags | regex.IGNORECASE if ignore_case else flags)
    return compiled
