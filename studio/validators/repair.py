"""The fixes that are safe to make: what stands around a file is taken off, types are taken out of JavaScript. Each is told."""

from __future__ import annotations

from dataclasses import dataclass

from studio.domain.finding import Problem, Severity
from studio.validators.generated import unwrap
from studio.validators.languages import SCRIPTS, Language
from studio.validators.place import Lines, problem
from studio.validators.scan import Scan, scan

WRAPPED = "code-fence"
TYPED = "typescript-in-javascript"


@dataclass(frozen=True, slots=True)
class Repaired:
    """The scan of the text as it is after the fixes. `problems` are those that a fix could not be made for."""

    scan: Scan
    fixed: tuple[Problem, ...] = ()
    problems: tuple[Problem, ...] = ()


def repair(path: str, text: str, language: Language) -> Repaired:
    """Scan a file, mending what can be mended without changing what it means."""
    first = scan(path, text, language)
    found, fixed, problems = _unwrapped(first)
    if found.slow:
        return Repaired(found, fixed, problems)
    if found.language is Language.JAVASCRIPT and found.problems:
        return _untyped(found, fixed, problems)
    if found.language is Language.TYPESCRIPT and found.problems:
        problems = (*problems, *_markup_in_typescript(found))
    return Repaired(found, fixed, problems)


def _unwrapped(first: Scan) -> tuple[Scan, tuple[Problem, ...], tuple[Problem, ...]]:
    result = unwrap(first.text, first.language)
    if result.unclosed:
        message = "A code fence is opened and not closed; the file may be cut off."
        return first, (), (problem(WRAPPED, first.path, result.unclosed, message, lines=first.lines),)
    if not result.removed:
        return first, (), ()
    found = scan(first.path, result.text, first.language)
    fenced = any("fence" in what for _, what in result.removed)
    if not fenced and not _is_better(first, found):
        return first, (), ()
    fixed = tuple(
        problem(WRAPPED, first.path, line, f"Taken off: {what}.", severity=Severity.NOTE, lines=first.lines)
        for line, what in result.removed
    )
    return found, fixed, ()


def _is_better(before: Scan, after: Scan) -> bool:
    if before.language is Language.HTML:
        return after.text.lstrip().startswith("<")
    return bool(before.problems) and not after.problems


def _untyped(found: Scan, fixed: tuple[Problem, ...], problems: tuple[Problem, ...]) -> Repaired:
    """TypeScript in a .js or .jsx file: without its types, or with the lines that have no JavaScript."""
    from studio.validators.javascript import is_typescript
    from studio.validators.stripping import strip_types

    grammar = is_typescript(found.text)
    if not grammar:
        return Repaired(found, fixed, problems)
    stripped = strip_types(found.text, grammar == "tsx")
    lines = Lines(found.text)
    if stripped.not_erasable:
        told = tuple(
            problem(TYPED, found.path, line, f"{what} is TypeScript and has no JavaScript form.", lines=lines)
            for line, what in stripped.not_erasable
        )
        found.problems.clear()
        return Repaired(found, fixed, (*problems, *told))
    after = scan(found.path, stripped.text, found.language)
    if after.problems or not stripped.notes:
        return Repaired(found, fixed, problems)
    kinds = dict.fromkeys(what for _, what in stripped.notes)
    message = f"TypeScript in a JavaScript file: {len(stripped.notes)} types taken out ({', '.join(kinds)})."
    told_once = problem(TYPED, found.path, stripped.notes[0][0], message, severity=Severity.NOTE, lines=lines)
    return Repaired(after, (*fixed, told_once), problems)


def _markup_in_typescript(found: Scan) -> tuple[Problem, ...]:
    from studio.validators.javascript import is_typescript

    if found.language not in SCRIPTS or is_typescript(found.text) != "tsx":
        return ()
    found.problems.clear()
    message = "This holds JSX, which a .ts file cannot."
    return (problem("jsx-in-typescript", found.path, 0, message, suggestion="Name the file .tsx."),)
