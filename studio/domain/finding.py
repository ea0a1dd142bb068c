"""Findings: what a validator, a rule or a reviewer said about a file, and what became of it. No check is here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class FindingSource(StrEnum):
    VALIDATOR = "validator"
    RULE = "rule"  # a standard that code enforces
    REVIEWER = "reviewer"  # a role's judgement
    CHECK = "check"  # the project's own check command
    CONFLICT = "conflict"  # the person changed the file meanwhile; both texts are kept


class FindingState(StrEnum):
    OPEN = "open"
    BLOCKED = "blocked"  # the write was refused because of it
    FIXED = "fixed"
    WAIVED = "waived"  # by a person, with a reason
    INTENDED = "intended"
    FALSE = "false"

    @property
    def settled(self) -> bool:
        return self is not FindingState.OPEN


@dataclass(frozen=True, slots=True)
class Problem:
    """Something found in one file. `line` counts from 1 and is 0 for the whole file; `rule` is a stable short name."""

    rule: str
    path: str
    line: int
    message: str
    severity: Severity = Severity.ERROR
    suggestion: str = ""
    quote: str = ""

    @property
    def place(self) -> str:
        """`cart.js:3`; without a line the file alone, and without a file the whole."""
        if not self.path:
            return "the whole"
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem as it is kept. `by` and `reason` say who settled it and why."""

    id: str
    page_id: str
    source: FindingSource
    problem: Problem
    state: FindingState
    created_at: datetime
    run_id: str | None = None
    task_id: str | None = None
    version_id: str | None = None
    stage: str | None = None
    by: str = ""
    reason: str = ""
