"""What a report's verdict does: to send the work back, or to be read by a person before it is approved."""

from __future__ import annotations

from studio.domain import review
from studio.domain.errors import BadInput, Refused
from studio.domain.page import Revision
from studio.domain.text import counted
from studio.domain.workflow import OutputKind, Stage, Workflow


def asks_return(workflow: Workflow, revision: Revision) -> bool:
    """Whether it is the report of a stage that can send back, and its verdict is to do so."""
    return bool(workflow.stage(revision.stage).returns_to) and _returning(revision) is not None


def refuse_return(workflow: Workflow, revision: Revision, *, of_all: bool = False) -> None:
    """Raises Refused for the approval of a report that asks to send back; with `of_all` also of one whose stage cannot do that itself,
    which a person should have read."""
    stage = workflow.stage(revision.stage)
    found = _returning(revision) if stage.returns_to or (of_all and stage.output is OutputKind.REVIEW) else None
    if found is None:
        return
    raise Refused(
        f"The report asks to send the work back, with {counted(len(found.findings), 'finding')}.",
        hint=_ways(workflow, stage),
        data={"anyway": True, "findings": len(found.findings), "revision": revision.id},
    )


def _returning(revision: Revision) -> review.Review | None:
    if not revision.data:
        return None
    try:
        found = review.from_json(revision.data)
    except BadInput:
        return None
    return found if found.verdict is review.Verdict.RETURN else None


def _ways(workflow: Workflow, stage: Stage) -> str:
    if stage.returns_to:
        return "Send it back, settle the findings, or approve all the same."
    later = next((one for one in workflow.stages[workflow.index(stage.name) :] if one.returns_to), None)
    if later is not None:
        return f"Approve it all the same: the {later.label.lower()} can send the work back. Or take back the approval before it."
    return "Take back the approval before it and ask for changes, or approve all the same."
