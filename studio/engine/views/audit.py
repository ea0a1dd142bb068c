"""The audit trail of a change: transitions, messages, handoffs, results, tool calls, findings and versions in order of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from studio.domain.build import AppVersion, Handoff, RoleMessage, ToolUse
from studio.domain.finding import Finding
from studio.domain.page import Page, Revision
from studio.domain.run import NOT_WHOLE, RunKind
from studio.domain.text import clean, one_line
from studio.domain.workflow import state_words
from studio.engine.open_project import OpenProject
from studio.engine.views.builds import find_page
from studio.protocol import build_queries as q
from studio.protocol import events as e
from studio.protocol.build_events import FindingChanged, TaskChanged, VersionChanged
from studio.protocol.build_views import AuditLine, AuditView
from studio.store import build_tasks, builds, conversations, findings, page_events, revisions, runs, tool_uses, versions
from studio.store.page_events import PageEvent
from studio.store.transaction import Tx

LINES = 5_000
"""Lines of one answer: the newest; `left_out` counts the others."""
FULL_TEXTS = 6_000_000
"""Characters of the details of one answer; older lines past it keep the beginning of theirs."""
_EXCERPT = 400
_KINDS = ("page.changed", "run.started", "run.ended", "task.changed", "finding.changed", "version.changed")
_SHORT = 160
_DONE = {
    "approve": "approved",
    "brief": "brief written",
    "discard": "what a draft left was discarded",
    "draft_again": "a draft was asked for",
    "draft_failed": "the draft failed",
    "draft_interrupted": "the draft broke off",
    "draft_ready": "a text arrived",
    "edit": "edited",
    "reopen": "the approval was undone",
    "restore": "an earlier text was put back",
    "return": "sent back",
    "revise": "a revision was asked for",
    "stopped": "the draft was stopped",
}
"""What happened to a page, by the name of the act."""


@dataclass(frozen=True, slots=True)
class Trail:
    """Everything about a page that lines are made of. `keys` are those of tasks by id, `runs` the stages of runs,
    `drafts` those that began from nothing."""

    page: Page
    events: Sequence[PageEvent]
    handoffs: Sequence[Handoff]
    messages: Sequence[RoleMessage]
    results: Sequence[Revision]
    calls: Sequence[ToolUse]
    findings: Sequence[Finding]
    versions: Sequence[AppVersion]
    keys: dict[str, str]
    roles: dict[str, str]
    runs: dict[str, str]
    drafts: frozenset[str] = frozenset()
    unread: int = 0


async def get_audit(project: OpenProject, query: q.GetAudit, actor: str) -> AuditView:
    roles = {stage.name: stage.role for stage in project.workflow.stages}
    trail = await project.store.read(lambda tx: _trail(tx, find_page(project, tx, query.page), roles))
    return audit_view(trail)


def _trail(tx: Tx, page: Page, roles: dict[str, str]) -> Trail:
    worked = runs.listing(tx, page.id)
    events = page_events.listing(tx, page.id, _KINDS, LINES)
    calls = tool_uses.listing(tx, page.id, limit=LINES)
    unread = page_events.count(tx, page.id, _KINDS) - len(events) + tool_uses.count(tx, page.id) - len(calls)
    return Trail(
        page=page,
        events=events,
        handoffs=builds.handoffs(tx, page.id),
        messages=conversations.listing(tx, page.id),
        results=revisions.listing(tx, page.id)[::-1],
        calls=calls,
        findings=findings.listing(tx, page.id),
        versions=versions.listing(tx, page.id)[::-1],
        keys=build_tasks.keys(tx, page.id),
        roles=roles,
        runs={run.id: run.stage for run in worked},
        drafts=frozenset(run.id for run in worked if run.kind is RunKind.DRAFT),
        unread=unread,
    )


def audit_view(trail: Trail) -> AuditView:
    """Oldest first, numbered from 1 over all lines, also those that are left out."""
    every = sorted(_lines(trail), key=lambda line: line.created_at)
    first = trail.unread + max(len(every) - LINES, 0)
    numbered = [replace(line, seq=first + place) for place, line in enumerate(every[-LINES:], 1)]
    return AuditView(page=trail.page.id, lines=tuple(_bounded(numbered)), left_out=first)


def _lines(trail: Trail) -> Iterator[AuditLine]:
    """Within one moment: what was said and done, then where it led."""
    shown = _in_prompts(trail.messages)
    yield from (_message(one, trail, shown=one.id in shown) for one in trail.messages)
    yield from (_call(one, trail) for one in trail.calls)
    yield from (_finding(one) for one in trail.findings)
    yield from (line for one in trail.versions for line in _version(one))
    yield from (_result(one, trail) for one in trail.results)
    yield from (_handoff(one) for one in trail.handoffs)
    yield from (line for one in trail.events if (line := _event(one, trail)))


def _bounded(lines: Sequence[AuditLine]) -> list[AuditLine]:
    room, kept = FULL_TEXTS, []
    for line in reversed(lines):
        if len(line.detail) > max(room, _EXCERPT):
            cut = f"{line.detail[:_EXCERPT]}… ({len(line.detail)} characters)"
            line = replace(line, detail=cut)
        room -= len(line.detail)
        kept.append(line)
    return kept[::-1]


def _line(at: datetime, kind: str, who: str, stage: str, line: str, detail: str = "") -> AuditLine:
    return AuditLine(
        seq=0, created_at=at, kind=kind, who=who, stage=stage, line=one_line(line, _SHORT), detail=clean(detail)
    )


# Rows as lines


def _stage(trail: Trail, run: str | None, role: str, at: datetime | None = None) -> str:
    """The stage of the run; without one that of the role's result of the same moment `at`, else the first stage of the role, which may
    have several."""
    made = (one.stage for one in trail.results if one.created_at == at and trail.roles.get(one.stage) == role)
    first = (name for name, known in trail.roles.items() if known == role)
    return trail.runs.get(run or "") or next(made, "") or next(first, "")


def _in_prompts(messages: Sequence[RoleMessage]) -> frozenset[str]:
    """Answers that a prompt itself holds, as a rule to show a model how, and the questions before them: said in one breath with what
    comes after."""
    places = {(one.role, one.run_id, one.position): one for one in messages}
    found: set[str] = set()
    for (role, run, position), one in places.items():
        after = places.get((role, run, position + 1))
        if run and one.kind == "assistant" and after is not None and after.created_at == one.created_at:
            found.add(one.id)
            if (asked := places.get((role, run, position - 1))) is not None and asked.kind == "user":
                found.add(asked.id)
    return frozenset(found)


def _message(message: RoleMessage, trail: Trail, *, shown: bool) -> AuditLine:
    stage = _stage(trail, message.run_id, message.role, message.created_at)
    task = trail.keys.get(message.task_id or "", "")
    place = f"{message.role}{f' at {task}' if task else ''}"
    words = one_line(message.text, _SHORT) or ("calls of tools" if message.data else "nothing")
    detail = "\n\n".join(filter(None, (message.text, message.data)))
    what = "an example" if message.run_id in trail.drafts else "shown"
    kind = f"{message.kind}, {what} in the prompt" if shown else message.kind
    return _line(message.created_at, "message", place, stage, f"{kind}: {words}", detail)


def _call(use: ToolUse, trail: Trail) -> AuditLine:
    task = trail.keys.get(use.task_id or "", "")
    stage = _stage(trail, use.run_id, use.role)
    line = f"{use.name} {use.status.value}: {use.line}"
    detail = f"arguments {use.arguments_digest}, {use.elapsed_ms:.1f} ms\n\n{use.result}"
    return _line(use.created_at, "tool", f"{use.role}{f' at {task}' if task else ''}", stage, line, detail)


def _finding(finding: Finding) -> AuditLine:
    problem = finding.problem
    place = f"{problem.path}:{problem.line}" if problem.line else problem.path
    line = f"{problem.severity.value} {problem.rule} {place}: {problem.message}"
    settled = f"{finding.state.value} by {finding.by}: {finding.reason}" if finding.by else finding.state.value
    detail = "\n\n".join(filter(None, (problem.message, problem.quote, problem.suggestion, settled)))
    return _line(finding.created_at, "finding", finding.source.value, finding.stage or "", line, detail)


def _result(revision: Revision, trail: Trail) -> AuditLine:
    who = trail.roles.get(revision.stage, revision.author) if revision.model else revision.author
    end = NOT_WHOLE.get(revision.outcome.value, revision.outcome.value)
    line = f"{revision.stage}: revision {revision.number}, {revision.origin.value}, {end}"
    detail = "\n\n".join(filter(None, (revision.text, revision.data)))
    return _line(revision.created_at, "result", who, revision.stage, line, detail)


def _version(version: AppVersion) -> Iterator[AuditLine]:
    yield _line(
        version.started_at, "version", version.origin, "", f"{version.number} begun ({version.operation.value})"
    )
    if version.finished_at is not None:
        words = version.error or version.summary
        detail = "\n\n".join(filter(None, (version.summary, version.changelog, version.error)))
        line = (
            f"{version.number} {version.status.value}: {words}" if words else f"{version.number} {version.status.value}"
        )
        yield _line(version.finished_at, "version", version.origin, "", line, detail)


def _handoff(handoff: Handoff) -> AuditLine:
    line = f"{handoff.from_stage} -> {handoff.to_stage}: {handoff.from_role} to {handoff.to_role}"
    return _line(handoff.created_at, "handoff", handoff.from_role, handoff.from_stage, line, handoff.note)


# Events as lines


def _event(one: PageEvent, trail: Trail) -> AuditLine | None:
    """None for an event that a row says already."""
    event = one.event
    match event:
        case e.PageChanged():
            line = f"{_DONE.get(event.what, event.what.replace('_', ' '))}: {state_words(event.state)}"
            return _line(one.created_at, "transition", event.actor or one.actor, event.stage or "", line, event.state)
        case e.RunStarted():
            line = f"{event.kind} of {event.stage} begun with {event.model}"
            return _line(one.created_at, "transition", trail.roles.get(event.stage, ""), event.stage, line, event.run)
        case e.RunEnded():
            cost = "" if event.cost_usd is None else f", ${event.cost_usd:.4f}"
            end = f", {NOT_WHOLE[event.outcome]}" if event.status == "completed" and event.outcome in NOT_WHOLE else ""
            line = f"{event.stage} {event.status}{end} after {event.elapsed:.1f} s{cost}"
            who = trail.roles.get(event.stage, "")
            return _line(one.created_at, "transition", who, event.stage, line, event.error or "")
        case TaskChanged():
            line = f"task {trail.keys.get(event.task, event.task)}: {event.what}"
            return _line(one.created_at, "transition", event.actor or one.actor, "", line, event.status)
        case FindingChanged():
            return _settled(one, event, trail)
        case VersionChanged() if event.what not in ("started", "completed", "failed", "in_progress"):
            return _line(one.created_at, "version", event.actor or one.actor, "", f"{event.number} {event.what}")
        case _:
            return None


def _settled(one: PageEvent, event: FindingChanged, trail: Trail) -> AuditLine | None:
    """A finding's own row has its words and its last state; the event says when that was."""
    who = event.actor or one.actor
    if not event.finding:
        return _line(one.created_at, "finding", who, "", f"findings: {event.state}")
    finding = next((row for row in trail.findings if row.id == event.finding), None)
    if finding is None or (event.state in ("open", "blocked") and one.created_at <= finding.created_at):
        return None
    problem = finding.problem
    reason = finding.reason if finding.state.value == event.state else ""
    stage = finding.stage or ""
    return _line(one.created_at, "finding", who, stage, f"{problem.path} {problem.rule}: {event.state}", reason)
