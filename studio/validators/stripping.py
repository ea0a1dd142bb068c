"""Takes types out of TypeScript in place: each is replaced by spaces, so that every line stays where it was.

What is erased and what cannot be follows TypeScript's `erasableSyntaxOnly` (https://www.typescriptlang.org/tsconfig/#erasableSyntaxOnly);
names that are imported and then used in types alone, or not at all, go as well, as the compiler does without `verbatimModuleSyntax`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.validators.erasure import Erasure
from studio.validators.grammar import line_of, walk
from studio.validators.javascript import read
from studio.validators.unused_imports import Names

if TYPE_CHECKING:
    from tree_sitter import Node

_STATEMENTS = {
    "interface_declaration": "interface",
    "type_alias_declaration": "type",
    "ambient_declaration": "declare",
    "function_signature": "overload",
    "index_signature": "index signature",
    "abstract_method_signature": "abstract method",
    "method_signature": "overload",
}
_PARTS = {
    "type_annotation": "type annotation",
    "asserts_annotation": "type annotation",
    "type_predicate_annotation": "type annotation",
    "type_parameters": "type parameters",
    "type_arguments": "type arguments",
    "implements_clause": "implements",
    "accessibility_modifier": "modifier",
    "override_modifier": "modifier",
}
_PARAMETERS = ("required_parameter", "optional_parameter")


@dataclass(frozen=True, slots=True)
class Stripped:
    """`notes` say what was taken out, by line; `not_erasable` what plain JavaScript cannot say (enums, namespaces, parameter
    properties, `import =`): with these, `text` is the text given."""

    text: str
    notes: tuple[tuple[int, str], ...] = ()
    not_erasable: tuple[tuple[int, str], ...] = ()


def strip_types(text: str, tsx: bool) -> Stripped:
    """The JavaScript of a TypeScript text; `tsx` when it may hold JSX. What cannot be read comes back with a note of its line."""
    script = read(text, "tsx" if tsx else "typescript")
    if not script.sound:
        return Stripped(text, not_erasable=((1, "This cannot be read as TypeScript."),))
    stripper = _Stripper(Erasure(script.source), Names(script.source))
    stripper.strip(script.tree.root_node)
    if stripper.not_erasable:
        return Stripped(text, not_erasable=tuple(stripper.not_erasable))
    result = stripper.erasure.text()
    if not read(result, "javascript").sound:
        return Stripped(text, not_erasable=((1, "Without its types this is not JavaScript."),))
    return Stripped(result, tuple(sorted(stripper.erasure.notes)))


class _Stripper:
    """One walk over a tree. A handler says whether the walk goes into the node."""

    def __init__(self, erasure: Erasure, names: Names) -> None:
        self.erasure = erasure
        self.names = names
        self.not_erasable: list[tuple[int, str]] = []
        self._handlers: dict[str, Callable[[Node], bool]] = {
            **dict.fromkeys(_STATEMENTS, self._statement),
            **dict.fromkeys(_PARTS, self._part),
            **dict.fromkeys(_PARAMETERS, self._parameter),
            "binary_expression": self._tag,
            "as_expression": self._cast,
            "satisfies_expression": self._cast,
            "non_null_expression": self._non_null,
            "public_field_definition": self._field,
            "variable_declarator": self._declarator,
            "method_definition": self._method,
            "abstract_class_declaration": self._abstract_class,
            "import_statement": self._import,
            "export_statement": self._export,
            "export_specifier": self._specifier,
            "enum_declaration": self._enum,
            "internal_module": self._namespace,
            "import_alias": self._alias,
        }

    def strip(self, root: Node) -> None:
        for node in walk(root, self._enter):
            self.names.see(node)
        self.names.drop_unused(self.erasure)

    def _enter(self, node: Node) -> bool:
        handler = self._handlers.get(node.type) if node.is_named else None
        return handler is None or handler(node)

    def _refuse(self, node: Node, words: str) -> bool:
        self.not_erasable.append((line_of(node), words))
        return False

    def _statement(self, node: Node) -> bool:
        name = node.child_by_field_name("name")
        if name is not None and node.type in ("interface_declaration", "type_alias_declaration"):
            self.names.add_type(name)
        self.erasure.statement(_with_export(node), _STATEMENTS[node.type])
        return False

    def _part(self, node: Node) -> bool:
        parent = node.parent
        if parent is not None and parent.type == "arrow_function" and b"\n" in (node.text or b""):
            self.erasure.keep_arrow_together(node, parent)
        self.erasure.erase(node.start_byte, node.end_byte, line_of(node), _PARTS[node.type])
        if node.type == "type_annotation":
            self.erasure.guard_end(node)
        return False

    def _parameter(self, node: Node) -> bool:
        modifiers = [
            child
            for child in node.children
            if child.type in ("accessibility_modifier", "override_modifier", "readonly")
        ]
        if modifiers:
            return self._refuse(node, "A parameter property (a modifier before a constructor's parameter)")
        pattern = node.child_by_field_name("pattern")
        if pattern is not None and pattern.type == "this":
            self.erasure.with_comma(node, "this parameter")
            return False
        self.erasure.tokens(node, "?", "optional mark")
        return True

    def _cast(self, node: Node) -> bool:
        value, whole = node.children[0], _with_qualifiers(node)
        self.erasure.erase(value.end_byte, whole.end_byte, line_of(node), node.type.removesuffix("_expression"))
        self.erasure.guard_end(whole)
        return True

    def _tag(self, node: Node) -> bool:
        """Type arguments of a tag (``styled.div<Props>`...` ``), which the grammar takes for two comparisons."""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None or left.type != "binary_expression" or right.type != "template_string":
            return True
        less, more = left.child_by_field_name("operator"), node.child_by_field_name("operator")
        if less is not None and more is not None and (less.type, more.type) == ("<", ">"):
            self.erasure.erase(less.start_byte, more.end_byte, line_of(less), "type arguments")
        return True

    def _non_null(self, node: Node) -> bool:
        self.erasure.erase(node.end_byte - 1, node.end_byte, line_of(node), "non-null mark")
        self.erasure.guard_end(node)
        return True

    def _field(self, node: Node) -> bool:
        if any(child.type in ("declare", "abstract") for child in node.children):
            self.erasure.statement(node, "field without a value")
            return False
        for token in ("readonly", "?", "!"):
            self.erasure.tokens(node, token, "modifier")
        return True

    def _declarator(self, node: Node) -> bool:
        self.erasure.tokens(node, "!", "definite mark")
        return True

    def _method(self, node: Node) -> bool:
        self.erasure.tokens(node, "?", "optional mark")
        return True

    def _abstract_class(self, node: Node) -> bool:
        self.erasure.tokens(node, "abstract", "modifier")
        return True

    def _import(self, node: Node) -> bool:
        if any(child.type == "import_require_clause" for child in node.children):
            return self._refuse(node, "`import name = require(...)`")
        if any(child.type in ("type", "typeof") for child in node.children):
            self.erasure.statement(node, "type import")
        else:
            self.names.add_import(node)
        return False

    def _export(self, node: Node) -> bool:
        kinds = [child.type for child in node.children]
        if "=" in kinds:
            return self._refuse(node, "`export =`")
        if "type" in kinds or "namespace" in kinds:
            self.erasure.statement(node, "type export")
            return False
        return True

    def _specifier(self, node: Node) -> bool:
        if any(child.type == "type" for child in node.children):
            self.erasure.with_comma(node, "type export")
            return False
        statement = node.parent.parent if node.parent is not None else None
        if statement is not None and statement.child_by_field_name("source") is None:
            self.names.add_export(node)
            return True
        return False

    def _enum(self, node: Node) -> bool:
        return self._refuse(node, "An enum")

    def _alias(self, node: Node) -> bool:
        return self._refuse(node, "`import name = ...`")

    def _namespace(self, node: Node) -> bool:
        body = node.child_by_field_name("body")
        if body is not None and not all(_is_type(child) for child in body.named_children):
            return self._refuse(node, "A namespace")
        self.erasure.statement(_with_export(node), "namespace of types")
        return False


def _with_export(node: Node) -> Node:
    parent = node.parent
    return parent if parent is not None and parent.type in ("export_statement", "expression_statement") else node


def _with_qualifiers(node: Node) -> Node:
    """All of a cast. In `x as a.b.C` and `x as () => A | B` the grammar takes the last names for members of the cast, or for an
    operation on it; both would need parentheses."""
    parent = node.parent
    while parent is not None and _belongs_to_type(node, parent):
        node, parent = parent, parent.parent
    return node


def _belongs_to_type(node: Node, parent: Node) -> bool:
    if parent.type in ("member_expression", "subscript_expression"):
        index = parent.children[1]
        same_line = index.start_point[0] == node.end_point[0]
        return parent.child_by_field_name("object") == node and (same_line or index.type == ".")
    operator = parent.child_by_field_name("operator") if parent.type == "binary_expression" else None
    return operator is not None and operator.type in ("|", "&") and parent.child_by_field_name("left") == node


def _is_type(node: Node) -> bool:
    if node.type == "export_statement":
        declared = node.child_by_field_name("declaration")
        return declared is not None and _is_type(declared)
    return node.type in ("interface_declaration", "type_alias_declaration", "comment", "ambient_declaration")
