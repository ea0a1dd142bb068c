"""Concrete syntax trees by tree-sitter: parsing, walking without recursion, finding what does not fit. No language's rules.

The bindings and grammars are imported at the first parse. A sound file of 1 MB parses in 0.3 s; a hostile one of 256 kB can take
9 s (`a as b ` thirty thousand times, as TSX), so parsing and queries have a time limit. It is `timeout_micros`: the callback that
replaces it in tree-sitter 0.25 crashes the process when it cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Language, Node, Query, Tree

OPENERS = {"(": ")", "[": "]", "{": "}", "${": "}"}
_CLOSERS = frozenset(OPENERS.values())


PARSE_SECONDS = 3.0
QUERY_SECONDS = 1.0
_TIMEOUT = "timeout_micros"  # its stub says read-only, and at run time it is deprecated; both are of 0.25


class TooSlow(Exception):
    """A text was not parsed within its time."""


def encode(text: str) -> bytes:
    """The bytes that a tree's offsets count."""
    return text.encode("utf-8", "replace")


def parse(grammar: str, source: bytes) -> Tree:
    """The tree of a source. `grammar` is javascript, typescript or tsx. Raises TooSlow."""
    from tree_sitter import Parser

    parser = Parser(language(grammar))
    setattr(parser, _TIMEOUT, int(PARSE_SECONDS * 1_000_000))
    try:
        return parser.parse(source)
    except ValueError as error:
        raise TooSlow(grammar) from error


def captures(query: Query, root: Node) -> dict[str, list[Node]]:
    """What a query finds; nothing when a tree is so deep that it takes too long."""
    from tree_sitter import QueryCursor

    cursor = QueryCursor(query)
    setattr(cursor, _TIMEOUT, int(QUERY_SECONDS * 1_000_000))
    return cursor.captures(root)


@lru_cache(maxsize=8)
def language(grammar: str) -> Language:
    """A grammar, loaded once."""
    from tree_sitter import Language

    if grammar == "javascript":
        import tree_sitter_javascript

        return Language(tree_sitter_javascript.language())
    import tree_sitter_typescript

    return Language(
        tree_sitter_typescript.language_tsx() if grammar == "tsx" else tree_sitter_typescript.language_typescript()
    )


def walk(root: Node, enter: Callable[[Node], bool] = lambda node: True) -> Iterator[Node]:
    """All nodes in the order of the text. Below a node for which `enter` is false it does not go; the node itself is given."""
    cursor = root.walk()
    while True:
        node = cursor.node
        if node is None:
            return
        yield node
        if enter(node) and cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def broken(root: Node) -> Iterator[Node]:
    """ERROR and MISSING nodes in the order of the text, none inside another."""
    if not root.has_error:
        return
    for node in walk(root, lambda node: node.has_error and not node.is_error):
        if node.is_error or node.is_missing:
            yield node


def line_of(node: Node) -> int:
    """The line a node begins at, from 1."""
    return int(node.start_point[0]) + 1


def unbalanced(root: Node) -> tuple[int, str, int] | None:
    """(line, bracket, line it would close or 0) of the first bracket without its partner; brackets in strings do not count."""
    stack: list[tuple[str, int]] = []
    for node in walk(root):
        if node.child_count or node.is_missing:
            continue
        if node.type in OPENERS:
            stack.append((node.type, line_of(node)))
        elif node.type in _CLOSERS:
            if not stack:
                return line_of(node), node.type, 0
            opener, line = stack.pop()
            if OPENERS[opener] != node.type:
                return line_of(node), node.type, line
    return (stack[-1][1], stack[-1][0], 0) if stack else None
