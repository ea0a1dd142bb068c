"""What a script's grammar lets pass and every engine refuses before it runs: early errors that can be told from the tree alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from studio.validators.grammar import captures, language, line_of

if TYPE_CHECKING:
    from tree_sitter import Node, Query

_RESERVED = (
    "break case catch class const continue debugger default delete do else enum export extends false finally for function if import "
    "in instanceof new null return super switch this throw true try typeof var void while with"
)
_WEAK = "[(assignment_expression) (augmented_assignment_expression) (arrow_function) (yield_expression)]"
_QUERY = f"""
(binary_expression {_WEAK} @operand)
(unary_expression {_WEAK} @operand)
(await_expression {_WEAK} @operand)
((identifier) @reserved (#any-of? @reserved {" ".join(f'"{word}"' for word in _RESERVED.split())}))
((shorthand_property_identifier_pattern) @reserved (#any-of? @reserved {" ".join(f'"{w}"' for w in _RESERVED.split())}))
(await_expression) @await
(comment) @comment
(regex) @regex
(arguments . "(" . "," @comma)
(arguments "," . "," @comma)
(lexical_declaration kind: "const" (variable_declarator !value) @unset)
(variable_declarator name: [(object_pattern) (array_pattern)] !value) @unset
(pair key: (private_property_identifier) @private)
(assignment_expression left: (parenthesized_expression [(object) (array)]) @target)
"""
_JSX = """
(jsx_element) @element
(jsx_opening_element (jsx_expression) @attribute)
(jsx_self_closing_element (jsx_expression) @attribute)
"""
_FUNCTIONS = frozenset(
    {
        "function_declaration", "function_expression", "arrow_function", "method_definition",
        "generator_function", "generator_function_declaration",
    }
)  # fmt: skip
_ALSO_CALLS = frozenset({"parenthesized_expression", "array", "template_string", "regex", "unary_expression"})
_CLIMB = 200  # a node's parent is looked for from the root, which in a hostile tree is far
_NAMES_ANYTHING = frozenset({"export_specifier", "import_specifier", "namespace_export"})

Found = tuple[int, str] | None


def early_errors(root: Node, source: bytes, grammar: str) -> Iterator[tuple[int, str]]:
    """(line, sentence) of each."""
    found: list[tuple[int, str]] = []
    for name, nodes in captures(_query(grammar), root).items():
        check = _CHECKS[name]
        found.extend(one for node in nodes if (one := check(node, source)) is not None)
    yield from sorted(found)


@lru_cache(maxsize=4)
def _query(grammar: str) -> Query:
    from tree_sitter import Query

    return Query(language(grammar), _QUERY if grammar == "typescript" else _QUERY + _JSX)


def _operand(node: Node, source: bytes) -> Found:
    if node.type.endswith("assignment_expression"):
        return line_of(
            node
        ), "There is an assignment to something that cannot be assigned to; an operator is out of place."
    if node.type == "arrow_function":
        parent = node.parent
        if parent is not None and parent.child_by_field_name("left") == node and _body_is_expression(node):
            return None
        return line_of(node), "A function written with => stands beside an operator; put it in parentheses."
    return line_of(node), "A yield stands beside an operator; put it in parentheses."


def _body_is_expression(node: Node) -> bool:
    body = node.child_by_field_name("body")
    return body is not None and body.type != "statement_block"


def _reserved(node: Node, source: bytes) -> Found:
    if node.parent is not None and node.parent.type in _NAMES_ANYTHING:
        return None
    return line_of(node), f"The reserved word {_text(node, source)!r} stands where a name should be."


def _await(node: Node, source: bytes) -> Found:
    """`await x` outside an async function; `await (x)` may be a call of something named await in an old script."""
    operand = node.named_children[0] if node.named_child_count else None
    if operand is None or operand.type in _ALSO_CALLS:
        return None
    around = node.parent
    for _ in range(_CLIMB):
        if around is None or around.type in _FUNCTIONS:
            break
        if around.type in ("class_static_block", "field_definition", "public_field_definition"):
            return None
        around = around.parent
    if around is None or around.type not in _FUNCTIONS or any(child.type == "async" for child in around.children):
        return None
    return line_of(node), "`await` stands in a function that is not async."


def _comment(node: Node, source: bytes) -> Found:
    text = _text(node, source)
    if text.startswith("/*") and (len(text) < 4 or not text.endswith("*/")):
        return line_of(node), "A comment is opened with /* and not closed."
    return None


def _regex(node: Node, source: bytes) -> Found:
    if source[node.start_byte : node.start_byte + 2] == b"/*":
        return line_of(node), "A comment is opened with /* and not closed."
    return None


def _comma(node: Node, source: bytes) -> Found:
    return line_of(node), "An argument is missing before this comma."


def _unset(node: Node, source: bytes) -> Found:
    """A declaration file declares without values, and always with a type or in an ambient block."""
    if node.child_by_field_name("type") is not None:
        return None
    around = node.parent
    for _ in range(_CLIMB):
        if around is None or around.type == "ambient_declaration":
            break
        around = around.parent
    if around is not None:
        return None
    return line_of(node), f"{_text(node, source)[:40]!r} is declared without a value."


def _private(node: Node, source: bytes) -> Found:
    return line_of(node), f"{_text(node, source)!r} is a private name, which an object cannot have."


def _target(node: Node, source: bytes) -> Found:
    return line_of(node), "A pattern in parentheses cannot be assigned to; is it the start of a function without =>?"


def _element(node: Node, source: bytes) -> Found:
    opened, closed = node.child_by_field_name("open_tag"), node.child_by_field_name("close_tag")
    if opened is None or closed is None:
        return None
    one, two = _tag(opened, source), _tag(closed, source)
    if one == two:
        return None
    return line_of(closed), f"</{two}> does not close <{one}> of line {line_of(opened)}."


def _tag(node: Node, source: bytes) -> str:
    name = node.child_by_field_name("name")
    return "".join(_text(name, source).split()) if name is not None else ""


def _attribute(node: Node, source: bytes) -> Found:
    if any(child.type in ("spread_element", "comment") for child in node.named_children):
        return None
    return line_of(node), "An attribute's value in braces has no `name=` before it."


def _text(node: Node, source: bytes) -> str:
    return source[node.start_byte : node.end_byte].decode("utf-8", "replace")


_CHECKS: Mapping[str, Callable[[Node, bytes], Found]] = {
    "operand": _operand,
    "reserved": _reserved,
    "await": _await,
    "comment": _comment,
    "regex": _regex,
    "comma": _comma,
    "unset": _unset,
    "private": _private,
    "target": _target,
    "element": _element,
    "attribute": _attribute,
}
