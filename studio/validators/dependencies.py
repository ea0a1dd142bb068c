"""What an application depends on, by its manifests and by the hosts its pages load from, against what its standards allow."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from studio.domain.finding import Problem
from studio.domain.text import one_line
from studio.validators.globs import segment
from studio.validators.html_tokens import Kind
from studio.validators.languages import Language
from studio.validators.place import Lines, problem
from studio.validators.references import Form
from studio.validators.rules import DependencyRule, Rules
from studio.validators.scan import Scan

_TABLES = ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies")
_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_OUTSIDE = re.compile(r"https?://|//")
_LOADS = {"script": "src", "link": "href"}
_ADDRESSES = {
    "preconnect",
    "dns-prefetch",
    "canonical",
    "alternate",
    "author",
    "license",
    "next",
    "prev",
    "help",
    "search",
    "me",
}
NAMES_LIMIT = 2_000
SHOWN = 50
Named = tuple[str, int | str]
"""A dependency, and its line or the words that stand on it: a line is looked for where a rule speaks only."""


def check_dependencies(scan: Scan, rules: Rules) -> Iterator[Problem]:
    """The dependencies of one file that a rule does not allow."""
    if not rules.dependencies:
        return
    for kind, found in (("npm", _npm), ("python", _python), ("cdn", _hosts)):
        wanted = [rule for rule in rules.dependencies if rule.kind == kind]
        named = list(dict.fromkeys(islice(found(scan), NAMES_LIMIT + 1))) if wanted else []
        for rule in wanted:
            allowed = _allowed(rule)
            yield from islice((_problem(rule, scan, *one) for one in named if not allowed(one[0])), SHOWN)
            if len(named) > NAMES_LIMIT:
                words = f"{scan.path} names more than {NAMES_LIMIT:,} dependencies; those after them were not checked."
                yield problem(rule.id, scan.path, 0, words, severity=rule.severity)


def _problem(rule: DependencyRule, scan: Scan, name: str, place: int | str) -> Problem:
    line = place if isinstance(place, int) else _line(scan.lines, place)
    what = "loading from" if rule.kind == "cdn" else "the dependency"
    words = f"The standards do not allow {what} {name}. {rule.message}".strip()
    suggestion = rule.suggestion or _choice(rule)
    return problem(rule.id, scan.path, line, words, severity=rule.severity, suggestion=suggestion, lines=scan.lines)


def _allowed(rule: DependencyRule) -> Callable[[str], bool]:
    denied = [segment(_plain(rule, one)) for one in rule.deny]
    listed = None if rule.allow is None else [segment(_plain(rule, one)) for one in rule.allow]

    def allowed(name: str) -> bool:
        if any(one.match(name) for one in denied):
            return False
        return listed is None or any(one.match(name) for one in listed)

    return allowed


def _plain(rule: DependencyRule, name: str) -> str:
    return _normal(name) if rule.kind == "python" else name


def _choice(rule: DependencyRule) -> str:
    return f"Allowed are: {one_line(', '.join(rule.allow), 200)}." if rule.allow else ""


def _normal(name: str) -> str:
    """A name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _line(lines: Lines, word: str) -> int:
    return next((number for number, line in enumerate(lines.lines, 1) if word in line), 0)


def _npm(scan: Scan) -> Iterator[Named]:
    if PurePosixPath(scan.path).name != "package.json":
        return
    try:
        data = json.loads(scan.text)
    except (ValueError, RecursionError):
        return
    for table in _TABLES:
        given = data.get(table) if isinstance(data, dict) else None
        for name in given if isinstance(given, dict) else ():
            yield one_line(name, 100), f'"{name}"'


def _python(scan: Scan) -> Iterator[Named]:
    name = PurePosixPath(scan.path).name
    if name == "pyproject.toml":
        yield from _pyproject(scan)
    elif re.fullmatch(r"requirements[\w.-]*\.(?:txt|in)", name):
        for number, line in enumerate(scan.lines.lines, 1):
            found = _REQUIREMENT.match(line)
            if found:
                yield _normal(found[1]), number


def _pyproject(scan: Scan) -> Iterator[Named]:
    try:
        data = tomllib.loads(scan.text)
    except (ValueError, RecursionError):
        return
    project = data.get("project", {})
    project = project if isinstance(project, dict) else {}
    optional = project.get("optional-dependencies", {})
    groups = data.get("dependency-groups", {})
    lists = [project.get("dependencies", [])]
    lists += [one for table in (optional, groups) if isinstance(table, dict) for one in table.values()]
    for requirement in (one for several in lists if isinstance(several, list) for one in several):
        found = _REQUIREMENT.match(requirement) if isinstance(requirement, str) else None
        if found:
            yield _normal(found[1]), str(requirement)
    poetry = data.get("tool", {}).get("poetry", {}) if isinstance(data.get("tool"), dict) else {}
    table = poetry.get("dependencies", {}) if isinstance(poetry, dict) else {}
    for name in table if isinstance(table, dict) else ():
        if name != "python":
            yield _normal(name), name


def _hosts(scan: Scan) -> Iterator[Named]:
    """Hosts of scripts and style sheets that a page loads, and of modules that a script imports."""
    if scan.language not in (Language.HTML, Language.JAVASCRIPT, Language.TYPESCRIPT, Language.TSX):
        return
    yield from _of_addresses((one.target, one.line) for one in scan.references if one.form is Form.MODULE)
    for token in scan.tags:
        if token.kind is not Kind.START or token.name not in _LOADS:
            continue
        rel = set((token.value("rel") or "").lower().split())
        if token.name == "link" and (rel & _ADDRESSES or not rel & {"stylesheet", "modulepreload", "preload"}):
            continue
        yield from _of_addresses([(token.value(_LOADS[token.name]) or "", scan.lines.at(token.start))])


def _of_addresses(found: Iterable[tuple[str, int]]) -> Iterator[Named]:
    for address, line in found:
        if _OUTSIDE.match(address.strip()):
            try:
                host = urlsplit(address.strip()).hostname
            except ValueError:
                host = None
            if host:
                yield host, line
