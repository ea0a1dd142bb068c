"""Rows of the store as views: revisions, feedback, runs, executions. Pure mapping."""

from __future__ import annotations

from studio.domain.page import Feedback, Revision
from studio.domain.run import Execution, Run, RunStatus
from studio.domain.text import word_count
from studio.domain.workflow import OutputKind, Stage
from studio.engine.replies import read_partial
from studio.engine.texts import same_as
from studio.protocol import views as v


def _hint(run: Run, output: OutputKind) -> str:
    """What to do about a run that broke off; empty for any other."""
    if run.status is RunStatus.FAILED:
        return "Try again, or write it yourself."
    return output.ways_on if run.status in (RunStatus.INTERRUPTED, RunStatus.STOPPED) else ""


def revision_view(revision: Revision, *, approved: str | None = None, badge: str = "") -> v.RevisionView:
    return v.RevisionView(
        id=revision.id,
        page=revision.page_id,
        stage=revision.stage,
        number=revision.number,
        text=revision.text,
        data=revision.data,
        origin=revision.origin.value,
        author=revision.author,
        outcome=revision.outcome.value,
        created_at=revision.created_at,
        words=word_count(revision.text),
        model=revision.model,
        badge=badge,
        run=revision.run_id,
        parent=revision.parent_id,
        feedback=revision.feedback_id,
        note=revision.note,
        approved=approved == revision.id,
    )


def feedback_view(note: Feedback, numbers: dict[str, int]) -> v.FeedbackView:
    """`numbers` maps revision ids to their numbers."""
    return v.FeedbackView(
        id=note.id,
        stage=note.stage,
        revision=note.revision_id,
        revision_number=numbers.get(note.revision_id, 0),
        kind=note.kind.value,
        text=note.text,
        quote=note.quote,
        author=note.author,
        created_at=note.created_at,
        used=note.used_by_run is not None,
        resolved=note.resolved,
        used_by=note.used_by_run or None,
    )


def partial_view(stage: Stage, run: Run) -> v.PartialText:
    return v.PartialText(
        run=run.id,
        stage=run.stage,
        text=read_partial(stage, run.partial).text,
        status=run.status.value,
        error=run.error_message or "",
        # Work on files cannot be kept as a text: what is left to do stands where it is drawn.
        hint="" if stage.output is OutputKind.CODE else _hint(run, stage.output),
        model=run.model,
        kind=run.kind.value,
    )


def run_view(
    run: Run, calls: list[Execution], output: OutputKind, revision: Revision | None, parent: Revision | None
) -> v.RunView:
    """A run, whose stage makes `output`, with the sums of its calls; a sum is None when no call gave that figure. `revision` is
    what it made, `parent` what that was made from."""
    mine = [call for call in calls if call.run_id == run.id]
    return v.RunView(
        id=run.id,
        page=run.page_id,
        stage=run.stage,
        kind=run.kind.value,
        status=run.status.value,
        model=run.model,
        outcome=run.outcome.value if run.outcome else None,
        partial=run.partial,
        revision=run.revision_id,
        error_code=run.error_code,
        error=run.error_message,
        hint=_hint(run, output),
        started_at=run.started_at,
        ended_at=run.ended_at,
        cost_usd=_total([call.cost_usd for call in mine]),
        input_tokens=_count([call.usage.input_tokens for call in mine]),
        cached_tokens=_count([call.usage.cached_tokens for call in mine]),
        output_tokens=_count([call.usage.output_tokens for call in mine]),
        same_as=same_as(revision, parent, output),
    )


def execution_view(call: Execution, run: Run) -> v.ExecutionView:
    return v.ExecutionView(
        id=call.id,
        run=call.run_id,
        page=run.page_id,
        stage=run.stage,
        attempt=call.attempt,
        provider=call.provider,
        model=call.model,
        status=call.status,
        started_at=call.started_at,
        input_tokens=call.usage.input_tokens,
        cached_tokens=call.usage.cached_tokens,
        output_tokens=call.usage.output_tokens,
        cost_usd=call.cost_usd,
        cost_source=call.cost_source,
        latency_ms=call.latency_ms,
        first_token_ms=call.first_token_ms,
        finish_reason=call.finish_reason,
        error=call.error_message,
    )


def _total(figures: list[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None]
    return sum(known) if known else None


def _count(figures: list[int | None]) -> int | None:
    known = [figure for figure in figures if figure is not None]
    return sum(known) if known else None
