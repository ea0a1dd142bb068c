"""The shape of the code: lengths of files, functions and classes, depth of nesting, and what no file may hold."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILE_LINES = 500
FUNCTION_LINES = 60
CLASS_LINES = 300
NESTING = 3

PROGRAM = sorted([*ROOT.glob("studio/**/*.py"), *ROOT.glob("benchmarks/**/*.py")])
ALL = sorted([*PROGRAM, *ROOT.glob("tests/**/*.py")])
TEXTS = sorted([*ROOT.glob("studio/**/*.tcss"), *ROOT.glob("studio/**/*.sql"), *ROOT.glob("studio/**/*.toml")])

_BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.With, ast.AsyncWith, ast.Match)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_FORBIDDEN_NAMES = {"utils", "helpers", "common", "manager", "misc"}
_UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|coming soon|not implemented yet)\b", re.IGNORECASE)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def lines(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def depth(statements: list[ast.stmt]) -> int:
    return max((_depth(statement) for statement in statements), default=0)


def _depth(statement: ast.stmt) -> int:
    if isinstance(statement, _FUNCTIONS) or not isinstance(statement, _BLOCKS):
        return 0
    if isinstance(statement, ast.With | ast.AsyncWith):
        return depth(statement.body)  # a scope, not a decision
    inner = 0
    for body in _bodies(statement):
        # An elif is an If alone in an else; it reads as one more branch, not as one more level.
        chained = (
            isinstance(statement, ast.If)
            and body is statement.orelse
            and len(body) == 1
            and isinstance(body[0], ast.If)
        )
        inner = max(inner, depth(body) - 1 if chained else depth(body))
    return inner + 1


def _bodies(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    if isinstance(statement, ast.Match):
        yield from (case.body for case in statement.cases)
        return
    for field in ("body", "orelse", "finalbody"):
        yield getattr(statement, field, [])
    yield from (handler.body for handler in getattr(statement, "handlers", []))


def test_there_is_something_to_measure() -> None:
    assert len(PROGRAM) > 50
    assert (
        depth(
            ast.parse("for a in b:\n    if a:\n        pass\n    elif b:\n        pass\n    elif c:\n        pass").body
        )
        == 2
    )
    assert (
        depth(
            ast.parse(
                "while a:\n    with b:\n        try:\n            if c:\n                pass\n        finally:\n            pass"
            ).body
        )
        == 3
    )


@pytest.mark.parametrize("path", [*ALL, *TEXTS], ids=name)
def test_no_file_is_too_long(path: Path) -> None:
    length = len(path.read_text("utf-8").splitlines())
    assert length <= FILE_LINES


@pytest.mark.parametrize("path", PROGRAM, ids=name)
def test_functions_and_classes_are_short_and_not_deeply_nested(path: Path) -> None:
    found = []
    for node in ast.walk(tree(path)):
        if isinstance(node, _FUNCTIONS):
            if lines(node) > FUNCTION_LINES:
                found.append(f"{node.name} has {lines(node)} lines")
            if depth(node.body) > NESTING:
                found.append(f"{node.name} is nested {depth(node.body)} deep")
        elif isinstance(node, ast.ClassDef) and lines(node) > CLASS_LINES:
            found.append(f"{node.name} has {lines(node)} lines")
    assert found == []


@pytest.mark.parametrize("path", [path for path in ALL if path.stat().st_size and path.name != "__init__.py"], ids=name)
def test_every_module_says_in_its_first_line_what_lives_there(path: Path) -> None:
    text = ast.get_docstring(tree(path)) or ""
    assert text.splitlines()[:1] not in ([], [""])


@pytest.mark.parametrize("path", PROGRAM, ids=name)
def test_no_name_is_vague_and_nothing_is_left_for_later(path: Path) -> None:
    assert not _FORBIDDEN_NAMES & {part.removesuffix(".py") for part in path.relative_to(ROOT).parts}
    assert not _UNFINISHED.search(path.read_text("utf-8"))
