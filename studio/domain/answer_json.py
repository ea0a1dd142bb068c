"""JSON in a model's answer: found among words, fences and broken beginnings; and what is whole in one that was cut. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from studio.domain.text import clean, one_line

Object = Mapping[str, object]

_OPENING = re.compile(r"[\[{]")
_TRIES, _FEWEST = 400, 40
_TRIED = 64_000 * _TRIES
_DEPTH = 3


def tries(text: str) -> int:
    """How many brackets of a broken answer are tried. One of 64 KB with a bracket in every second character is not read
    thousands of times over, and one of several MB not hundreds of times."""
    return min(_TRIES, max(_FEWEST, _TRIED // (len(text) + 1)))


def find_object(reply: str, fits: Callable[[Object], bool]) -> Object | None:
    """The first JSON object in `reply` that `fits`, wherever it stands; also one held by an object or list around it."""
    for value in _values(reply):
        found = _within(value, fits, _DEPTH)
        if found is not None:
            return found
    return None


def find_list(reply: str, fits: Callable[[Object], bool]) -> list[Object] | None:
    """The first JSON list in `reply` whose first entry is an object that `fits`: an answer without the object around it."""
    for value in _values(reply):
        if isinstance(value, list) and value and isinstance(value[0], dict) and fits(value[0]):
            return [row for row in value if isinstance(row, dict)]
    return None


def whole_objects(partial: str, fits: Callable[[Object], bool]) -> list[Object]:
    """The innermost complete objects of a cut answer that `fits`, in order."""
    decoder = json.JSONDecoder(strict=False)
    found: list[Object] = []
    end = 0
    for match in islice(re.finditer(r"{", partial), tries(partial)):
        if match.start() < end:
            continue
        try:
            value, after = decoder.raw_decode(partial, match.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and fits(value):
            found.append(value)
            end = after
    return found


def whole_string(partial: str, key: str) -> str:
    """The value of the first `"key": "..."` of a cut answer when it is complete, else an empty text."""
    match = re.search(rf'"{re.escape(key)}"\s*:\s*(?=")', partial)
    if match is None:
        return ""
    try:
        value, _ = json.JSONDecoder(strict=False).raw_decode(partial, match.end())
    except (ValueError, RecursionError):
        return ""
    return value if isinstance(value, str) else ""


def text_of(row: Object, *keys: str) -> str:
    """The first of `keys` that holds words, cleaned; a list of words becomes Markdown bullets."""
    for key in keys:
        value = row.get(key)
        if isinstance(value, str) and value.strip():
            return trimmed(value)
        if isinstance(value, list) and any(isinstance(part, str) and part.strip() for part in value):
            return "\n".join(_bullet(part) for part in value if isinstance(part, str) and part.strip())
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
    return ""


def line_of(row: Object, *keys: str, limit: int = 200) -> str:
    """As `text_of`, on one line of at most `limit` characters."""
    return one_line(text_of(row, *keys), limit)


def trimmed(text: str) -> str:
    """Clean text without blanks at its line ends and without blank lines before and after."""
    return "\n".join(line.rstrip() for line in clean(text).split("\n")).strip()


def _bullet(part: str) -> str:
    flat = " ".join(clean(part).split())
    return flat if flat.startswith(("- ", "* ")) else f"- {flat}"


def _values(text: str) -> Iterator[object]:
    """Every outermost JSON object or list in `text`."""
    decoder = json.JSONDecoder(strict=False)
    end = 0
    for match in islice(_OPENING.finditer(text), tries(text)):
        if match.start() < end:
            continue
        try:
            value, end = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            continue
        yield value


def _within(value: object, fits: Callable[[Object], bool], depth: int) -> Object | None:
    if isinstance(value, dict) and fits(value):
        return value
    if depth == 0 or not isinstance(value, dict | list):
        return None
    inner = value.values() if isinstance(value, dict) else value
    for part in inner:
        found = _within(part, fits, depth - 1)
        if found is not None:
            return found
    return None
