"""What a worker is refused again and again: it is told once that it will not get through, then its task ends with the cause."""

from __future__ import annotations

from collections.abc import Sequence

from studio.domain.errors import LimitReached
from studio.domain.tooling import CallStatus, ToolOutcome

TIMES = 3
"""Refusals for one reason without a success between, after which a worker is told."""
_PASSING = frozenset({"stopped", "unready"})
"""Reasons that lie in the answer around a call, not in what it asks for."""


class Refusals:
    """Counts by the cause (`cart.js: blocked by no-console`), once for each answer. A success at the same file starts anew."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._counts: dict[tuple[str | None, str], int] = {}
        self.last = ""

    def after(self, outcomes: Sequence[ToolOutcome]) -> str:
        """What the worker is to be told now, as a rule nothing. Raises LimitReached when it goes on after it was told."""
        for one in outcomes:
            if one.status is CallStatus.OK and (one.changes or one.path is None):
                self._counts = {key: count for key, count in self._counts.items() if key[0] not in (one.path, None)}
        causes = dict.fromkeys(
            (one.path, one.line or one.name)
            for one in outcomes
            if one.status is not CallStatus.OK and one.data.get("reason") not in _PASSING
        )
        told = ""
        for path, line in causes:
            self.last = line
            count = self._counts[path, line] = self._counts.get((path, line), 0) + 1
            if count > TIMES:
                raise LimitReached(
                    f"The task {self._title!r} was refused {count} times for the same reason: {line}.",
                    hint="Look at the findings: waive what should not hold, change the rule or the task, then draft again.",
                    data={"path": path or "", "reason": line},
                )
            if count == TIMES:
                told = (
                    f"This was refused {count} times for the same reason: {line}. It will not get through like this; once more ends "
                    "the task as failed. Do the task in another way, or end it with finish_app and say what could not be done."
                )
        return told
