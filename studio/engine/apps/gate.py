"""The gate before a write: standards that bind, safe fixes, and faults told to the worker; each verdict is kept as a finding."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from studio.domain.finding import Finding, FindingSource, FindingState, Problem, Severity
from studio.domain.ids import new_id
from studio.store.transaction import utc_now
from studio.tools.base import Gated
from studio.validators.registry import Checked, check_file
from studio.validators.rules import Rules


@dataclass(frozen=True, slots=True)
class Place:
    """Where a verdict belongs."""

    page_id: str
    stage: str
    run_id: str
    version_id: str
    task_id: str | None = None


@dataclass(slots=True)
class Gate:
    """One worker's gate. Called in threads; `take` empties what was found since the last call. The same text twice is looked at
    once."""

    place: Place
    rules: Rules
    exists: Callable[[str], bool]
    waived: frozenset[tuple[str, str]] = frozenset()
    _found: list[Checked] = field(default_factory=list)
    _known: dict[tuple[str, str], Checked] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, path: str, text: str) -> Gated:
        checked = self._known.pop((path, text), None)
        if checked is None:
            checked = self._check(path, text)
        with self._lock:
            self._found.append(checked)
        return Gated(checked.text, checked.problems, blocked=checked.blocked)

    def foresee(self, path: str, text: str) -> str | None:
        """What will be written of a text; None when it will be refused. Nothing is found by it yet."""
        checked = self._known[path, text] = self._check(path, text)
        return None if checked.blocked else checked.text

    def take(self) -> list[Finding]:
        with self._lock:
            found, self._found = self._found, []
        return [verdict for checked in found for verdict in self._verdicts(checked)]

    def _check(self, path: str, text: str) -> Checked:
        rules = self.rules.without([rule for rule, where in self.waived if where == path])
        return check_file(path, text, rules=rules, exists=self.exists)

    def _verdicts(self, checked: Checked) -> list[Finding]:
        """What was fixed, and what stopped the write. Faults that remain are the worker's to mend first."""
        fixed = [self._finding(one, FindingSource.VALIDATOR, FindingState.FIXED, "safe fix") for one in checked.fixed]
        if not checked.blocked:
            return fixed
        binding = [one for one in checked.verdicts if one.severity is Severity.ERROR]
        return fixed + [self._finding(one, FindingSource.RULE, FindingState.BLOCKED, "not written") for one in binding]

    def _finding(self, problem: Problem, source: FindingSource, state: FindingState, reason: str) -> Finding:
        return finding(self.place, problem, source, state, by="studio", reason=reason)


def finding(
    place: Place, problem: Problem, source: FindingSource, state: FindingState, *, by: str = "", reason: str = ""
) -> Finding:
    return Finding(
        id=new_id(),
        page_id=place.page_id,
        source=source,
        problem=problem,
        state=state,
        created_at=utc_now(),
        run_id=place.run_id,
        task_id=place.task_id,
        version_id=place.version_id,
        stage=place.stage,
        by=by,
        reason=reason,
    )
