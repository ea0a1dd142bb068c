"""YAML front matter of Markdown files, as plain data under limits. Hostile input: no tags, no bombs, no surprise types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, cast

from studio.domain.text import clean, one_line

if TYPE_CHECKING:
    from ruamel.yaml import YAML

SIZE_LIMIT = 32_768
"""Characters of front matter; 1,279 notes of three public vaults had at most 2,000."""

NESTING_LIMIT = 40
VALUES_LIMIT = 5_000
"""Values after aliases are followed: an alias bomb stays small in memory and grows only here."""

_FENCE = re.compile(r"\A---[ \t]*\n")
_END = re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """`data` is plain (text, numbers, lists, mappings with text keys; dates as ISO text) and empty when there is a problem.

    `body` is the text after it and `body_line` the line, from 1, on which it starts; `problem` is (line, words).
    """

    body: str
    data: Mapping[str, object] = field(default_factory=dict)
    body_line: int = 1
    problem: tuple[int, str] | None = None


class _TooMuch(Exception):
    """A limit of this module was passed."""


def split(text: str) -> FrontMatter:
    """Front matter and body of a file's text (newlines as `\\n`, no byte order mark). Never raises for any text."""
    opening = _FENCE.match(text)
    if opening is None:
        return FrontMatter(text)
    closing = _END.search(text, opening.end())
    if closing is None:
        return FrontMatter(text, problem=(1, "the front matter is not closed: a line with --- is missing"))
    source = text[opening.end() : closing.start()]
    body_line = text.count("\n", 0, closing.end()) + 1
    data, problem = _load(source)
    return FrontMatter(text[closing.end() :], data, body_line, problem)


def _load(source: str) -> tuple[Mapping[str, object], tuple[int, str] | None]:
    if len(source) > SIZE_LIMIT:
        return {}, (2, f"the front matter is longer than {SIZE_LIMIT:,} characters")
    if _nesting(source) > NESTING_LIMIT:
        return {}, (2, "the front matter is nested too deeply")
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        value: object = _reader().load(source)
        if value is None:
            return {}, None
        if not isinstance(value, Mapping):
            return {}, (2, "the front matter is not a list of `key: value` lines")
        return cast("Mapping[str, object]", _plain(value, [VALUES_LIMIT], 0)), None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return {}, ((mark.line if mark else 0) + 2, f"the front matter cannot be read: {_reason(error)}")
    except (YAMLError, ValueError, OverflowError, RecursionError, AttributeError, TypeError, KeyError) as error:
        reason = "a value is not what it seems to be" if not isinstance(error, RecursionError) else "nested too deeply"
        return {}, (2, f"the front matter cannot be read: {reason}")
    except _TooMuch:
        return {}, (2, "the front matter holds too many values")


def _reader() -> YAML:
    from ruamel.yaml import YAML

    # A fresh one for each file costs 0.1 ms of 0.7 and keeps a broken file from disturbing the next.
    return YAML(typ="safe", pure=True)


def _reason(error: Exception) -> str:
    """ruamel's words for what is wrong, on one line. `{{date}}` of a template reads as a mapping used as a key."""
    problem = one_line(str(getattr(error, "problem", "") or "it is not YAML"), 120)
    return "a value starts with { and is not in quotes" if "unhashable" in problem else problem


def _nesting(source: str) -> int:
    """How deep brackets go. 20,000 of them cost the YAML reader 1.8 s before it gives up."""
    deepest = depth = 0
    for character in source:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth = max(0, depth - 1)
    return max(deepest, max((line.count("? ") + line.count("- ") for line in source.split("\n")), default=0) // 2)


def _plain(value: object, left: list[int], depth: int) -> object:
    left[0] -= 1
    if left[0] < 0 or depth > NESTING_LIMIT:
        raise _TooMuch
    if isinstance(value, Mapping):
        return {clean(str(key)): _plain(inner, left, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(inner, left, depth + 1) for inner in value]
    if isinstance(value, int) and abs(value) >= 1 << 63:
        raise ValueError("an integer that no other program could read")
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, date | datetime):
        return value.isoformat()
    return clean(str(value))


_KEYS = re.compile(r"^([^\s:#][^:\n]*+):", re.MULTILINE)


def key_line(text: str, key: str) -> int:
    """The line, from 1, of a top-level key in a file with front matter; 1 when it is not found."""
    for match in _KEYS.finditer(text):
        if match[1].rstrip().strip("\"'") == key:
            return text.count("\n", 0, match.start()) + 1
    return 1
