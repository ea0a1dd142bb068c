"""Findings as they come in: each is kept once, and one that a person has decided about does not come up again as open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from studio.domain.build import AppVersion
from studio.domain.finding import Finding, FindingSource, FindingState, Problem
from studio.domain.page import Revision
from studio.domain.review import Review
from studio.domain.workflow import Workflow
from studio.engine.apps import standing
from studio.engine.apps.gate import Place, finding
from studio.protocol.build_events import FindingChanged
from studio.store import findings, versions
from studio.store.transaction import Tx

_DECIDED = (FindingState.WAIVED, FindingState.INTENDED, FindingState.FALSE)
_STANDING = (FindingState.OPEN, FindingState.BLOCKED)

Key = tuple[str, str, str]


def key(problem: Problem) -> Key:
    """What makes two findings the same: reviewers wrap and capitalise the same sentence in many ways."""
    return (problem.rule, problem.path, " ".join(problem.message.split()).casefold())


def add(tx: Tx, rows: Sequence[Finding]) -> list[Finding]:
    """Keep what is new of `rows` and return it. What was fixed on the way is always kept."""
    known: dict[str, dict[Key, list[Finding]]] = {}
    new: list[Finding] = []
    for row in rows:
        if row.page_id not in known:
            known[row.page_id] = {}
            paths = sorted({one.problem.path for one in rows})
            # What was decided about a file in another change holds in this one.
            elsewhere = findings.decided(tx, paths, besides=row.page_id)
            for one in (*elsewhere, *findings.listing(tx, row.page_id)):
                known[row.page_id].setdefault(key(one.problem), []).append(one)
        alike = known[row.page_id].setdefault(key(row.problem), [])
        if row.state in _STANDING and _is_told(tx, row, alike):
            continue
        if row.source is FindingSource.CONFLICT:
            _replace_earlier(tx, row, known[row.page_id])
        alike.append(row)
        new.append(row)
    findings.insert(tx, new)
    return new


def _is_told(tx: Tx, row: Finding, alike: list[Finding]) -> bool:
    """Whether it is there already. A refused write is told by a fault that is open; a fault in a file by no refused write."""
    if any(one.state in (FindingState.OPEN, row.state) for one in alike):
        return True
    decided = next((one for one in reversed(alike) if one.state in _DECIDED), None)
    if decided is not None:
        state = f"found again, still {decided.state.value}"
        tx.emit(FindingChanged(page=row.page_id, finding=decided.id, state=state, actor=tx.actor))
    return decided is not None


def _replace_earlier(tx: Tx, row: Finding, known: dict[Key, list[Finding]]) -> None:
    """A worker that tries again with another text has one conflict open, of its last one; the earlier text stays kept."""
    for same in known.values():
        for one in same:
            mine = (one.source, one.problem.path, one.run_id, one.task_id, one.state)
            if mine == (row.source, row.problem.path, row.run_id, row.task_id, FindingState.OPEN):
                reason = "the same worker's later text is kept in a newer finding"
                findings.settle(tx, one.id, FindingState.FIXED, "studio", reason)


def _untouched(tx: Tx, one: Finding, version: AppVersion | None) -> bool:
    """Whether the finding's file is in `version` as it was in the earlier one that the finding is about."""
    if version is None or not one.problem.path or not one.version_id or one.version_id == version.id:
        return False
    before, now = (
        {file.path: file.digest for file in versions.files(tx, name)} for name in (one.version_id, version.id)
    )
    return before.get(one.problem.path) == now.get(one.problem.path)


def keep_report(tx: Tx, workflow: Workflow, revision: Revision, found: Review) -> None:
    """A reviewer's report: what it found is kept, and what is still open of its earlier reports and not in this one is mended,
    unless nobody touched the file since: then a reviewer only did not say it again."""
    still = {key(one) for one in found.findings}
    version = standing.version_of(tx, workflow, revision.page_id)
    for one in findings.listing(tx, revision.page_id, open_only=True, stage=revision.stage):
        if one.source is FindingSource.REVIEWER and key(one.problem) not in still and not _untouched(tx, one, version):
            findings.settle(tx, one.id, FindingState.FIXED, revision.author, "not in the newer report")
    place = Place(revision.page_id, revision.stage, revision.run_id or "", version.id if version else "")
    rows = [
        replace(finding(place, one, FindingSource.REVIEWER, FindingState.OPEN), created_at=tx.now)
        for one in found.findings
    ]
    add(tx, rows)
    tx.emit(FindingChanged(page=revision.page_id, finding="", state="recorded", actor=tx.actor))
