"""What a crash left open is closed at the next start: runs become interrupted with every delta that reached the disk.

Nothing is bought again; whether to continue is the person's decision.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from studio.domain.errors import NotFound, StudioError
from studio.domain.job import JobStatus
from studio.domain.run import Execution, Run, RunKind, RunStatus, Usage
from studio.domain.workflow import Action, Phase, advance
from studio.engine.open_project import OpenProject
from studio.protocol.events import RunEnded
from studio.providers import tokens
from studio.providers.base import Message
from studio.store import blobs, executions, jobs, pages, revisions, runs
from studio.store.transaction import Tx
from studio.workspace import streams

log = logging.getLogger(__name__)

INTERRUPTED_CODE = "interrupted"
MESSAGE = "The program ended while this draft was running."


async def recover(project: OpenProject) -> int:
    """Settle runs without a process. Returns how many there were."""
    kept = await asyncio.to_thread(_texts, project.root)
    found = await project.store.transact(lambda tx: _settle_all(project, tx, kept), actor="recovery")
    settled = await project.store.transact(lambda tx: _late_texts(tx, kept), actor="recovery")
    for run_id in settled:
        await asyncio.to_thread(streams.remove, project.root, run_id)
    return found


def _texts(root: Path) -> dict[str, str]:
    """A stream that cannot be read stays where it is: the book opens all the same."""
    found: dict[str, str] = {}
    for run_id in streams.left_over(root):
        try:
            found[run_id] = streams.read(root, run_id) or ""
        except StudioError as error:
            log.warning("%s", error)
    return found


def _settle_all(project: OpenProject, tx: Tx, kept: dict[str, str]) -> int:
    open_runs = runs.live(tx)
    for run in open_runs:
        text = max(kept.get(run.id, ""), run.partial, key=len)
        _settle(project, tx, run, text)
        jobs.finish(tx, run.job_key, JobStatus.CANCELLED)
    return len(open_runs)


def _settle(project: OpenProject, tx: Tx, run: Run, text: str) -> None:
    arrived = text.removeprefix(_carried(tx, run, text))
    for call in executions.listing(tx, run=run.id):
        if call.status == "running":
            executions.update(tx, _interrupted(project, tx, call, arrived))
    runs.finish(
        tx, run.id, status=RunStatus.INTERRUPTED, outcome=None, partial=text, revision_id=None,
        error_code=INTERRUPTED_CODE, error_message=MESSAGE,
    )  # fmt: skip
    page = pages.get(tx, run.page_id)
    state = project.state_of(page)
    if state.phase is Phase.GENERATING and state.stage == run.stage:
        has_revision = revisions.head(tx, run.page_id, run.stage) is not None
        action = Action.DRAFT_INTERRUPTED if text.strip() else Action.DISCARD
        following = advance(project.workflow, state, action, has_revision=has_revision)
        project.move_to(tx, page, following, "draft_interrupted", stage=run.stage, run=run.id)
    tx.emit(
        RunEnded(
            run=run.id, page=run.page_id, stage=run.stage, status=RunStatus.INTERRUPTED.value,
            error_code=INTERRUPTED_CODE, error=MESSAGE, hint=project.workflow.output_of(run.stage).ways_on,
        )
    )  # fmt: skip


def _carried(tx: Tx, run: Run, text: str) -> str:
    """The text that a run went on from; its own row holds what has arrived since, too."""
    if run.kind is not RunKind.CONTINUE:
        return ""
    others = (one.partial for one in runs.listing(tx, run.page_id) if one.stage == run.stage and one.id != run.id)
    return max((one for one in others if one and text.startswith(one)), key=len, default="")


def _interrupted(project: OpenProject, tx: Tx, call: Execution, arrived: str) -> Execution:
    """The request's row by our own count: the service never said what it took. Where nothing came, nothing is booked."""
    usage = Usage(
        input_tokens=_asked(tx, call) if arrived else 0,
        output_tokens=tokens.estimate(arrived) if arrived else 0,
        estimated=True,
    )
    cost, source, version = project.models.price(call.provider, call.model, usage)
    return replace(
        call, status="interrupted", usage=usage, cost_usd=cost, cost_source=source, price_version=version,
        error_code=INTERRUPTED_CODE, error_message=MESSAGE,
    )  # fmt: skip


def _asked(tx: Tx, call: Execution) -> int:
    """Tokens of the prompt as it is kept."""
    try:
        kept = blobs.get(tx, call.prompt_digest or "")
        return tokens.estimate_messages(Message(row["role"], row["text"]) for row in json.loads(kept))
    except (NotFound, ValueError, KeyError, TypeError):
        return 0


def _late_texts(tx: Tx, kept: dict[str, str]) -> list[str]:
    """Stream files of settled runs: removable once the row holds at least as much; others stay where they are."""
    done: list[str] = []
    for run_id, text in kept.items():
        with suppress(NotFound):
            if len(runs.get(tx, run_id).partial) >= len(text):
                done.append(run_id)
    return done
