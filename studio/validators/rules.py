"""Standards that code can check: the data of a `rules` block. How a block is read is `rules_block`; how it binds is `rule_check`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeVar

from studio.domain.finding import Severity
from studio.validators.globs import alternatives, matches

EVERYWHERE = ("**",)


@dataclass(frozen=True, slots=True)
class PatternRule:
    """A pattern that files may not hold, or must hold. `comments` says whether it is looked for in comments too."""

    id: str
    pattern: str
    message: str
    required: bool = False
    globs: tuple[str, ...] = EVERYWHERE
    excepted: tuple[str, ...] = ()
    severity: Severity = Severity.ERROR
    suggestion: str = ""
    comments: bool = False
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class LimitRule:
    """Limits of a file; None where there is none. A byte is one of UTF-8, a line's length is in characters."""

    id: str
    max_lines: int | None = None
    max_bytes: int | None = None
    max_line_length: int | None = None
    globs: tuple[str, ...] = EVERYWHERE
    excepted: tuple[str, ...] = ()
    message: str = ""
    severity: Severity = Severity.ERROR
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class FileRule:
    """Files that may not be there, or of which at least one per glob must be there."""

    id: str
    forbid: tuple[str, ...] = ()
    require: tuple[str, ...] = ()
    excepted: tuple[str, ...] = ()
    message: str = ""
    severity: Severity = Severity.ERROR
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class DependencyRule:
    """What an application may depend on. `kind` is npm, python or cdn (hosts of outside scripts and styles). `allow` None: anything."""

    id: str
    kind: str
    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] = ()
    message: str = ""
    severity: Severity = Severity.ERROR
    suggestion: str = ""


AnyRule = PatternRule | LimitRule | FileRule | DependencyRule
_R = TypeVar("_R", bound=AnyRule)


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules that bind an application. `off` names those that a document switches off, its own and those merged before it."""

    patterns: tuple[PatternRule, ...] = ()
    limits: tuple[LimitRule, ...] = ()
    files: tuple[FileRule, ...] = ()
    dependencies: tuple[DependencyRule, ...] = ()
    off: frozenset[str] = frozenset()

    def merge(self, other: Rules) -> Rules:
        """Both together. A rule of `other` replaces one of the same id; what `other` switches off is left out."""
        replaced = {*other.ids, *other.off}
        return Rules(
            patterns=(*_others(self.patterns, replaced), *other.patterns),
            limits=(*_others(self.limits, replaced), *other.limits),
            files=(*_others(self.files, replaced), *other.files),
            dependencies=(*_others(self.dependencies, replaced), *other.dependencies),
            off=self.off | other.off,
        )

    def add(self, other: Rules) -> Rules:
        """Both together, none replaced and none switched off; a file keeps the rules of both where their ids are the same."""
        return Rules(
            patterns=(*self.patterns, *other.patterns),
            limits=(*self.limits, *other.limits),
            files=(*self.files, *other.files),
            dependencies=(*self.dependencies, *other.dependencies),
            off=self.off,
        )

    def without(self, ids: Collection[str]) -> Rules:
        """The rules without those of these ids: what a person waived."""
        return Rules(
            patterns=_others(self.patterns, ids),
            limits=_others(self.limits, ids),
            files=_others(self.files, ids),
            dependencies=_others(self.dependencies, ids),
            off=self.off,
        )

    @property
    def ids(self) -> tuple[str, ...]:
        every: tuple[AnyRule, ...] = (*self.patterns, *self.limits, *self.files, *self.dependencies)
        return tuple(rule.id for rule in every)

    @property
    def globs(self) -> int:
        """How many globs a path or a name may be compared with, each of their alternatives counted."""
        listed = [one for rule in self.patterns for one in (*rule.globs, *rule.excepted)]
        listed += [one for limit in self.limits for one in (*limit.globs, *limit.excepted)]
        listed += [one for rule in self.files for one in (*rule.forbid, *rule.require, *rule.excepted)]
        listed += [one for rule in self.dependencies for one in (*(rule.allow or ()), *rule.deny)]
        return sum(len(alternatives(one)) for one in listed)


NO_RULES = Rules()


def applies(rule: PatternRule | LimitRule, path: str) -> bool:
    """Whether a rule is for the file of this path."""
    return matches(path, rule.globs) and not matches(path, rule.excepted)


def _others(rules: tuple[_R, ...], ids: Collection[str]) -> tuple[_R, ...]:
    return tuple(rule for rule in rules if rule.id not in ids)
