"""How rules bind: patterns, limits and files of one application against its standards. Dependencies are in `dependencies`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from time import thread_time

from studio.domain.finding import Problem, Severity
from studio.validators.globs import matches
from studio.validators.patterns import SECONDS, TooSlow, hits
from studio.validators.place import Lines, problem
from studio.validators.rules import LimitRule, PatternRule, Rules, applies

LINES_SHOWN = 5
FILE_SECONDS = 4.0  # of processor time, for all patterns on one file


def check_rules(path: str, text: str, code: str, rules: Rules) -> Iterator[Problem]:
    """What one file breaks. `code` is its text with comments blanked, of the same length."""
    lines, left = Lines(text), FILE_SECONDS
    for rule in rules.patterns:
        if applies(rule, path):
            begun = thread_time()
            yield from _pattern(rule, path, text if rule.comments else code, lines, left)
            left -= thread_time() - begun
    for limit in rules.limits:
        if applies(limit, path):
            yield from _limit(limit, path, text, lines)
    yield from forbidden_files((path,), rules)


def forbidden_files(paths: Collection[str], rules: Rules) -> Iterator[Problem]:
    """The files that may not be there."""
    for rule in rules.files:
        for path in paths:
            if rule.forbid and matches(path, rule.forbid) and not matches(path, rule.excepted):
                message = rule.message or f"The standards want no file like {path}."
                yield Problem(rule.id, path, 0, message, rule.severity, rule.suggestion)


def missing_files(paths: Collection[str], rules: Rules) -> Iterator[Problem]:
    """The globs of `require` that no file answers."""
    for rule in rules.files:
        for glob in rule.require:
            if not any(matches(path, (glob,)) for path in paths):
                message = f"No file {glob} is there. {rule.message}".strip()
                yield Problem(rule.id, glob, 0, message, rule.severity, rule.suggestion)


def _pattern(rule: PatternRule, path: str, text: str, lines: Lines, left: float) -> Iterator[Problem]:
    try:
        if left <= 0:
            raise TooSlow(rule.pattern)
        found = list(hits(rule.pattern, text, ignore_case=rule.ignore_case, seconds=min(SECONDS, left)))
    except TooSlow:
        if left < SECONDS:
            message = f"Rule {rule.id} could not be checked: the patterns before it took {FILE_SECONDS:g} seconds on this file."
            yield problem(
                rule.id, path, 0, message, severity=rule.severity, suggestion="Mend or remove the slow patterns."
            )
            return
        message = f"The pattern of rule {rule.id} takes too long on this file, so it could not be checked."
        yield problem(
            rule.id, path, 0, message, severity=rule.severity, suggestion="Write the pattern with fewer nested repeats."
        )
        return
    if rule.required:
        if not found:
            yield problem(rule.id, path, 0, rule.message, severity=rule.severity, suggestion=rule.suggestion)
        return
    for line in islice(dict.fromkeys(lines.at(hit.start) for hit in found), LINES_SHOWN):
        yield problem(
            rule.id, path, line, rule.message, severity=rule.severity, suggestion=rule.suggestion, lines=lines
        )


def _limit(rule: LimitRule, path: str, text: str, lines: Lines) -> Iterator[Problem]:
    count = len(lines.lines) - (1 if text.endswith("\n") else 0)
    if rule.max_lines is not None and count > rule.max_lines:
        yield _over(rule, path, 0, f"{path} has {count} lines; the limit is {rule.max_lines}.")
    size = len(text.encode("utf-8", "surrogatepass"))
    if rule.max_bytes is not None and size > rule.max_bytes:
        yield _over(rule, path, 0, f"{path} has {size} bytes; the limit is {rule.max_bytes}.")
    width = rule.max_line_length
    if width is not None:
        for number in islice((n for n, line in enumerate(lines.lines, 1) if len(line) > width), LINES_SHOWN):
            length = len(lines.lines[number - 1])
            yield _over(rule, path, number, f"Line {number} of {path} has {length} characters; the limit is {width}.")


def _over(rule: LimitRule, path: str, line: int, fact: str) -> Problem:
    return Problem(rule.id, path, line, f"{fact} {rule.message}".strip(), rule.severity, rule.suggestion)


def blocking(problems: Collection[Problem]) -> bool:
    """Whether a rule of severity error speaks."""
    return any(one.severity is Severity.ERROR for one in problems)
