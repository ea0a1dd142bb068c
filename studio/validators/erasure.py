"""A source whose parts are replaced by spaces, with the few characters that keep the rest meaning what it meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from studio.validators.grammar import line_of

if TYPE_CHECKING:
    from tree_sitter import Node

# A line that begins with one of these goes on with the line before it, where that is not ended by a semicolon.
_GOES_ON = frozenset(b"([`+-/*,.<")
_OPENS = frozenset(b"([`")
_SPACE = re.compile(rb"[^\r\n]")
_SKIPPED = re.compile(rb"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_ENDS = ("_statement", "_declaration", "public_field_definition")


class Erasure:
    """Offsets are bytes of the source."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.notes: list[tuple[int, str]] = []
        self._ranges: list[tuple[int, int]] = []
        self._written: dict[int, int] = {}
        self._statements: list[tuple[Node, int]] = []

    def erase(self, start: int, end: int, line: int, what: str) -> None:
        self._ranges.append((start, end))
        self.notes.append((line, what))

    def tokens(self, node: Node, token: str, what: str) -> None:
        """Erase the children of `node` that are this token."""
        for child in node.children:
            if child.type == token:
                self.erase(child.start_byte, child.end_byte, line_of(child), what)

    def with_comma(self, node: Node, what: str) -> None:
        """Erase an item of a list with the comma after it; where there is none, commas at the end of a list do no harm."""
        end, after = node.end_byte, node.next_sibling
        while after is not None and after.type == "comment":
            after = after.next_sibling
        if after is not None and after.type == ",":
            end = after.end_byte
        self.erase(node.start_byte, end, line_of(node), what)

    def statement(self, node: Node, what: str) -> None:
        self.erase(node.start_byte, node.end_byte, line_of(node), what)
        self._statements.append((node, node.start_byte))

    def guard_end(self, node: Node) -> None:
        """A type at the end of a statement without a semicolon kept the next line apart; then a semicolon stands for it."""
        after = self._next(node.end_byte)
        if after >= len(self.source) or self.source[after] not in _GOES_ON:
            return
        if b"\n" not in self.source[node.end_byte : after]:
            return
        if node.type in ("as_expression", "satisfies_expression") and self.source[after] in _OPENS:
            self._written[node.end_byte - 1] = ord(";")  # a cast is neither called nor indexed without parentheses
            return
        around: Node | None = node
        while around is not None and around.end_byte <= after:
            if around.type.endswith(_ENDS):
                self._written[node.end_byte - 1] = ord(";")
                return
            around = around.parent

    def keep_arrow_together(self, part: Node, arrow: Node) -> None:
        """No line may end between `async` and its parameters, nor between parameters and `=>`: the bracket moves over the type."""
        parameters = arrow.child_by_field_name("parameters")
        if parameters is None:
            return
        if part.type == "type_parameters":
            bracket, target = parameters.start_byte, part.start_byte
        else:
            bracket, target = parameters.end_byte - 1, part.end_byte - 1
        self._ranges.append((bracket, bracket + 1))
        self._written[target] = self.source[bracket]

    def mask(self) -> bytearray:
        """A one for each byte that is erased."""
        mask = bytearray(len(self.source))
        for start, end in self._ranges:
            mask[start:end] = b"\x01" * (end - start)
        return mask

    def text(self) -> str:
        """The source with its erased parts blank."""
        result = bytearray(self.source)
        for start, end in self._ranges:
            result[start:end] = _SPACE.sub(b" ", self.source[start:end])
        for node, start in self._statements:
            if self._joins(node, result):
                result[start] = ord(";")
        for offset, character in self._written.items():
            result[offset] = character
        return result.decode("utf-8", "replace")

    def _joins(self, node: Node, result: bytearray) -> bool:
        """Whether the statements before and after an erased one would be read as one."""
        before = node.prev_sibling
        while before is not None and before.type == "comment":
            before = before.prev_sibling
        after = self._next(node.end_byte, bytes(result))
        if before is None or after >= len(result) or result[after] not in _GOES_ON:
            return False
        return self.source[before.end_byte - 1] not in b";{}"

    def _next(self, offset: int, source: bytes | None = None) -> int:
        found = _SKIPPED.match(self.source if source is None else source, offset)
        return found.end() if found else offset
