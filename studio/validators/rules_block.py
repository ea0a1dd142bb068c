"""Reads the fenced `rules` blocks of a standards document: TOML, checked whole, each fault with its line.

A block holds `[[forbid]]` and `[[require]]` (id, pattern, in, except, message, suggestion, severity, comments, ignore_case),
`[[limits]]` (max_lines, max_bytes, max_line_length), `[[files]]` (forbid, require), `[dependencies.npm|python|cdn]`
(allow, deny) and `off`, a list of ids that it switches off.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from studio.domain.finding import Problem, Severity
from studio.domain.text import clean, one_line
from studio.validators.rule_fields import Faults, Table
from studio.validators.rules import EVERYWHERE, DependencyRule, FileRule, LimitRule, PatternRule, Rules

BAD_BLOCK = "rules-block"
BLOCK_CHARACTERS = 50_000
"""Of all blocks of a document together; the packaged ones have at most 6,000."""
RULES_LIMIT = 200
_FENCE = re.compile(r"^ {0,3}(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[^\n]*)$")
_DOTS_SQUARED = 4_000_000  # the reader of TOML takes quadratic time for a key `a.a.a`: 0.1 s for 2,000 of them
_TOML_LINE = re.compile(r"at line (\d+)")
_TABLES = ("forbid", "require", "limits", "files", "dependencies", "off")
_KINDS = ("npm", "python", "cdn")
_SHARED = frozenset({"id", "message", "severity", "suggestion"})
_PATTERN = _SHARED | {"pattern", "in", "except", "comments", "ignore_case"}
_LIMIT = _SHARED | {"in", "except", "max_lines", "max_bytes", "max_line_length"}
_FILES = _SHARED | {"forbid", "require", "except"}
_DEPENDENCIES = _SHARED | {"allow", "deny"}


def parse_rules(markdown: str, where: str) -> tuple[Rules, tuple[Problem, ...]]:
    """The rules of a document named `where`, and everything wrong with its blocks. Sound rules stand beside broken ones."""
    rules, problems, left = Rules(), [], BLOCK_CHARACTERS
    for block in _blocks(clean(markdown)):
        left -= len(block.text)
        read, found = _read_block(block, where, fits=left >= 0)
        rules = rules.merge(read)
        problems.extend(found)
        if left < 0:
            break
    return rules, tuple(sorted(problems, key=lambda problem: problem.line))


def without_blocks(markdown: str) -> str:
    """The document without its rules blocks and their fences. One that is not closed stays."""
    lines, at = markdown.split("\n"), 0
    kept: list[str] = []
    for block in _blocks(markdown):
        if block.closed:
            kept += lines[at : block.start - 1]
            at = block.end
    return "\n".join((*kept, *lines[at:]))


@dataclass(frozen=True, slots=True)
class _Block:
    """A block: line n of its text is line `start + n` of the document; `end` is the line of the closing fence."""

    start: int
    end: int
    text: str
    closed: bool = True


def _blocks(markdown: str) -> Iterator[_Block]:
    opened: tuple[int, str, bool] | None = None
    inside: list[str] = []
    for number, line in enumerate(markdown.split("\n"), 1):
        fence = _FENCE.match(line)
        if opened is None:
            if fence and not (fence["fence"][0] == "`" and "`" in fence["info"]):
                opened, inside = (number, fence["fence"], fence["info"].split()[:1] == ["rules"]), []
        elif fence and fence["fence"].startswith(opened[1]) and not fence["info"].strip():
            if opened[2]:
                yield _Block(opened[0], number, "\n".join(inside))
            opened = None
        else:
            inside.append(line)
    if opened is not None and opened[2]:
        yield _Block(opened[0], opened[0] + len(inside), "\n".join(inside), closed=False)


def _read_block(block: _Block, where: str, *, fits: bool) -> tuple[Rules, list[Problem]]:
    faults = Faults(block.text if fits else "")
    if not block.closed:
        faults.say(0, "The rules block is not closed; end it with a line of three backticks.")
    if not fits:
        faults.say(
            0,
            f"The rules of a document are longer than {BLOCK_CHARACTERS:,} characters; this block and what follows is left out.",
        )
    rules = _rules(_data(block.text, faults), faults) if fits else Rules()
    return rules, [
        Problem(BAD_BLOCK, where, block.start + line, message, Severity.WARNING) for line, message in faults.found
    ]


def _data(text: str, faults: Faults) -> Mapping[str, object]:
    if sum(line.count(".") ** 2 for line in text.split("\n")) > _DOTS_SQUARED:
        faults.say(0, "The rules block has lines with thousands of dots and is left out.")
        return {}
    try:
        return tomllib.loads(text)
    except (
        ValueError,
        ArithmeticError,
        RecursionError,
    ) as error:  # ValueError alone: a number of more than 4,300 digits
        line = _TOML_LINE.search(str(error))
        ended = text.count("\n") + 1 if isinstance(error, tomllib.TOMLDecodeError) else 0
        faults.say(int(line.group(1)) if line else ended, f"The rules block is not TOML: {one_line(str(error), 160)}.")
        return {}


def _rules(data: Mapping[str, object], faults: Faults) -> Rules:
    for key in data:
        if key not in _TABLES:
            faults.say(
                faults.line_of(key), f"A rules block knows no {one_line(key, 40)!r}; it knows {', '.join(_TABLES)}."
            )
    count = sum(len(given) for key in _TABLES if isinstance(given := data.get(key), list) and key != "off")
    if count > RULES_LIMIT:
        faults.say(0, f"A rules block holds at most {RULES_LIMIT} rules; this one has {count} and is left out.")
        return Rules()
    off = Table("off", 0, 0, data, faults).words("off")
    rules = Rules(
        patterns=(*_patterns(data, "forbid", faults), *_patterns(data, "require", faults)),
        limits=tuple(rule for table in faults.tables(data, "limits", _LIMIT) if (rule := _limit(table))),
        files=tuple(wanted for table in faults.tables(data, "files", _FILES) if (wanted := _files(table))),
        dependencies=tuple(_dependencies(data, faults)),
        off=frozenset(off or ()),
    )
    for one in sorted(one for one, times in Counter(rules.ids).items() if times > 1):
        faults.say(faults.id_line(one), f"Two rules have the id {one!r}; give each its own.")
    return rules


def _patterns(data: Mapping[str, object], name: str, faults: Faults) -> Iterator[PatternRule]:
    for table in faults.tables(data, name, _PATTERN):
        pattern, message = table.pattern(), table.text("message")
        if not message:
            table.say("message", "needs a message that says what to do")
        if pattern is None or not message:
            continue
        yield PatternRule(
            id=table.id(),
            pattern=pattern,
            message=message,
            required=name == "require",
            globs=table.words("in") or EVERYWHERE,
            excepted=table.words("except") or (),
            severity=table.severity(),
            suggestion=table.text("suggestion"),
            comments=table.flag("comments"),
            ignore_case=table.flag("ignore_case"),
        )


def _limit(table: Table) -> LimitRule | None:
    lines, size, width = table.number("max_lines"), table.number("max_bytes"), table.number("max_line_length")
    if lines is None and size is None and width is None:
        table.say("", "names no limit; give it max_lines, max_bytes or max_line_length")
        return None
    return LimitRule(
        id=table.id(),
        max_lines=lines,
        max_bytes=size,
        max_line_length=width,
        globs=table.words("in") or EVERYWHERE,
        excepted=table.words("except") or (),
        message=table.text("message"),
        severity=table.severity(),
        suggestion=table.text("suggestion"),
    )


def _files(table: Table) -> FileRule | None:
    forbid, require = table.words("forbid") or (), table.words("require") or ()
    if not forbid and not require:
        table.say("", "names no files; give it forbid or require, a list of globs")
        return None
    return FileRule(
        id=table.id(),
        forbid=forbid,
        require=require,
        excepted=table.words("except") or (),
        message=table.text("message"),
        severity=table.severity(),
        suggestion=table.text("suggestion"),
    )


def _dependencies(data: Mapping[str, object], faults: Faults) -> Iterator[DependencyRule]:
    given = data.get("dependencies", {})
    if not isinstance(given, dict):
        faults.say(faults.line_of("dependencies"), "`dependencies` is a table for each kind: [dependencies.npm].")
        return
    for kind in given:
        if kind not in _KINDS:
            faults.say(
                faults.line_of(kind), f"Dependencies are of kind {', '.join(_KINDS)}; not {one_line(kind, 40)!r}."
            )
    for kind in _KINDS:
        for table in faults.tables(given, kind, _DEPENDENCIES, f"dependencies.{kind}"):
            yield DependencyRule(
                id=table.id(f"{kind}-dependencies"),
                kind=kind,
                allow=table.words("allow"),
                deny=table.words("deny") or (),
                message=table.text("message"),
                severity=table.severity(),
                suggestion=table.text("suggestion"),
            )
