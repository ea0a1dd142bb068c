"""What a file refers to: scripts, styles, pictures, imports. Whether it is there is asked in `resolution`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from studio.validators.grammar import captures
from studio.validators.html_tokens import Kind, Token
from studio.validators.place import Lines
from studio.validators.python_source import quietly

if TYPE_CHECKING:
    from tree_sitter import Node, Query

    from studio.validators.javascript import Read


class Form(StrEnum):
    URL = "url"  # relative to the file, or to a root
    MODULE = "module"  # an import: endings may be guessed where a bundler or Node does
    REQUIRE = "require"
    PYTHON = "python"  # dotted, with leading dots when relative


@dataclass(frozen=True, slots=True)
class Reference:
    """`line` counts from 1 in the file. `optional` is one whose failure the code expects."""

    form: Form
    target: str
    line: int
    names: tuple[str, ...] = ()
    optional: bool = False


_CLIMB = 200
_LINKS = frozenset(
    {"stylesheet", "icon", "shortcut", "apple-touch-icon", "manifest", "modulepreload", "preload", "mask-icon"}
)
_SOURCES = {
    "script": ("src",), "img": ("src", "srcset"), "source": ("src", "srcset"), "video": ("src", "poster"), "audio": ("src",),
    "track": ("src",), "embed": ("src",), "image": ("href", "xlink:href"), "object": ("data",),
}  # fmt: skip
_URL = re.compile(
    r"""/\*(?:.*?\*/|.*)|(?:url\(\s*|@import\s+)(?:"(?P<double>[^"\n]*)"|'(?P<single>[^'\n]*)'|(?P<bare>(?<=\()[^"'()\s]+|(?<=\(\s)[^"'()\s]+))""",
    re.DOTALL | re.IGNORECASE,
)
_QUERY = """
(import_statement source: (string) @module)
(export_statement source: (string) @module)
(call_expression function: (import) arguments: (arguments . (string) @module))
(call_expression function: (identifier) @function arguments: (arguments . (string) @require) (#eq? @function "require"))
(new_expression constructor: (identifier) @class arguments: (arguments . (string) @url) (#any-of? @class "Worker" "SharedWorker"))
"""


def of_page(tokens: tuple[Token, ...], lines: Lines) -> Iterator[Reference]:
    """From the tags of a page."""
    for token in tokens:
        if token.kind is not Kind.START:
            continue
        wanted = _SOURCES.get(token.name, ())
        if token.name == "link" and _LINKS & set((token.value("rel") or "").lower().split()):
            wanted = ("href",)
        for name in wanted:
            value = token.value(name)
            for one in _candidates(value, name) if value else ():
                yield Reference(Form.URL, one, lines.at(token.start))


def _candidates(value: str, name: str) -> list[str]:
    if name != "srcset":
        return [value.strip()]
    return [part.split()[0] for part in re.split(r",\s+", value) if part.split()]


def of_style(text: str, lines: Lines, offset: int = 0) -> Iterator[Reference]:
    """`url()` and `@import` of a style sheet."""
    for found in _URL.finditer(text):
        target = found["double"] or found["single"] or found["bare"]
        if target:
            yield Reference(Form.URL, target.strip(), lines.at(found.start() + offset))


def of_script(script: Read, first_line: int = 1) -> Iterator[Reference]:
    """Imports, `require` and workers with literal names. A `require` inside a `try` may fail."""
    for name, nodes in captures(_query(script.grammar), script.tree.root_node).items():
        if name in ("function", "class"):
            continue
        for node in nodes:
            target = script.source[node.start_byte + 1 : node.end_byte - 1].decode("utf-8", "replace")
            yield Reference(Form(name), target, int(node.start_point[0]) + first_line, optional=_may_fail(node))


def _may_fail(node: Node) -> bool:
    around = node.parent
    for _ in range(_CLIMB):
        if around is None or around.type == "try_statement":
            break
        around = around.parent
    return around is not None and around.type == "try_statement"


@lru_cache(maxsize=4)
def _query(grammar: str) -> Query:
    from tree_sitter import Query

    from studio.validators.grammar import language

    return Query(language(grammar), _QUERY)


def of_python(text: str) -> list[Reference]:
    """Imports of a module; those in a `try` or under TYPE_CHECKING may fail. Nothing for a text that cannot be parsed."""
    try:
        tree = quietly(lambda: ast.parse(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return sorted(_imports(tree), key=lambda reference: reference.line)


def _imports(tree: ast.Module) -> Iterator[Reference]:
    waiting: list[tuple[ast.AST, bool]] = [(tree, False)]
    while waiting:
        node, optional = waiting.pop()
        if isinstance(node, ast.ImportFrom):
            target = "." * node.level + (node.module or "")
            yield Reference(Form.PYTHON, target, node.lineno, tuple(one.name for one in node.names), optional)
        elif isinstance(node, ast.Import):
            for one in node.names:
                yield Reference(Form.PYTHON, one.name, node.lineno, (), optional)
        optional = optional or isinstance(node, ast.Try | ast.TryStar)
        waiting.extend((child, optional) for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr))
