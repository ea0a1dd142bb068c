"""Where the comments of a text are: they are what rules pass over, and where a model says what it left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from studio.validators.languages import Language

if TYPE_CHECKING:
    from tree_sitter import Node

Span = tuple[int, int]
# No text begins at a quote that a backslash stands before: an unclosed one would be read to its end again from each of them.
_PYTHON = re.compile(
    r"(?<!\\)(?:\"\"\"(?:[^\\]|\\.)*?\"\"\"|'''(?:[^\\]|\\.)*?'''|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')|(?P<comment>#[^\n]*)",
    re.DOTALL,
)
_HASH = re.compile(r"(?<!\\)\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|(?P<comment>(?:(?<=\s)|(?<![\s\S]))#[^\n]*)")
_STYLE = re.compile(r"(?<!\\)(?:\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')|(?P<comment>/\*(?:.*?\*/|.*))", re.DOTALL)
_LOOSE_JSON = re.compile(r'(?<!\\)"(?:[^"\\\n]|\\.)*"|(?P<comment>//[^\n]*|/\*(?:.*?\*/|.*))', re.DOTALL)
_PAGE = re.compile(r"(?P<comment><!--(?:.*?-->|.*))", re.DOTALL)
_BY_LANGUAGE = {
    Language.PYTHON: _PYTHON,
    Language.TOML: _HASH,
    Language.YAML: _HASH,
    Language.CSS: _STYLE,
    Language.JSONC: _LOOSE_JSON,
    Language.HTML: _PAGE,
    Language.MARKDOWN: _PAGE,
}
_VISIBLE = re.compile(r"[^\n]")
_COMMENT_NODES = ("comment", "html_comment")


def spans(text: str, language: Language) -> list[Span]:
    """Offsets of the comments of a text that is not a script."""
    pattern = _BY_LANGUAGE.get(language)
    if pattern is None:
        return []
    return [found.span() for found in pattern.finditer(text) if found["comment"]]


def script_spans(root: Node, source: bytes, offset: int = 0) -> Iterator[Span]:
    """Offsets, in characters, of the comments of a parsed script, `offset` added."""
    from studio.validators.grammar import walk

    ascii_only = source.isascii()
    seen, characters = 0, 0
    for node in walk(root, lambda node: node.child_count > 0):
        if node.type not in _COMMENT_NODES:
            continue
        if ascii_only:
            yield node.start_byte + offset, node.end_byte + offset
            continue
        characters += len(source[seen : node.start_byte].decode("utf-8", "replace"))
        inside = len(source[node.start_byte : node.end_byte].decode("utf-8", "replace"))
        yield characters + offset, characters + inside + offset
        characters, seen = characters + inside, node.end_byte


def blanked(text: str, found: Iterable[Span]) -> str:
    """The text with spaces for its comments."""
    pieces, at = [], 0
    for start, end in sorted(found):
        pieces += [text[at:start], _VISIBLE.sub(" ", text[start:end])]
        at = max(at, end)
    return "".join([*pieces, text[at:]])
