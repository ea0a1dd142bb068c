"""How far a change has come: named stages with percentages, as durable events that a watcher can resume from."""

from __future__ import annotations

from studio.domain.build import Operation
from studio.domain.workflow import OutputKind, Workflow
from studio.protocol.build_events import BuildProgress
from studio.store.transaction import Tx

# Parts of the whole by what a stage makes: writing files takes most of the time.
_WEIGHTS = {
    OutputKind.CODE: 50,
    OutputKind.PLAN: 12,
    OutputKind.DOCUMENT: 10,
    OutputKind.REVIEW: 9,
    OutputKind.RELEASE: 10,
}
_OTHER = 10


def percent(workflow: Workflow, stage: str, within: float) -> int:
    """From 0 to 100: everything before `stage`, and `within` (0 to 1) of it."""
    weights = [_WEIGHTS.get(one.output, _OTHER) for one in workflow.stages]
    index = workflow.index(stage)
    done = sum(weights[:index]) + weights[index] * min(max(within, 0.0), 1.0)
    return round(100 * done / sum(weights))


def say(
    tx: Tx,
    workflow: Workflow,
    page_id: str,
    stage: str,
    within: float,
    message: str,
    *,
    status: str = "running",
    run: str | None = None,
    task: str | None = None,
    named: str | None = None,
) -> None:
    """Write a word of progress. `named` is another named stage than the workflow's (a worker may say what it does)."""
    tx.emit(
        BuildProgress(
            page=page_id,
            stage=named or workflow.stage(stage).progress or stage,
            percent=percent(workflow, stage, within),
            message=message,
            status=status,
            run=run,
            task=task,
        )
    )


def begun(tx: Tx, workflow: Workflow, page_id: str, operation: Operation) -> None:
    """The first word about a change: which operation was detected."""
    words = "Update: the application's files are read." if operation is Operation.UPDATE else "A new application."
    say(tx, workflow, page_id, workflow.stages[0].name, 0.0, words, status="waiting")
