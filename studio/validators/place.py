"""Where in a text something stands: line numbers, quotes, and problems made of them."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

from studio.domain.finding import Problem, Severity
from studio.domain.text import one_line

QUOTE = 160


class Lines:
    """Line numbers of one text, counted from 1, without scanning it for each question."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self._starts = list(accumulate((len(line) + 1 for line in self.lines), initial=0))[:-1]

    def at(self, offset: int) -> int:
        """The line that holds the character at `offset`."""
        return bisect_right(self._starts, offset)

    def quote(self, line: int) -> str:
        """A line as it is shown to a person: on one line, cut."""
        return one_line(self.lines[line - 1][: 4 * QUOTE], QUOTE) if 0 < line <= len(self.lines) else ""


def problem(
    rule: str,
    path: str,
    line: int,
    message: str,
    *,
    severity: Severity = Severity.ERROR,
    suggestion: str = "",
    lines: Lines | None = None,
) -> Problem:
    """A problem with the quote of its line."""
    return Problem(rule, path, line, message, severity, suggestion, lines.quote(line) if lines else "")
