"""CSS: brackets, strings, comments and the shape of declarations, by the tokens of CSS Syntax 3 (https://www.w3.org/TR/css-syntax-3/).

Values and at-rules are not judged: what is new in CSS, or Tailwind's, is no error. (A grammar was tried: tree-sitter-css 0.25
finds errors in 425 of 1,593 published style sheets.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""(?P<comment>/\*.*?\*/)|(?P<open>/\*)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(?P<quote>["'])
    |(?P<url>url\(\s*(?!["'\s])(?:[^"'()\\\s]|\\.)*\s*\))
    |(?P<escape>\\.)|(?P<bracket>[()\[\]{}])|(?P<semicolon>;)|(?P<colon>:)|(?P<space>\s+)|(?P<word>[^\s"'()\[\]{};:\\/]+|[/\\])""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_CLOSES = {"(": ")", "[": "]", "{": "}"}
_CUSTOM = re.compile(r"--[\w-]*\s*:|[\w-]*filter\s*:", re.IGNORECASE)
_SECOND = re.compile(r"\n\s*+[a-z-]++\s*+$", re.IGNORECASE)

Found = tuple[int, str]


@dataclass(slots=True)
class _Chunk:
    """What stands since the last `;`, `{` or `}`: offsets, with its first colon outside brackets."""

    start: int = -1
    colon: int = -1
    missing: int = -1


@dataclass(slots=True)
class _Reading:
    text: str
    stack: list[tuple[str, int, bool]] = field(default_factory=list)
    chunk: _Chunk = field(default_factory=_Chunk)

    @property
    def opaque(self) -> bool:
        """Inside round or square brackets, or the block of a custom property: declarations are not looked for."""
        return bool(self.stack) and (self.stack[-1][0] != "{" or self.stack[-1][2])

    def custom(self, end: int) -> bool:
        """Whether what stands before `end` begins a custom property."""
        return self.chunk.start >= 0 and _CUSTOM.match(self.text, self.chunk.start, end) is not None


def faults(text: str) -> Iterator[Found]:
    """(offset, sentence) of what is wrong; after an unclosed comment or string there is nothing more to say."""
    reading = _Reading(text)
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind in ("comment", "space"):
            continue
        if kind == "open":
            yield token.start(), "A comment is opened with /* and not closed."
            return
        if kind == "quote":
            yield token.start(), "A string is not closed on its line."
            return
        if kind == "bracket":
            yield from _bracket(reading, token.group(), token.start())
        elif kind == "semicolon" and not reading.opaque:
            yield from _ended(reading, token.start(), ";")
        else:
            _part(reading, token)
    yield from _end(reading)


def _part(reading: _Reading, token: re.Match[str]) -> None:
    chunk = reading.chunk
    if chunk.start < 0:
        chunk.start = token.start()
    if token.lastgroup != "colon" or reading.opaque:
        return
    if chunk.colon < 0:
        chunk.colon = token.start()
    elif chunk.missing < 0 and _SECOND.search(reading.text, max(chunk.colon, token.start() - 80), token.start()):
        chunk.missing = token.start()


def _bracket(reading: _Reading, bracket: str, at: int) -> Iterator[Found]:
    if bracket == "{":
        custom = reading.opaque or reading.custom(at)
        reading.stack.append((bracket, at, custom))
        if not custom:
            reading.chunk = _Chunk()
    elif bracket in _CLOSES:
        if reading.chunk.start < 0:
            reading.chunk.start = at
        reading.stack.append((bracket, at, False))
    else:
        yield from _closed(reading, bracket, at)


def _closed(reading: _Reading, bracket: str, at: int) -> Iterator[Found]:
    while reading.stack and _CLOSES[reading.stack[-1][0]] != bracket:
        opener, where, _ = reading.stack[-1]
        if opener == "{" or bracket != "}":
            yield at, f"{bracket!r} closes nothing."
            return
        reading.stack.pop()
        yield where, f"{opener!r} is not closed."
    if not reading.stack:
        yield at, f"{bracket!r} closes nothing."
        return
    custom = reading.stack[-1][2]
    if bracket == "}" and not custom:
        yield from _ended(reading, at, "}")
    reading.stack.pop()


def _ended(reading: _Reading, at: int, by: str) -> Iterator[Found]:
    """A chunk that ends without a block is a declaration or an at-rule."""
    chunk, reading.chunk = reading.chunk, _Chunk()
    text = reading.text[chunk.start : at] if chunk.start >= 0 else ""
    if not text or text[0] == "@" or text in ("<!--", "-->"):
        return
    if not reading.stack:
        yield chunk.start, "A declaration stands outside any rule."
    elif chunk.colon < 0:
        yield chunk.start, "A declaration has no colon."
    elif chunk.missing >= 0 and not _CUSTOM.match(text):
        yield chunk.missing, "A semicolon is missing before this declaration."


def _end(reading: _Reading) -> Iterator[Found]:
    for opener, at, _ in reading.stack[:1]:
        yield at, f"{opener!r} is not closed."
    left = reading.text[reading.chunk.start :].strip() if reading.chunk.start >= 0 else ""
    if left and not reading.stack and left[0] != "@" and left not in ("-->", "<!--"):
        yield reading.chunk.start, "The text ends in the middle of a rule."
