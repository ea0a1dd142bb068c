"""The checks by kind of file, and the two questions asked of them: is this file sound, do these files fit together.

Nothing here runs or imports what it checks. A language's parser is loaded when the first file of that language is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath
from posixpath import normpath

from studio.domain.finding import Problem, Severity
from studio.validators.comments import blanked
from studio.validators.dependencies import check_dependencies
from studio.validators.elisions import elided
from studio.validators.generated import not_the_file
from studio.validators.languages import Language, language_of
from studio.validators.place import problem
from studio.validators.references import Form, Reference
from studio.validators.repair import repair
from studio.validators.resolution import Tree, missing, missing_python, places, words
from studio.validators.rule_check import blocking, check_rules, forbidden_files, missing_files
from studio.validators.rules import NO_RULES, Rules
from studio.validators.scan import Scan, scan

CHARACTERS_LIMIT = 1_000_000
"""A longer file is not parsed; the tools let a model write 256 kB."""

REFERENCES_SHOWN = 20
_ALONE = frozenset({Language.YAML, Language.MARKDOWN})


@dataclass(frozen=True, slots=True)
class Checked:
    """A file after its check.

    `text` is what should be written: the text given, with the safe fixes applied that `fixed` lists. `problems` is what remains,
    verdicts of standards among them; `verdicts` holds these alone.
    """

    text: str
    fixed: tuple[Problem, ...] = ()
    problems: tuple[Problem, ...] = ()
    verdicts: tuple[Problem, ...] = ()

    @property
    def blocked(self) -> bool:
        """Whether a rule of severity error says that this may not be written."""
        return blocking(self.verdicts)


def check_file(
    path: str, text: str, *, rules: Rules = NO_RULES, exists: Callable[[str], bool] | None = None
) -> Checked:
    """Check one file of an application, `path` relative to its root with `/`.

    With `exists`, local references to files that are not there are warnings (they may still be written); `check_tree` makes
    them errors. Never raises for what the text holds.
    """
    if len(text) > CHARACTERS_LIMIT:
        return _unread(path, text, rules)
    repaired = repair(path, text, language_of(path))
    found = repaired.scan
    verdicts = tuple(_verdicts(found, rules))
    problems = [
        *not_the_file(found),
        *repaired.problems,
        *_elisions(found),
        *found.problems,
        *(_missing(found, exists) if exists is not None else ()),
    ]
    return Checked(found.text, repaired.fixed, (*problems, *verdicts), verdicts)


def check_tree(files: Mapping[str, str], rules: Rules = NO_RULES) -> tuple[Problem, ...]:
    """What is wrong between the files of an application (text by path): references to files that are not there, files and
    dependencies that the standards want or do not want. What is wrong inside a file is told by `check_file`."""
    tree = Tree(files)
    found: list[Problem] = []
    for path, text in files.items():
        language = language_of(path)
        if len(text) > CHARACTERS_LIMIT or language in _ALONE:
            continue
        one = scan(path, text, language)
        found.extend(islice(_unresolved(one, tree), REFERENCES_SHOWN))
        found.extend(check_dependencies(one, rules))
    found.extend(forbidden_files(tuple(files), rules))
    found.extend(missing_files(tuple(files), rules))
    return tuple(dict.fromkeys(found))


def _unread(path: str, text: str, rules: Rules) -> Checked:
    message = f"{path} has {len(text):,} characters and was not read; the limit is {CHARACTERS_LIMIT:,}."
    limits = Rules(limits=rules.limits, files=rules.files)
    verdicts = tuple(check_rules(path, text, text, limits))
    return Checked(
        text, problems=(Problem("too-large", path, 0, message, Severity.WARNING), *verdicts), verdicts=verdicts
    )


def _verdicts(found: Scan, rules: Rules) -> Iterator[Problem]:
    if rules == NO_RULES:
        return
    yield from check_rules(found.path, found.text, blanked(found.text, found.comments), rules)
    yield from check_dependencies(found, rules)


def _elisions(found: Scan) -> Iterator[Problem]:
    for start, _ in elided(found.text, found.comments):
        line = found.lines.at(start)
        message = "A comment stands where code was left out."
        yield problem("elision", found.path, line, message, suggestion="Write the file whole.", lines=found.lines)


def _missing(found: Scan, exists: Callable[[str], bool]) -> Iterator[Problem]:
    absent = (one for one in found.references if missing(found.path, one, exists))
    for reference in islice(absent, REFERENCES_SHOWN):
        yield _reference_problem(found, reference, Severity.WARNING)


def _unresolved(found: Scan, tree: Tree) -> Iterator[Problem]:
    for reference in found.references:
        target = reference.target.lstrip("/").partition("?")[0].partition("#")[0]
        if reference.target.startswith("/") and tree.ends_with(target):
            continue
        if missing(found.path, reference, tree.exists) or missing_python(found.path, reference, tree):
            yield _reference_problem(found, reference, Severity.ERROR)
        elif not tree.has_tools and (exact := _exact_name(found, reference, tree)):
            message = f"A browser needs the whole name of {reference.target!r}: it is {exact!r}."
            yield problem(
                "import-name", found.path, reference.line, message, severity=Severity.WARNING, lines=found.lines
            )


def _exact_name(found: Scan, reference: Reference, tree: Tree) -> str:
    """The file that an import without its ending means, where no bundler would guess it; empty when nothing is to be said."""
    if reference.form is not Form.MODULE or not reference.target.startswith(("./", "../")):
        return ""
    if found.language not in (Language.JAVASCRIPT, Language.HTML) or PurePosixPath(reference.target).suffix:
        return ""
    place = normpath(next(places(found.path, reference.target)))
    return next((f"{reference.target}{end}" for end in (".js", ".mjs", ".jsx") if tree.exists(place + end)), "")


def _reference_problem(found: Scan, reference: Reference, severity: Severity) -> Problem:
    return problem(
        "missing-reference",
        found.path,
        reference.line,
        words(found.path, reference),
        severity=severity,
        lines=found.lines,
    )
