"""Concrete syntax trees by tree-sitter: parsing, walking without recursion, finding what does not fit. No language's rules.

The bindings and grammars are imported at the first parse. A hostile file of 256 kB (a hundred thousand open brackets, say)
parses in at most 0.3 s, as tree-sitter's time is close to linear also where a text is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Language, Node, Tree

OPENERS = {"(": ")", "[": "]", "{": "}", "${": "}"}
_CLOSERS = frozenset(OPENERS.values())


def encode(text: str) -> bytes:
    """The bytes that a tree's offsets count."""
    return text.encode("utf-8", "replace")


def parse(grammar: str, source: bytes) -> Tree:
    """The tree of a source. `grammar` is javascript, typescript, tsx or css."""
    from tree_sitter import Parser

    return Parser(language(grammar)).parse(source)


@lru_cache(maxsize=8)
def language(grammar: str) -> Language:
    """A grammar, loaded once."""
    from tree_sitter import Language

    if grammar == "javascript":
        import tree_sitter_javascript

        return Language(tree_sitter_javascript.language())
    if grammar == "css":
        import tree_sitter_css

        return Language(tree_sitter_css.language())
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
