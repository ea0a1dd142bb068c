"""The checks by kind of file, and the two questions asked of them: is this file sound, do these files fit together.

Nothing here runs or imports what it checks. A language's module, and the parser it needs, is imported when the first file of
that language is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from studio.domain.finding import Problem, Severity
from studio.validators.rule_check import blocking, check_rules, missing_files
from studio.validators.rules import NO_RULES, Rules

CHARACTERS_LIMIT = 1_000_000
"""A longer file is not parsed; the tools let a model write 256 kB."""


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
        message = f"{path} has {len(text):,} characters and was not checked; the limit is {CHARACTERS_LIMIT:,}."
        return Checked(text, problems=(Problem("too-large", path, 0, message, Severity.WARNING),))
    verdicts = tuple(check_rules(path, text, text, rules))
    return Checked(text, problems=verdicts, verdicts=verdicts)


def check_tree(files: Mapping[str, str], rules: Rules = NO_RULES) -> tuple[Problem, ...]:
    """What is wrong between the files of an application: references to files that are not there, files and dependencies that
    the standards want or do not want. The files themselves are checked by `check_file`."""
    return tuple(missing_files(tuple(files), rules))
