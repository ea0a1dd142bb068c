"""Checks of the whole application: validators and rules over every file, and the project's own command where it is allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.config.allowed import AllowedCommands
from studio.domain.finding import Finding, FindingSource, FindingState, Problem, Severity
from studio.domain.text import counted, one_line
from studio.engine.apps import recording
from studio.engine.apps.facts import checks_key
from studio.engine.apps.gate import Place, finding
from studio.protocol.build_events import FindingChanged
from studio.store import findings, meta
from studio.store.transaction import Tx
from studio.validators.registry import check_file, check_tree
from studio.validators.rules import Rules
from studio.workspace import check_command

if TYPE_CHECKING:
    from studio.engine.open_project import OpenProject

_OURS = (FindingSource.VALIDATOR, FindingSource.RULE, FindingSource.CHECK)
_MOST = 200
_TAIL = 2_000


@dataclass(frozen=True, slots=True)
class Report:
    """`text` is what prompts and people are told. `command` says whether the project's command ran."""

    text: str
    problems: tuple[tuple[FindingSource, Problem], ...]
    files: int
    command: bool = False

    @property
    def passed(self) -> bool:
        return not any(problem.severity is Severity.ERROR for _, problem in self.problems)


async def run(project: OpenProject, place: Place) -> Report:
    """Check the files as they lie there. Findings of earlier checks that are gone are settled; new ones are added."""
    standards = await project.builds_open.standards()
    tree = await project.app.scan()
    texts = await asyncio.to_thread(project.builds_open.facts.texts, tree)
    found = await asyncio.to_thread(_validate, texts, standards.rules)
    words = [f"Validators: {_count(len(found))} in {counted(len(texts), 'file')}."]
    ran = await _command(project)
    if ran is not None:
        said, problem = ran
        words.append(said)
        if problem is not None:
            found.append((FindingSource.CHECK, problem))
    elif project.settings.app.check:
        words.append("The check command was not run: it is not allowed yet (`studio check --allow`).")
    words += [f"A rule cannot be used: {one.path}:{one.line}: {one.message}" for one in standards.warnings]
    lines = [f"- {one.severity.value} {one.place} ({one.rule}) {one.message}" for _, one in found[:40]]
    report = Report("\n".join([*words, *lines]), tuple(found), len(texts), ran is not None)
    await project.store.transact(lambda tx: _record(tx, place, report))
    return report


def _validate(texts: Mapping[str, str], rules: Rules) -> list[tuple[FindingSource, Problem]]:
    found: list[tuple[FindingSource, Problem]] = []
    for path, text in sorted(texts.items()):
        checked = check_file(path, text, rules=rules, exists=texts.__contains__)
        ruled = set(checked.verdicts)
        found += [
            (FindingSource.RULE if one in ruled else FindingSource.VALIDATOR, one)
            for one in (*checked.problems, *checked.fixed)
        ]
    found += [(FindingSource.VALIDATOR, one) for one in check_tree(texts, rules)]
    unique = {(one.rule, one.path, one.line, one.message): (source, one) for source, one in found}
    return list(unique.values())[:_MOST]


async def _command(project: OpenProject) -> tuple[str, Problem | None] | None:
    """Words about the check command and its problem; None when it may not run or there is none."""
    settings = project.settings.app
    allowed = AllowedCommands(env=project.env)
    if not settings.check or not await asyncio.to_thread(allowed.allows, project.root, settings.check):
        return None
    result = await check_command.run(settings.check, project.app.root, settings.check_seconds)
    name = one_line(settings.check, 80)
    if result.passed:
        return f"Check command `{name}` passed in {result.seconds:.1f} s.", None
    how = "did not end in time" if result.code is None else f"failed with status {result.code}"
    tail = result.output[-_TAIL:].strip()
    problem = Problem("check-command", "", 0, f"`{name}` {how}.", Severity.ERROR, "", tail)
    return f"Check command `{name}` {how}:\n{tail}", problem


def _record(tx: Tx, place: Place, report: Report) -> None:
    known = {
        recording.key(one.problem): one
        for one in findings.listing(tx, place.page_id)
        if one.source in _OURS and one.state is not FindingState.FIXED
    }
    now = {recording.key(problem): (source, problem) for source, problem in report.problems}
    for key, one in known.items():
        if key not in now and one.state is FindingState.OPEN:
            findings.settle(tx, one.id, FindingState.FIXED, "studio", "no longer found")
    new: list[Finding] = [
        finding(place, problem, source, FindingState.OPEN)
        for key, (source, problem) in now.items()
        if key not in known and problem.severity is not Severity.NOTE
    ]
    recording.add(tx, new)
    meta.put(tx, checks_key(place.page_id), report.text)
    tx.emit(FindingChanged(page=place.page_id, finding="", state="checked"))


def _count(number: int) -> str:
    return "nothing found" if number == 0 else f"{number} problem{'s' if number != 1 else ''}"
