"""HTML cut into tags, text and comments, in time linear in its length. No rule about what belongs where.

The standard library's HTMLParser looks for the end of each unclosed construct again from every `<`: 256 kB of `<!--` keep it busy
for minutes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

_NAME = re.compile(r"[A-Za-z][^\s/>]*")
_GAP = re.compile(r"[\s/]*")
_ATTRIBUTE = re.compile(
    r"(?P<name>=?[^\s/>=]+)(?:\s*=\s*(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<open>[\"'])|(?P<bare>[^\s>\"'][^\s>]*)|))?"
)
RAW = frozenset({"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"})


class Kind(StrEnum):
    START = "start"
    END = "end"
    COMMENT = "comment"
    RAW = "raw"  # the text inside a script or style
    BROKEN = "broken"  # `name` is the sentence; nothing follows


@dataclass(frozen=True, slots=True)
class Token:
    """`start` and `end` are offsets of the whole tag, comment or raw text; `attributes` are (name in lower case, value, offset)."""

    kind: Kind
    name: str
    start: int
    end: int
    attributes: tuple[tuple[str, str, int], ...] = ()
    self_closing: bool = False

    def value(self, name: str) -> str | None:
        return next((value for key, value, _ in self.attributes if key == name), None)


def tokens(text: str) -> Iterator[Token]:
    """The tags of a page in order. Text between them is not given."""
    at = 0
    while (at := text.find("<", at)) >= 0:
        token = _token(text, at)
        if token is None:
            at += 1
            continue
        yield token
        if token.kind is Kind.BROKEN:
            return
        at = token.end
        if token.kind is Kind.START and token.name in RAW and not token.self_closing:
            raw = _raw(text, token)
            yield raw
            if raw.kind is Kind.BROKEN:
                return
            at = raw.end


def _token(text: str, at: int) -> Token | None:
    if text.startswith("<!--", at):
        return _until(text, at, "-->", 4, "A comment is opened with <!-- and not closed.")
    if text.startswith("<![CDATA[", at):
        return _until(text, at, "]]>", 9, "A CDATA section is not closed.")
    if text.startswith(("<!", "<?"), at):
        return _until(text, at, ">", 2, "A declaration is not closed with >.")
    if text.startswith("</", at):
        name = _NAME.match(text, at + 2)
        if name is None:
            return None
        end = text.find(">", name.end())
        if end < 0 or "<" in text[name.end() : end]:
            return Token(Kind.BROKEN, f"The closing tag </{name.group()[:40]} has no >.", at, len(text))
        return Token(Kind.END, name.group().lower(), at, end + 1)
    name = _NAME.match(text, at + 1)
    return _start(text, at, name) if name is not None else None


def _until(text: str, at: int, closing: str, skip: int, words: str) -> Token:
    end = text.find(closing, at + skip)
    if end < 0:
        return Token(Kind.BROKEN, words, at, len(text))
    return Token(Kind.COMMENT, "", at, end + len(closing))


def _start(text: str, at: int, name: re.Match[str]) -> Token:
    tag, here = name.group().lower(), name.end()
    attributes: list[tuple[str, str, int]] = []
    while True:
        gap = _GAP.match(text, here)
        here = gap.end() if gap else here
        if here >= len(text):
            return Token(Kind.BROKEN, f"The tag <{tag[:40]} has no >.", at, len(text))
        if text[here] == ">":
            slash = gap is not None and gap.group().endswith("/")
            return Token(Kind.START, tag, at, here + 1, tuple(attributes), slash)
        found = _ATTRIBUTE.match(text, here)
        if found is None:
            return Token(Kind.BROKEN, f"The tag <{tag[:40]} cannot be read here.", here, len(text))
        if fault := _attribute_fault(found, tag):
            return Token(Kind.BROKEN, fault, here, len(text))
        value = found["double"] or found["single"] or found["bare"] or ""
        attributes.append((found["name"].lower(), value, found.start()))
        here = found.end()


def _attribute_fault(found: re.Match[str], tag: str) -> str:
    if found["open"]:
        return f"An attribute of <{tag[:40]}> has a quote that is not closed."
    if any(character in found["name"] for character in "\"'<"):
        return f"An attribute of <{tag[:40]}> is named {found['name'][:40]!r}; a quote or > is missing before it."
    return ""


def _raw(text: str, tag: Token) -> Token:
    closing = re.compile(rf"</{re.escape(tag.name)}(?=[\s/>])", re.IGNORECASE).search(text, tag.end)
    if closing is None:
        return Token(Kind.BROKEN, f"<{tag.name}> is not closed.", tag.start, len(text))
    return Token(Kind.RAW, tag.name, tag.end, closing.start())
