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
    """One worker's gate. Called in threads; `take` empties what was found since the last call."""

    place: Place
    rules: Rules
    exists: Callable[[str], bool]
    waived: frozenset[tuple[str, str]] = frozenset()
    _found: list[Finding] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, path: str, text: str) -> Gated:
        rules = self.rules.without([rule for rule, where in self.waived if where == path])
        checked = check_file(path, text, rules=rules, exists=self.exists)
        with self._lock:
            self._found += self._verdicts(checked)
        return Gated(checked.text, checked.problems, blocked=checked.blocked)

    def take(self) -> list[Finding]:
        with self._lock:
            found, self._found = self._found, []
        return found

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
