"""JavaScript, JSX and TypeScript: whether a text can be read, and where it cannot. Types are taken out in `stripping`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from studio.domain.text import one_line
from studio.validators.grammar import OPENERS, TooSlow, broken, encode, line_of, parse, unbalanced
from studio.validators.grammar_gaps import calmed, without_loose_ampersands, without_types_unknown
from studio.validators.script_rules import early_errors

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

SHOWN = 3
SLOW_SECONDS = 1.0
_ROUNDS = 4
_RANGES = 200
_BEFORE = 8  # an error may begin after the `&` that it comes from
NAMES = {"javascript": "JavaScript", "typescript": "TypeScript", "tsx": "TypeScript with JSX"}


@dataclass(frozen=True, slots=True)
class Read:
    """A parsed script. `source` are the bytes that its tree counts: the text,
    less the few types that its grammar does not know. One that was slow to parse is not tried in any other way."""

    grammar: str
    source: bytes
    tree: Tree
    slow: bool = False

    @property
    def sound(self) -> bool:
        return not self.tree.root_node.has_error


def read(text: str, grammar: str) -> Read:
    """Parse a script; what only the grammar does not know is no error. Raises TooSlow."""
    source, started = encode(text), time.monotonic()
    tree = parse(grammar, source)
    slow = time.monotonic() - started > SLOW_SECONDS
    if slow or not tree.root_node.has_error:
        return Read(grammar, source, tree, slow)
    known = text if grammar == "javascript" else without_types_unknown(text)
    try:
        retried = _calm(known, grammar, source, tree)
    except TooSlow:
        return Read(grammar, source, tree)
    return Read(grammar, source, tree) if retried.root_node.has_error else Read(grammar, encode(known), retried)


def _calm(text: str, grammar: str, given: bytes, tree: Tree) -> Tree:
    """The tree of a text with its known gaps rewritten; `tree` is that of the bytes given.

    Where `&` stands in the text of JSX is told by the errors, tree after tree.
    """
    source = encode(calmed(text, grammar))
    calm = parse(grammar, source) if source != given else tree
    for _ in range(_ROUNDS):
        if not calm.root_node.has_error:
            break
        errors = [node for node in islice(broken(calm.root_node), _RANGES) if node.is_error]
        ranges = [(max(0, node.start_byte - _BEFORE), node.end_byte) for node in errors]
        changed = without_loose_ampersands(source, ranges)
        if changed == source:
            break
        source, calm = changed, parse(grammar, changed)
    return calm


def faults(script: Read) -> Iterator[tuple[int, str]]:
    """(line, sentence) of what is wrong with a script; at most three."""
    if script.sound:
        yield from islice(early_errors(script.tree.root_node, script.source, script.grammar), SHOWN)
    else:
        yield from dict.fromkeys(islice(_errors(script), SHOWN))


def _errors(script: Read) -> Iterator[tuple[int, str]]:
    name = NAMES[script.grammar]
    root = script.tree.root_node
    bracket = unbalanced(root)
    if bracket is not None:
        yield bracket[0], _bracket_words(*bracket)
    for node in broken(root):
        if node.is_missing:
            yield line_of(node), f"{name}: {node.type!r} is missing here."
        else:
            yield line_of(_unexpected(node)), f"{name} cannot be read here, near {_excerpt(node, script.source)!r}."


def _bracket_words(line: int, bracket: str, opened: int) -> str:
    if opened:
        return f"{bracket!r} does not close what was opened in line {opened}."
    if bracket in OPENERS:
        return f"{bracket!r} opened in line {line} is not closed."
    return f"{bracket!r} closes nothing."


def _unexpected(node: Node) -> Node:
    """Where to look inside an ERROR: tree-sitter wraps everything since the last sound place, and what did not fit is at its end."""
    inner = [child for child in node.children if child.is_error]
    if inner:
        return inner[0]
    return node.children[-1] if node.child_count and node.end_point[0] - node.start_point[0] > 1 else node


def _excerpt(node: Node, source: bytes) -> str:
    found = _unexpected(node)
    return one_line(
        source[found.start_byte : min(found.end_byte, found.start_byte + 60)].decode("utf-8", "replace"), 40
    )


def is_typescript(text: str) -> str:
    """The grammar that reads a text which is no JavaScript: `tsx`, `typescript` (casts in angle brackets), or empty for neither."""
    for grammar in ("tsx", "typescript"):
        try:
            script = read(text, grammar)
        except TooSlow:
            return ""
        if script.sound and next(faults(script), None) is None:
            return grammar
    return ""
