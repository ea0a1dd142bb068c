"""Actions found in a JSON object while it arrives: where each begins, its tool's name, the raw text of its arguments."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

_SPACE = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Found:
    """Something about the action at `place`: its tool's name, its arguments (as far as they came), that its object is closed."""

    place: int
    name: str = ""
    arguments: str | None = None
    closed: bool = False


@dataclass(slots=True)
class _Level:
    """One open object or list. `key` is the last key of an object, whose value is being read when `in_value`."""

    opener: str
    key: str = ""
    in_value: bool = False


@dataclass(slots=True)
class ActionScanner:
    """Reads `{"actions": [{"tool", "arguments"}, ...]}`, or one bare `{"tool", "arguments"}`, piece by piece.

    What stands before the first brace (a code fence, a word of greeting) is skipped. Nothing is decoded but names.
    """

    raw: str = ""
    _levels: list[_Level] = field(default_factory=list)
    _at: int = 0
    _string_from: int = -1
    _escaped: bool = False
    _arguments_from: int = -1
    _arguments_depth: int = 0
    _place: int = -1
    _over: bool = False

    @property
    def object_begun(self) -> bool:
        return bool(self._levels) or self._over

    def feed(self, text: str) -> Iterator[Found]:
        self.raw += text
        while self._at < len(self.raw) and not self._over:
            at, char = self._at, self.raw[self._at]
            self._at += 1
            if self._string_from >= 0:
                yield from self._in_string(at, char)
            elif char == '"' and self._levels:
                self._begin_value(at)
                self._string_from = at
            elif self._levels or char == "{":
                yield from self._outside(at, char)

    def rest(self) -> Iterator[Found]:
        """The arguments that the end of the answer cut off, as far as they came."""
        if self._arguments_from >= 0:
            yield Found(self._own_place(), arguments=self.raw[self._arguments_from :])

    def words(self) -> str | None:
        """The answer's `text`; the whole answer where no object was begun; None where there are no words for a person."""
        if not self.object_begun:
            return self.raw
        start = self.raw.find("{")
        try:
            found, _ = json.JSONDecoder().raw_decode(self.raw[start:])
        except (ValueError, RecursionError):
            return None
        text = found.get("text") if isinstance(found, dict) else None
        return text if isinstance(text, str) else None

    def _in_string(self, at: int, char: str) -> Iterator[Found]:
        if self._escaped:
            self._escaped = False
        elif char == "\\":
            self._escaped = True
        elif char == '"':
            literal, self._string_from = self.raw[self._string_from : at + 1], -1
            level = self._levels[-1]
            if level.opener == "{" and not level.in_value:
                level.key = _decoded(literal)
            elif level.key == "tool" and self._is_action():
                yield Found(self._own_place(), name=_decoded(literal))

    def _outside(self, at: int, char: str) -> Iterator[Found]:
        match char:
            case "{" | "[":
                self._begin_value(at)
                self._levels.append(_Level(char))
                if char == "{" and self._is_listed():
                    self._place += 1
            case ":":
                self._levels[-1].in_value = True
            case ",":
                yield from self._end_arguments(at, closed=False)
                self._levels[-1].in_value = False
            case "}" | "]":
                yield from self._end_arguments(at, closed=True)
                self._close()
            case _ if char not in _SPACE:
                self._begin_value(at)

    def _begin_value(self, at: int) -> None:
        """Arguments begin here, if this is their value's first character."""
        if self._levels and self._arguments_from < 0 and self._is_action():
            level = self._levels[-1]
            if level.in_value and level.key == "arguments":
                self._arguments_from, self._arguments_depth = at, len(self._levels)

    def _end_arguments(self, at: int, *, closed: bool) -> Iterator[Found]:
        """A comma or a bracket: the arguments end before one that stands where they began."""
        here = len(self._levels)
        if self._arguments_from >= 0 and here == self._arguments_depth:
            text, self._arguments_from = self.raw[self._arguments_from : at].strip(), -1
            yield Found(self._own_place(), arguments=text)
        if closed and self._is_action() and self._place >= 0:
            yield Found(self._place, closed=True)

    def _close(self) -> None:
        self._levels.pop()
        self._over = not self._levels

    def _is_listed(self) -> bool:
        """Whether the innermost object is an entry of the list `actions`."""
        levels = self._levels
        return len(levels) == 3 and levels[0].key == "actions" and levels[1].opener == "["

    def _is_action(self) -> bool:
        return self._levels[-1].opener == "{" and (self._is_listed() or len(self._levels) == 1)

    def _own_place(self) -> int:
        self._place = max(self._place, 0)
        return self._place


def _decoded(literal: str) -> str:
    try:
        return str(json.loads(literal))
    except ValueError:
        return literal.strip('"')
