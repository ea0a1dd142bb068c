"""Taking keys out of text that goes to a log, an error message or a report."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

MARK = "[key removed]"

# The forms in which the services that are built in, and the common code hosts, give out keys.
_SHAPES = re.compile(
    r"""
    \b(?:sk|xai|gsk|pk|rk|hf|ghp|gho|ghu|ghs|ghr|glpat|AIza|xox[abprs])[-_][A-Za-z0-9_\-]{12,}
    | \bgithub_pat_[A-Za-z0-9_]{20,}
    | \bAIza[A-Za-z0-9_\-]{20,}
    | \bAKIA[0-9A-Z]{12,}
    | (?<=://)[^/\s:@]+:[^/\s@]+(?=@)
    """,
    re.VERBOSE,
)
_NAMED = re.compile(
    r"""(?ix)
    ( \b(?:proxy-)?authorization["']?\s*+[:=]\s*+(?:["']\s*+)?(?:(?:bearer|basic|token)\s*+)?
    | \bbearer\s+
    | \b(?:x-)?api[-_]?key["']?\s*[:=]\s*["']?
    | \b(?:[a-z0-9]+_)*(?:api_key|secret|access_token|auth_token)["']?\s*[:=]\s*["']?
    )
    [^\s"',;&)}\]]{6,}
    """
)
_SHORTEST = 6


class Redactor:
    """Removes every value it was told of, and whatever has the form of a key. Calling it never fails."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: set[str] = set()
        for value in values:
            self.add(value)

    def add(self, value: str) -> None:
        """Remember a key. Shorter than 6 characters it would blank out ordinary words, so it is not."""
        if len(value) >= _SHORTEST:
            self._values.add(value)

    def __call__(self, text: str) -> str:
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, MARK)
        text = _SHAPES.sub(MARK, text)
        return _NAMED.sub(lambda match: match[1] + MARK, text)


HANDED_OUT = Redactor()
"""Every key that this process was given, whatever it came from: a project's `.env`, a key command, the environment. What a service
says in an error may hold one, and the log is opened before any is known."""


class RedactingFilter(logging.Filter):
    """A log filter that lets every record through without its keys, tracebacks included."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = self._redactor(record.getMessage())
        record.args = None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = self._redactor(record.exc_text)
        return True
