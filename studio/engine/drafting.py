"""The stage runner: one run from its queued row to its settled rows (context, prompt, stream, checks, revision).

Order of safety: a delta goes to the stream file before anything else sees it, the whole reply becomes rows in one transaction,
and only then is the stream file removed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from studio.domain.errors import BadReply, ProviderError, StorageError, StudioError
from studio.domain.job import Job
from studio.domain.page import Origin, Revision
from studio.domain.run import Execution, Outcome, Run, RunKind, RunStatus
from studio.domain.text import one_line
from studio.domain.workflow import Action, OutputKind, Phase, advance
from studio.engine import attempts
from studio.engine.attempts import Ending, Working
from studio.engine.gates import text_arrived
from studio.engine.handlers.drafts import start_automatically
from studio.engine.live import LiveRun
from studio.engine.open_project import Call, OpenProject
from studio.engine.replies import read_reply, seam
from studio.engine.texts import add_revision, same_as
from studio.protocol.events import Notice, RunEnded
from studio.providers.base import AttemptFailed, AttemptStarted, Finished, FinishReason, TextDelta, UsageSeen
from studio.providers.retry import stream_with_retry
from studio.store import executions, feedback, pages, revisions, runs
from studio.store.transaction import Tx
from studio.workspace import streams

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from studio.providers.base import AttemptPart

log = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 1.0
RETRY_SECONDS, RETRY_SECONDS_MOST = 1.0, 10.0
AUTOMATIC = "studio"
"""Who begins a draft that nobody asked for by a key."""

LAST_SECONDS = 5.0
"""How long the end of the engine waits for a run to be saved; after that its stream file has the text."""


class Drafting:
    """Carries out `draft` jobs for one open project."""

    def __init__(self, project: OpenProject) -> None:
        self._project = project

    async def __call__(self, job: Job) -> None:
        project = self._project
        run = await project.store.transact(lambda tx: _start(project, tx, job.payload["run"]))
        if run is None:
            return
        stream = streams.StreamFile(project.root, run.id)
        live = LiveRun(run, stream.append, project.bus.publish, run.partial)
        project.live.add(live)
        if run.partial:
            project.bus.publish(live.snapshot())
        working: Working | None = None
        try:
            stream.catch_up(run.partial)
            if project.builds is not None:
                await project.builds.prepare(run)
            plan = await project.desk.plan_of_run(run)
            working = Working(run, live, plan)
            await project.desk.reserve(plan, live)
            await project.desk.record(run, plan)
            if project.builds is not None:
                await project.builds.asked(run, plan)
            ending = await self._draft(working)
        except asyncio.CancelledError:
            asked = run.id in project.stopping
            ending = Ending(RunStatus.STOPPED if asked else RunStatus.INTERRUPTED)
        except StudioError as error:
            ending = Ending(RunStatus.FAILED, error=error)
        except Exception as error:
            log.exception("run %s", run.id)
            ending = Ending(
                RunStatus.FAILED, error=BadReply(f"The draft failed: {type(error).__name__}.", hint="See the log.")
            )
        settling = asyncio.create_task(self._settle_surely(stream, live, working, ending))
        try:
            await asyncio.shield(settling)
        except asyncio.CancelledError:
            # Stopped again, or the engine ends: what is being written is waited for, a full disk is not.
            await asyncio.wait({settling}, timeout=LAST_SECONDS)
            settling.cancel()
            if not settling.done() or settling.cancelled():
                stream.close()
                raise
        stream.close()
        streams.remove(project.root, run.id)
        await project.manuscript.write_page(run.page_id)
        await self._go_on(run)

    async def _go_on(self, run: Run) -> None:
        """Begin the next stage's draft, where its text was approved by an open gate and the project wants that."""
        project = self._project
        if not project.settings.workflow.auto_draft:
            return
        page = await project.store.read(lambda tx: pages.get(tx, run.page_id))
        state = project.state_of(page)
        if state.phase is not Phase.GENERATING or state.stage in (None, run.stage):
            return
        try:
            await start_automatically(project, page.id, Call(AUTOMATIC))
        except StudioError as error:
            project.bus.publish(Notice(level="warning", message=error.message, hint=error.hint))

    async def _draft(self, working: Working) -> Ending:
        builds = self._project.builds
        checkpoint = asyncio.create_task(self._checkpoint(working.live))
        try:
            built = None if builds is None else await builds.work(working.run, working.live, working.plan)
            if built is not None:
                return Ending(RunStatus.FAILED if built.error else RunStatus.COMPLETED, built.reply, built.error)
            await self._stream(working)
        finally:
            checkpoint.cancel()
        finished = working.finished
        reason = finished.reason if finished else FinishReason.UNPROVEN
        stage = self._project.workflow.stage(working.run.stage)
        reply = read_reply(stage, working.live.text, reason)
        if reply.outcome is Outcome.UNPROVEN:
            error = BadReply(
                "The stream ended without the service's word that it was complete.",
                hint="The text so far is kept: continue it, keep it or discard it.",
            )
            return Ending(RunStatus.INTERRUPTED, reply, error)
        if not reply.text.strip():
            return Ending(RunStatus.FAILED, reply, _nothing(reply.outcome))
        return Ending(RunStatus.COMPLETED, reply)

    async def _stream(self, working: Working) -> None:
        provider = await self._project.models.provider(working.plan.model, working.live.tell)
        policy = self._project.models.retry_policy()
        parts = cast("AsyncGenerator[AttemptPart, None]", stream_with_retry(provider, working.plan.request, policy))
        async with aclosing(parts):
            async for part in parts:
                await self._take(working, part)

    async def _take(self, working: Working, part: AttemptPart) -> None:
        live, store = working.live, self._project.store
        match part:
            case AttemptStarted(number):
                working.asked_at = time.monotonic()
                working.execution = execution = attempts.begin(working.run, working.plan, number)
                await store.transact(lambda tx: attempts.insert(tx, execution))
                live.tell("waiting for the model")
            case AttemptFailed(_, error, wait, _):
                await self._attempt_failed(working, error)
                live.tell(f"{error.message} Next try in {wait:.0f} s" if wait is not None else "")
            case TextDelta(text):
                if working.first_token_ms is None:
                    working.first_token_ms = (time.monotonic() - working.asked_at) * 1000
                    live.waiting = ""
                    text = self._joined(working.run, live.text, text)
                live.append(text)
                live.cost_usd = attempts.running_cost(working.plan, live.output_tokens)
            case UsageSeen(usage):
                working.seen = usage
            case Finished():
                working.finished = part

    def _joined(self, run: Run, before: str, text: str) -> str:
        prose = self._project.workflow.stage(run.stage).output is OutputKind.PROSE
        return seam(before, text) + text if prose and run.kind is RunKind.CONTINUE else text

    async def _attempt_failed(self, working: Working, error: ProviderError) -> None:
        execution = working.execution
        if execution is None:
            return
        ended = attempts.failed(execution, error, (time.monotonic() - working.asked_at) * 1000)
        working.execution = None
        await self._project.store.transact(lambda tx: attempts.update(tx, ended))

    async def _checkpoint(self, live: LiveRun) -> None:
        """The partial text as a row every second, so that a reader of the store sees it too."""
        length = 0
        while True:
            await asyncio.sleep(CHECKPOINT_SECONDS)
            text = live.text
            if len(text) != length:
                length = len(text)
                with suppress(StorageError):  # the stream file has it; the end of the run says so if that is full too
                    await self._project.store.transact(lambda tx, text=text: runs.progress(tx, live.run.id, text))  # type: ignore[misc]

    async def _settle_surely(
        self, stream: streams.StreamFile, live: LiveRun, working: Working | None, ending: Ending
    ) -> None:
        """Settle the run; while that cannot be saved (a full disk) the text is kept here and tried again."""
        wait = RETRY_SECONDS
        while True:
            try:
                await self._settle(live.run, live, working, ending)
                return
            except StorageError as error:
                log.warning("run %s is not saved yet: %s", live.run.id, error)
                words = f"The draft is not saved yet: {error.message}"
                hint = "Its text is kept and saved as soon as that is possible: make room, and do not quit yet."
                self._project.bus.publish(Notice(level="error", message=words, hint=hint))
                live.tell(one_line(f"{words} {hint}"))
            await asyncio.sleep(wait)
            wait = min(wait * 2, RETRY_SECONDS_MOST)
            with suppress(StorageError):
                stream.catch_up(live.text)

    async def _settle(self, run: Run, live: LiveRun, working: Working | None, ending: Ending) -> None:
        """Write how the run ended: execution, revision, state, event; all in one transaction."""
        live.flush()
        ended = attempts.ended(working, live, ending, self._project.models.price) if working else None
        given = working.plan.feedback_ids if working else ()
        await self._project.store.transact(lambda tx: self._write_ending(tx, run, live, ended, ending, given))
        self._project.live.remove(run.id)
        self._project.promises.drop(run.id)
        self._project.stopping.discard(run.id)
        if ended is not None and working is not None:
            await self._project.models.learn(working.plan, ended.usage)

    def _write_ending(
        self, tx: Tx, run: Run, live: LiveRun, ended: Execution | None, ending: Ending, given: tuple[str, ...]
    ) -> None:
        project = self._project
        if ended is not None:
            attempts.update(tx, ended)
        page = pages.get(tx, run.page_id)
        state = project.state_of(page)
        head = revisions.head(tx, run.page_id, run.stage)
        revision = None
        if ending.status is RunStatus.COMPLETED and ending.reply is not None:
            # A page that moved on meanwhile (an outside text arrived) keeps its newest; this one is kept beside it.
            feedback.mark_used(tx, given, run.id)
            awaited = state.phase is Phase.GENERATING and state.stage == run.stage
            revision = add_revision(
                tx, run.page_id, run.stage, ending.reply.text,
                origin=Origin.AGENT, parent=head, data=ending.reply.data, outcome=ending.reply.outcome,
                model=run.model, run_id=run.id, feedback_id=run.feedback_id, author=run.model, head=awaited,
                note="; ".join(ending.reply.notes),
            )  # fmt: skip
        error = ending.error
        runs.finish(
            tx, run.id, status=ending.status, outcome=ending.reply.outcome if ending.reply else None,
            partial=live.text, revision_id=revision.id if revision else None,
            error_code=error.code if error else None, error_message=str(error) if error else None,
        )  # fmt: skip
        self._move_page(tx, run, live, ending, revision)
        spent = ended.cost_usd if ended else None
        if project.builds is not None:
            project.builds.ended(tx, run, ending.status, live.text)
            usd, unknown = executions.spent(tx, run_id=run.id)
            spent = None if unknown else usd
        tx.emit(
            RunEnded(
                run=run.id, page=run.page_id, stage=run.stage, status=ending.status.value,
                outcome=ending.reply.outcome.value if ending.reply else None,
                revision=revision.id if revision else None,
                error_code=error.code if error else None,
                error=error.message if error else None,
                hint=error.hint if error else "",
                cost_usd=spent,
                output_tokens=ended.usage.output_tokens if ended else None,
                elapsed=live.elapsed,
                same_as=same_as(revision, head, project.workflow.output_of(run.stage)),
            )
        )  # fmt: skip

    def _move_page(self, tx: Tx, run: Run, live: LiveRun, ending: Ending, revision: Revision | None) -> None:
        project = self._project
        page = pages.get(tx, run.page_id)
        state = project.state_of(page)
        if state.phase is not Phase.GENERATING or state.stage != run.stage:
            return
        if revision is not None:
            text_arrived(project, tx, page, Action.DRAFT_READY, "draft_ready", revision, run=run.id)
            return
        has_revision = revisions.head(tx, run.page_id, run.stage) is not None
        if live.text.strip() or ending.status is RunStatus.INTERRUPTED:
            action, what = Action.DRAFT_INTERRUPTED, "draft_interrupted"
        elif ending.status is RunStatus.STOPPED:
            action, what = Action.DISCARD, "stopped"
        else:
            action, what = Action.DRAFT_FAILED, "draft_failed"
        following = advance(project.workflow, state, action, has_revision=has_revision)
        project.move_to(tx, page, following, what, stage=run.stage, run=run.id)


def _start(project: OpenProject, tx: Tx, run_id: str) -> Run | None:
    """Claim the run; None when it was stopped or worked on before."""
    run = runs.get(tx, run_id)
    if run.status is not RunStatus.QUEUED:
        return None
    runs.start(tx, run_id)
    if project.builds is not None:
        project.builds.started(tx, run)
    return replace(run, status=RunStatus.RUNNING)


def _nothing(outcome: Outcome) -> BadReply:
    words = {
        Outcome.REFUSED: "The model declined and gave no text.",
        Outcome.FILTERED: "The service's content filter stopped the answer before any text came.",
        Outcome.CUT_OFF: "The output limit was used up before any text came.",
    }
    return BadReply(
        words.get(outcome, "The model answered nothing."),
        hint="Change the brief or the feedback, or try another model.",
    )
