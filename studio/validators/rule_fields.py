"""One table of a `rules` block, read field by field; each wrong field is kept with its line."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from studio.domain.finding import Severity
from studio.domain.text import one_line
from studio.validators.patterns import fault_of

PATTERN_LIMIT = 1000
GLOBS_LIMIT = 200
FAULTS_LIMIT = 100
_NUMBER_LIMIT = 10**9
_HEADER = re.compile(r"^\s*+\[{1,2}([^\[\]]++)\]")
_ID = re.compile(r"^[a-z0-9][a-z0-9._-]{0,59}$")


class Faults:
    """What is wrong with a block: (line in the block, sentence). TOML readers give no lines, so they are looked for."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._headers: dict[str, list[int]] = {}
        for number, line in enumerate(self._lines, 1):
            if header := _HEADER.match(line):
                self._headers.setdefault(header[1].strip(), []).append(number)
        self.found: list[tuple[int, str]] = []

    @property
    def full(self) -> bool:
        return len(self.found) > FAULTS_LIMIT

    def say(self, line: int, message: str) -> None:
        """Keep a fault; after the first hundred, that there are more."""
        if len(self.found) == FAULTS_LIMIT:
            self.found.append((line, f"More than {FAULTS_LIMIT} things are wrong; what follows is not told."))
        elif not self.full:
            self.found.append((line, message))

    def line_of(self, word: str) -> int:
        """The last line that holds `word`, the first of the block when none does."""
        if self.full:
            return 1
        return max((number for number, line in enumerate(self._lines, 1) if word in line), default=1)

    def id_line(self, one: str) -> int:
        """The last line that gives a rule this id."""
        wanted = re.compile(rf"""^\s*id\s*=\s*["']{re.escape(one)}["']""")
        return max((number for number, line in enumerate(self._lines, 1) if wanted.match(line)), default=1)

    def header(self, name: str, index: int) -> int:
        """The line of table `[name]`, or of the `[[name]]` at `index`."""
        at = self._headers.get(name, [])
        return at[index] if index < len(at) else 1

    def key_line(self, header: int, key: str) -> int:
        """The line of `key =` in the table that begins at `header`; the header's where it is not written."""
        if self.full:
            return header
        wanted = re.compile(rf"""^\s*["']?{re.escape(key)}["']?\s*=""")
        for number, line in enumerate(self._lines[header:], header + 1):
            if line.lstrip().startswith("["):
                break
            if wanted.match(line):
                return number
        return header

    def tables(self, data: Mapping[str, object], key: str, known: Collection[str], shown: str = "") -> Iterator[Table]:
        """The tables under `key`, one or several, each checked for fields that nobody knows."""
        given = data.get(key, [])
        several = given if isinstance(given, list) else [given]
        for index, one in enumerate(several):
            header = self.header(shown or key, index)
            if not isinstance(one, dict):
                self.say(self.line_of(key), f"`{key}` is a table: [[{key}]] and its fields below.")
                continue
            table = Table(shown or key, index, header, one, self)
            for name in one:
                if name not in known:
                    table.say(
                        name,
                        f"has a field {one_line(name, 40)!r} that is not known; known are {', '.join(sorted(known))}",
                    )
            yield table


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the block: `name` as written, `index` among those of its name, the line it begins at."""

    name: str
    index: int
    header: int
    fields: Mapping[str, object]
    faults: Faults = field(repr=False)

    def say(self, key: str, words: str) -> None:
        line = self.faults.key_line(self.header, key) if key else self.header
        self.faults.say(line, f"[{self.name}] {words}.")

    def id(self, otherwise: str = "") -> str:
        given = self.fields.get("id")
        if given is None:
            return otherwise or f"{self.name}-{self.index + 1}"
        if isinstance(given, str) and _ID.match(given):
            return given
        self.say("id", "has an id that is not lower-case letters, digits, dots and hyphens (at most 60)")
        return otherwise or f"{self.name}-{self.index + 1}"

    def text(self, key: str) -> str:
        given = self.fields.get(key, "")
        if isinstance(given, str):
            return one_line(given, 400)
        self.say(key, f"wants words for `{key}`")
        return ""

    def flag(self, key: str) -> bool:
        given = self.fields.get(key, False)
        if isinstance(given, bool):
            return given
        self.say(key, f"wants true or false for `{key}`")
        return False

    def number(self, key: str) -> int | None:
        given = self.fields.get(key)
        if given is None:
            return None
        if isinstance(given, int) and not isinstance(given, bool) and 0 < given <= _NUMBER_LIMIT:
            return given
        self.say(key, f"wants a whole number from 1 to {_NUMBER_LIMIT:,} for `{key}`")
        return None

    def words(self, key: str) -> tuple[str, ...] | None:
        """A list of words, or one word; None when it is not given or not usable."""
        given = self.fields.get(key)
        if given is None:
            return None
        several = [given] if isinstance(given, str) else given
        if isinstance(several, list) and len(several) <= GLOBS_LIMIT and all(isinstance(o, str) and o for o in several):
            return tuple(str(one)[:300] for one in several)
        self.say(key, f"wants a list of words for `{key}`")
        return None

    def severity(self) -> Severity:
        given = self.fields.get("severity", Severity.ERROR.value)
        if isinstance(given, str) and given in {one.value for one in Severity}:
            return Severity(given)
        self.say("severity", f"has a severity that is not one of {', '.join(one.value for one in Severity)}")
        return Severity.ERROR

    def pattern(self) -> str | None:
        given = self.fields.get("pattern")
        if not isinstance(given, str) or not given:
            self.say("pattern", "needs a pattern")
            return None
        if len(given) > PATTERN_LIMIT:
            self.say("pattern", f"has a pattern longer than {PATTERN_LIMIT} characters")
            return None
        if fault := fault_of(given):
            self.say("pattern", f"has a pattern that is not sound ({one_line(fault, 120)})")
            return None
        return given
