"""JSON, TOML and YAML: whether they can be read. Nothing is built from them that an alias could blow up."""

from __future__ import annotations

import json
import re
import time
import tomllib
from collections.abc import Iterator
from typing import NoReturn

from studio.domain.text import one_line
from studio.validators.grammar import TooSlow

YAML_SECONDS = 3.0  # of processor time; 1 MB that is not hostile takes as long
_COMMENTS = re.compile(r'(?<!\\)"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*(?:.*?\*/|.*)', re.DOTALL)
_TRAILING = re.compile(r'(?<!\\)"(?:[^"\\\n]|\\.)*"|,(?=\s*+[}\]])', re.DOTALL)
_VISIBLE = re.compile(r"[^\n]")
_LINE = re.compile(r"at line (\d+)")

Found = tuple[int, str]


def json_faults(text: str, *, comments: bool = False) -> Iterator[Found]:
    """(line, sentence). With `comments`, comments and commas at the end of lists are no error, as in tsconfig.json."""
    try:
        json.loads(without_comments(text) if comments else text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        yield error.lineno, f"JSON: {error.msg} (column {error.colno})."
    except ValueError as error:
        yield 0, f"JSON: {one_line(str(error), 160)}."
    except RecursionError:
        yield 0, "JSON: this is nested too deep to be read."


def without_comments(text: str) -> str:
    """JSON with comments blanked, of the same lines."""
    plain = _COMMENTS.sub(
        lambda found: found.group() if found.group()[0] == '"' else _VISIBLE.sub(" ", found.group()), text
    )
    return _TRAILING.sub(lambda found: found.group() if found.group()[0] == '"' else " ", plain)


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON value")


def toml_faults(text: str) -> Iterator[Found]:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = _LINE.search(str(error))
        yield int(line.group(1)) if line else 0, f"TOML: {one_line(str(error), 160)}."
    except (RecursionError, ValueError) as error:
        yield 0, f"TOML: {one_line(str(error), 160) or 'this is nested too deep to be read'}."


def yaml_faults(text: str, seconds: float = YAML_SECONDS) -> Iterator[Found]:
    """Several documents are allowed, tags are not looked at, aliases are not followed. Raises TooSlow."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    reader = YAML(typ="safe", pure=True)
    until = time.thread_time() + seconds
    check = _Mappings()
    try:
        for event in reader.parse(text):
            check.see(event)
            if time.thread_time() > until:
                raise TooSlow("yaml")
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        yield (mark.line + 1 if mark else 0), f"YAML: {one_line(str(error.problem or error), 160)}."
    except (YAMLError, RecursionError, ValueError) as error:
        yield 0, f"YAML: {one_line(str(error), 160)}."
    yield from check.found[:3]


class _Mappings:
    """What the events of YAML tell beside its grammar: keys given twice, aliases without an anchor."""

    def __init__(self) -> None:
        self.found: list[Found] = []
        self._anchors: set[str] = set()
        self._open: list[_Mapping | None] = []

    def see(self, event: object) -> None:
        kind = type(event).__name__
        anchor = getattr(event, "anchor", None)
        line = getattr(getattr(event, "start_mark", None), "line", -1) + 1
        if kind == "DocumentStartEvent":
            self._anchors = set()
        elif kind == "AliasEvent":
            if anchor not in self._anchors:
                self.found.append((line, f"YAML: the alias *{anchor} has no anchor before it."))
            self._node(None, line)
        elif kind in ("ScalarEvent", "MappingStartEvent", "SequenceStartEvent"):
            if anchor is not None:
                self._anchors.add(str(anchor))
            self._node(str(getattr(event, "value", "")) if kind == "ScalarEvent" else None, line)
            if kind != "ScalarEvent":
                self._open.append(_Mapping() if kind == "MappingStartEvent" else None)
        elif kind in ("MappingEndEvent", "SequenceEndEvent") and self._open:
            self._open.pop()

    def _node(self, value: str | None, line: int) -> None:
        mapping = self._open[-1] if self._open else None
        if mapping is None:
            return
        mapping.at_key = not mapping.at_key
        if mapping.at_key or value is None or value == "<<":
            return
        if value in mapping.keys:
            self.found.append((line, f"YAML: the key {one_line(value, 40)!r} is given twice."))
        mapping.keys.add(value)


class _Mapping:
    """`at_key` is whether the next node is a key."""

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self.at_key = True
