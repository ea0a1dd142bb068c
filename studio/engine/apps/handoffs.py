"""What one role leaves for the next when its stage is approved or sends back: a note, a row, an event; inside a transaction."""

from __future__ import annotations

from studio.domain import release as releases
from studio.domain import review as reviews
from studio.domain.build import Handoff, TaskStatus
from studio.domain.errors import BadInput
from studio.domain.ids import new_id
from studio.domain.page import Page, Revision
from studio.domain.text import one_line
from studio.domain.workflow import OutputKind, Stage, Workflow
from studio.engine.apps import standing
from studio.protocol.build_events import HandedOff
from studio.store import build_tasks, builds, findings, versions
from studio.store.transaction import Tx

PERSON = "person"
_NOTE = 1_200
_FILES = 20


def hand_over(
    tx: Tx, workflow: Workflow, page: Page, stage: Stage, revision: Revision, following: Stage | None
) -> None:
    """From the role of `stage` to that of `following`; to the person when the work is complete."""
    note = _note(tx, workflow, page, stage, revision)
    _keep(tx, page, stage, following, workflow.final_state, note, revision.id)


def send_back(
    tx: Tx, workflow: Workflow, page: Page, stage: Stage, revision: Revision, target: Stage, words: str
) -> None:
    """From a reviewer to the role whose work is to be mended."""
    open_findings = findings.listing(tx, page.id, open_only=True)
    lines = [f"- {one.problem.place}: {one.problem.message}" for one in open_findings]
    lines = list(dict.fromkeys(lines))[:_FILES]
    said = ["Sent back with these findings:", *lines] if lines else ["Sent back; no finding is open."]
    note = "\n".join([*said, *([f"The person adds: {words}"] if words else [])])
    _keep(tx, page, stage, target, workflow.final_state, note[: _NOTE * 2], revision.id)


def _keep(tx: Tx, page: Page, stage: Stage, to: Stage | None, final: str, note: str, revision_id: str) -> None:
    handoff = Handoff(
        id=new_id(),
        page_id=page.id,
        from_role=stage.role,
        to_role=to.role if to else PERSON,
        from_stage=stage.name,
        to_stage=to.name if to else final,
        note=note,
        created_at=tx.now,
        revision_id=revision_id,
    )
    builds.add_handoff(tx, handoff)
    tx.emit(
        HandedOff(
            page=page.id,
            from_role=handoff.from_role,
            to_role=handoff.to_role,
            from_stage=handoff.from_stage,
            to_stage=handoff.to_stage,
        )
    )


def _note(tx: Tx, workflow: Workflow, page: Page, stage: Stage, revision: Revision) -> str:
    opening = f"{stage.label} approved (revision {revision.number}, by {one_line(revision.author, 60)})."
    return f"{opening}\n{_content(tx, workflow, page, stage, revision)}"[:_NOTE].rstrip()


def _content(tx: Tx, workflow: Workflow, page: Page, stage: Stage, revision: Revision) -> str:
    match stage.output:
        case OutputKind.PLAN:
            tasks = [one for one in build_tasks.listing(tx, page.id) if one.status is not TaskStatus.DROPPED]
            return "\n".join([_opening(revision.text), *(f"- {one.key}: {one.title} ({one.type})" for one in tasks)])
        case OutputKind.CODE:
            version = standing.named(tx, revision) or standing.version_of(tx, workflow, page.id)
            changed = versions.changes(tx, version.id) if version else []
            listed = ", ".join(one.path for one in changed[:_FILES])
            more = f" and {len(changed) - _FILES} more" if len(changed) > _FILES else ""
            return f"Version {version.number}: {version.summary}\nFiles: {listed}{more}" if version else ""
        case OutputKind.REVIEW:
            still = findings.listing(tx, page.id, open_only=True)
            return f"{_verdict(revision)}\nFindings still open: {len(still)}"
        case OutputKind.RELEASE:
            return _release(revision)
        case OutputKind.DOCUMENT | OutputKind.PROSE | OutputKind.DIALOGUE:
            return revision.text


def _opening(text: str) -> str:
    paragraphs = [one.strip() for one in text.split("\n\n") if one.strip() and not one.lstrip().startswith("#")]
    return one_line(paragraphs[0], 400) if paragraphs else ""


def _verdict(revision: Revision) -> str:
    try:
        found = reviews.from_json(revision.data or "")
    except BadInput:
        return _opening(revision.text)
    return f"Verdict: {found.verdict.value}. {one_line(found.summary, 500)}"


def _release(revision: Revision) -> str:
    try:
        found = releases.from_json(revision.data or "")
    except BadInput:
        return _opening(revision.text)
    return f"{found.title}. {found.summary}".strip()
