"""Names that TypeScript imports or exports for their types alone: which they are, and taking them out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.validators.grammar import line_of

if TYPE_CHECKING:
    from tree_sitter import Node

    from studio.validators.erasure import Erasure

_USES = frozenset({"identifier", "shorthand_property_identifier"})
_DECLARES = (
    "function_declaration",
    "class_declaration",
    "variable_declarator",
    "enum_declaration",
    "abstract_class_declaration",
)
_SCOPES = frozenset(
    {
        "program", "statement_block", "function_declaration", "function_expression", "arrow_function", "method_definition",
        "for_statement", "for_in_statement", "catch_clause", "generator_function", "generator_function_declaration",
    }
)  # fmt: skip
_BINDS = frozenset(
    {
        "required_parameter", "optional_parameter", "object_pattern", "array_pattern", "rest_pattern", "pair_pattern",
        "object_assignment_pattern", "assignment_pattern",
    }
)  # fmt: skip
_JSX = frozenset({"jsx_element", "jsx_self_closing_element", "jsx_fragment"})
_IMPLICIT = b"React"


class Names:
    """Collected while the tree is walked; imports are judged when all uses are known."""

    def __init__(self, source: bytes) -> None:
        self._source = source
        self._uses: list[tuple[bytes, int]] = []
        self._bound_within: dict[bytes, list[tuple[int, int]]] = {}
        self._imports: list[Node] = []
        self._exports: list[Node] = []
        self._types: set[bytes] = set()
        self._values: set[bytes] = set()
        self._jsx = False

    def see(self, node: Node) -> None:
        if node.type == "shorthand_property_identifier_pattern":
            self._bind(node, node)
        elif node.type in _USES:
            if not self._is_binding(node):
                self._uses.append((self._text(node), node.start_byte))
        elif node.type in _JSX:
            self._jsx = True
        elif node.type in _DECLARES:
            name = node.child_by_field_name("name")
            if name is not None:
                self._values.add(self._text(name))
                self._bind(name, node)

    def _is_binding(self, node: Node) -> bool:
        """A name inside a pattern is bound, unless it is the value that stands in for a missing one."""
        parent = node.parent
        if parent is None or parent.type not in _BINDS or parent.child_by_field_name("right") == node:
            return False
        if parent.child_by_field_name("value") == node and parent.type.endswith("parameter"):
            return False
        self._bind(node, node)
        return True

    def _bind(self, name: Node, node: Node) -> None:
        scope = node.parent
        while scope is not None and scope.type not in _SCOPES:
            scope = scope.parent
        if scope is not None and scope.parent is not None:
            self._bound_within.setdefault(self._text(name), []).append((scope.start_byte, scope.end_byte))

    def add_type(self, name: Node) -> None:
        self._types.add(self._text(name))

    def add_import(self, statement: Node) -> None:
        self._imports.append(statement)

    def add_export(self, specifier: Node) -> None:
        self._exports.append(specifier)

    def drop_unused(self, erasure: Erasure) -> None:
        """Erase exports of types, and imports that no value uses. An import for its effects stays."""
        bound = {name for statement in self._imports for name, _ in self._bound(statement)}
        for specifier in self._exports:
            name = specifier.child_by_field_name("name")
            word = self._text(name) if name is not None else b""
            if word in self._types and word not in self._values | bound:
                erasure.with_comma(specifier, "type export")
        mask = erasure.mask()
        used = {name for name, offset in self._uses if not mask[offset] and not self._is_local(name, offset)}
        if self._jsx:
            used.add(_IMPLICIT)
        for statement in self._imports:
            self._judge(statement, used, erasure)

    def _is_local(self, name: bytes, offset: int) -> bool:
        return any(start <= offset < end for start, end in self._bound_within.get(name, ()))

    def _judge(self, statement: Node, used: set[bytes], erasure: Erasure) -> None:
        bound = self._bound(statement)
        unused = [node for name, node in bound if name not in used]
        marked = [node for node in _specifiers(statement) if any(child.type == "type" for child in node.children)]
        if not bound and not marked:
            return
        if len(unused) == len(bound):
            erasure.statement(statement, "unused import")
            return
        for node in (*unused, *marked):
            if node.type == "import_specifier" or node.next_sibling is not None:
                erasure.with_comma(node, "unused import")
            else:
                self._last(node, erasure)
        named = _specifiers(statement)
        if named and all(node in unused or node in marked for node in named):
            clause = named[0].parent
            if clause is not None:
                self._last(clause, erasure)

    def _last(self, node: Node, erasure: Erasure) -> None:
        """The last part of `import a, part from`: its comma stands before it."""
        before = node.prev_sibling
        start = before.start_byte if before is not None and before.type == "," else node.start_byte
        erasure.erase(start, node.end_byte, line_of(node), "unused import")

    def _bound(self, statement: Node) -> list[tuple[bytes, Node]]:
        """(name, the part to erase) for each value name that an import binds."""
        clause = next((child for child in statement.children if child.type == "import_clause"), None)
        found: list[tuple[bytes, Node]] = []
        for part in clause.named_children if clause is not None else []:
            if part.type == "identifier":
                found.append((self._text(part), part))
            elif part.type == "namespace_import":
                found.append((self._text(part.named_children[-1]), part))
        for node in _specifiers(statement):
            name = node.child_by_field_name("alias") or node.child_by_field_name("name")
            if name is not None and not any(child.type in ("type", "typeof") for child in node.children):
                found.append((self._text(name), node))
        return found

    def _text(self, node: Node) -> bytes:
        return self._source[node.start_byte : node.end_byte]


def _specifiers(statement: Node) -> list[Node]:
    clause = next((child for child in statement.children if child.type == "import_clause"), None)
    lists = [child for child in clause.named_children if child.type == "named_imports"] if clause is not None else []
    return [node for one in lists for node in one.named_children if node.type == "import_specifier"]
