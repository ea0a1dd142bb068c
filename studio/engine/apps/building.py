"""A run that writes files: tasks handed to parallel workers, retried or listed, joined, reviewed, and made a version."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.domain.build import (
    WHOLE_CHANGE,
    AppVersion,
    BuildTask,
    PlannedTask,
    TaskStatus,
    VersionFile,
    VersionStatus,
    blocked,
    ready,
    to_work,
    undone,
)
from studio.domain.errors import AuthenticationFailed, BudgetExceeded, LimitReached, MissingKey, StudioError
from studio.domain.finding import FindingSource, FindingState, Severity
from studio.domain.run import Outcome, Run, RunKind
from studio.domain.text import one_line
from studio.domain.tooling import ChangeKind
from studio.domain.workflow import OutputKind, Stage
from studio.engine.apps import joined_review, progress, recording
from studio.engine.apps.fix_tasks import FEEDBACK
from studio.engine.apps.gate import finding
from studio.engine.apps.purse import purse_of
from studio.engine.apps.room import Bump, Finish
from studio.engine.apps.site import Site
from studio.engine.apps.worker import Worked, Worker
from studio.engine.desk import Plan
from studio.engine.live import LiveRun
from studio.engine.replies import Reply
from studio.protocol.build_events import TaskChanged
from studio.store import build_tasks, feedback, revisions, versions
from studio.store.transaction import Tx
from studio.tools.base import Claims
from studio.validators.registry import check_tree

if TYPE_CHECKING:
    from studio.engine.open_project import OpenProject

log = logging.getLogger(__name__)

_POINTLESS = (BudgetExceeded, LimitReached, AuthenticationFailed, MissingKey)
"""Errors that another try of a task would meet again."""


@dataclass(frozen=True, slots=True)
class Built:
    """What a run came to. `error` is set when not one task was done."""

    reply: Reply
    error: StudioError | None = None


class Building:
    """Works at the tasks of one page's plan. One object for each run."""

    def __init__(self, project: OpenProject, run: Run, live: LiveRun, plan: Plan) -> None:
        self._project, self._run, self._live, self._plan = project, run, live, plan
        self._stage: Stage = project.workflow.stage(run.stage)
        self._said: dict[str, Worked] = {}
        self._only_after = False

    async def build(self) -> Built:
        """Everything from the first task to the finished version. Cancelled, it leaves tasks and version in a state that a next
        run goes on from."""
        building = self._project.app.building
        if building.locked():
            self._live.tell("another change is being built")
        async with building:
            self._live.tell("")
            return await self._build()

    async def _build(self) -> Built:
        project, run = self._project, self._run
        build = await project.builds_open.ensure_build(run.page_id)
        tasks = await project.store.transact(self._claim_tasks, actor=run.model)
        bump: Bump = await project.store.read(lambda tx: "patch" if versions.listing(tx, run.page_id) else "minor")
        version = await project.app.begin(run.page_id, run.id, build.operation, bump)
        site = await self._site(version, tasks)
        if self._only_after:
            site.done = len(tasks)
            site.say(f"Version {version.number}: every task was done before, what is left is the review")
        else:
            site.say(f"Version {version.number}: {_at_a_time(len(tasks), project.settings.app.workers)}")
        try:
            await self._work(site)
            if self._said or self._only_after:  # of nothing there is nothing to review, and it costs
                await self._fit_together(site)
            await joined_review.review(site, self._plan)
            return await self._finish(site, version)
        except BaseException as error:
            await asyncio.shield(asyncio.ensure_future(self._broken(site, version, error)))
            raise

    # Before

    def _claim_tasks(self, tx: Tx) -> list[BuildTask]:
        """The tasks that this run is to do: those that are not done, or for a revision one that answers the feedback."""
        run = self._run
        if run.kind is RunKind.REVISE:
            self._add_fix(tx)
        tasks = build_tasks.listing(tx, run.page_id)
        if not tasks:
            tasks = self._whole_change(tx)
        if not undone(tasks) and versions.broke_off(tx, run.page_id):
            return self._taken_over(tx, tasks)
        again = to_work(tasks)
        for one in again:
            build_tasks.update(tx, one.id, status=TaskStatus.PLANNED, attempts=0, error="", run_id=run.id)
            tx.emit(TaskChanged(page=run.page_id, task=one.id, what="planned", status="planned"))
        return [build_tasks.get(tx, one.id) for one in again]

    def _taken_over(self, tx: Tx, tasks: list[BuildTask]) -> list[BuildTask]:
        """Every task was done when the run before broke off: only what comes after the work is left, and none is paid twice."""
        self._only_after = True
        done = [one for one in tasks if one.status is TaskStatus.DONE]
        return [build_tasks.update(tx, one.id, run_id=self._run.id) for one in done]

    def _add_fix(self, tx: Tx) -> None:
        run = self._run
        notes = [
            one for one in feedback.listing(tx, run.page_id, run.stage) if one.used_by_run is None and not one.resolved
        ]
        words = "\n".join(f"- {one.text}" + (f"\n  (about: {one.quote})" if one.quote else "") for one in notes)
        existing = build_tasks.listing(tx, run.page_id)
        number = sum(1 for one in existing if one.key.startswith(FEEDBACK)) + 1
        task = PlannedTask(f"{FEEDBACK}-{number}", "Answer the feedback", "fix", words or "Answer the feedback.", 1)
        build_tasks.append(tx, run.page_id, self._plan_revision(tx), task)

    def _whole_change(self, tx: Tx) -> list[BuildTask]:
        """A change without a task list is one task."""
        run = self._run
        task = PlannedTask(WHOLE_CHANGE, "The whole change", "logic", "Carry out the plan.", 1)
        return build_tasks.plan(tx, run.page_id, self._plan_revision(tx), [task])

    def _plan_revision(self, tx: Tx) -> str:
        plans = [one.name for one in self._project.workflow.stages if one.output is OutputKind.PLAN]
        head = revisions.head(tx, self._run.page_id, plans[0]) if plans else None
        known = build_tasks.newest_plan(tx, self._run.page_id)
        return known or (head.id if head else self._run.page_id)

    async def _site(self, version: AppVersion, tasks: list[BuildTask]) -> Site:
        project = self._project
        parent = version.parent_id
        before = await project.store.read(lambda tx: versions.files(tx, parent)) if parent else []
        return Site(
            project=project,
            run=self._run,
            live=self._live,
            stage=self._stage,
            purse=await purse_of(project, self._run.id),
            standards=await project.builds_open.standards(),
            claims=Claims({one.path: one.digest for one in before}),
            version=version,
            waived=await project.store.read(project.builds_open.waived),
            total=len(tasks),
        )

    # Working

    async def _work(self, site: Site) -> None:
        running: dict[asyncio.Task[None], str] = {}
        try:
            while True:
                await self._start_ready(site, running)
                if not running:
                    return
                ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in ended:
                    running.pop(task)
                    task.result()
        finally:
            for task in running:
                task.cancel()
            if running:
                await asyncio.wait(running)

    async def _start_ready(self, site: Site, running: dict[asyncio.Task[None], str]) -> None:
        project, page_id = self._project, self._run.page_id
        while lost := blocked(await project.store.read(lambda tx: build_tasks.listing(tx, page_id))):
            await project.store.transact(lambda tx, lost=lost: self._skip(tx, lost))  # type: ignore[misc]  # mypy infers no type for a default
            site.done += len(lost)
        tasks = await project.store.read(lambda tx: build_tasks.listing(tx, page_id))
        for one in ready(tasks):
            if len(running) >= project.settings.app.workers:
                return
            if one.id not in running.values():
                running[asyncio.create_task(self._carry_out(site, one), name=one.key)] = one.id

    def _skip(self, tx: Tx, lost: Mapping[str, str]) -> None:
        for task_id, why in lost.items():
            task = build_tasks.update(tx, task_id, status=TaskStatus.SKIPPED, error=why, ended_at=tx.now)
            self._tell(tx, task, "skipped", TaskStatus.SKIPPED)

    async def _carry_out(self, site: Site, task: BuildTask) -> None:
        """One task, with its tries. Only a stop leaves this by an exception."""
        project = self._project
        model = project.builds_open.worker_model(self._stage.role, task.type, self._run.model)
        profile = project.models.profile(model)
        note, failed, tries = "", "", project.settings.app.task_tries
        for attempt in range(1, tries + 1):
            if not await self._afford(site, task):
                return
            await project.store.transact(lambda tx, n=attempt, why=failed: self._begin(tx, task, n, str(model), why))  # type: ignore[misc]  # mypy infers no type for a default
            site.say(f"begins: {task.title}" if attempt == 1 else f"begins again ({attempt} of {tries})", task)
            try:
                worked = await Worker(site, task, model, profile).work(note)
            except asyncio.CancelledError:
                await asyncio.shield(asyncio.ensure_future(self._interrupt(task)))
                raise
            except StudioError as error:
                note = _again(error)
                site.say(f"failed: {error.message}", task)
                failed = one_line(str(error), 500)
                if attempt == tries or isinstance(error, _POINTLESS):
                    await self._fail(site, task, error)
                    return
            except Exception as error:
                log.exception("task %s", task.key)
                await self._fail(site, task, LimitReached(f"The task failed: {type(error).__name__}."))
                return
            else:
                await self._done(site, task, worked)
                return
            finally:
                site.purse.close(task.id)

    async def _afford(self, site: Site, task: BuildTask) -> bool:
        """Reserve what the task's first call may cost, before it starts; a task that can not be paid for is listed as failed."""
        try:
            await site.purse.take(task.id, self._plan.price_usual)
        except BudgetExceeded as error:
            site.say(f"not begun: {error.message}", task)
            await self._fail(site, task, error)
            return False
        return True

    def _begin(self, tx: Tx, task: BuildTask, attempt: int, model: str, failed: str) -> None:
        """`failed` is why the try before came to nothing: it stays with the task, for later tries say nothing of it."""
        build_tasks.update(
            tx, task.id, status=TaskStatus.RUNNING, attempts=attempt, model=model, run_id=self._run.id, error=failed,
            started_at=tx.now, ended_at=None,
        )  # fmt: skip
        self._tell(tx, task, "started" if attempt == 1 else "retried", TaskStatus.RUNNING)

    async def _done(self, site: Site, task: BuildTask, worked: Worked) -> None:
        self._said[task.id] = worked
        site.done += 1

        def write(tx: Tx) -> None:
            build_tasks.update(tx, task.id, status=TaskStatus.DONE, summary=worked.summary, ended_at=tx.now)
            self._tell(tx, task, "done", TaskStatus.DONE)
            words = f"{site.done} of {site.total} task{'s' if site.total != 1 else ''} done"
            progress.say(
                tx, self._project.workflow, task.page_id, self._stage.name, site.within, words, run=self._run.id
            )

        await self._project.store.transact(write)
        site.say(f"done: {worked.summary or task.title}", task)

    async def _fail(self, site: Site, task: BuildTask, error: StudioError) -> None:
        site.done += 1

        def write(tx: Tx) -> None:
            build_tasks.update(tx, task.id, status=TaskStatus.FAILED, error=one_line(str(error), 500), ended_at=tx.now)
            self._tell(tx, task, "failed", TaskStatus.FAILED)

        await self._project.store.transact(write)

    async def _interrupt(self, task: BuildTask) -> None:
        def write(tx: Tx) -> None:
            if build_tasks.get(tx, task.id).status is TaskStatus.RUNNING:
                build_tasks.update(tx, task.id, status=TaskStatus.INTERRUPTED, ended_at=tx.now)
                self._tell(tx, task, "interrupted", TaskStatus.INTERRUPTED)

        await self._project.store.transact(write)

    @staticmethod
    def _tell(tx: Tx, task: BuildTask, what: str, status: TaskStatus) -> None:
        tx.emit(TaskChanged(page=task.page_id, task=task.id, what=what, status=status.value, actor=tx.actor))

    # After

    async def _fit_together(self, site: Site) -> None:
        """What no worker could see alone: files that others were to write and that are not there."""
        tree = await self._project.app.scan()
        texts = await asyncio.to_thread(self._project.builds_open.facts.texts, tree)
        problems = await asyncio.to_thread(check_tree, texts, site.standards.rules)
        rows = [
            finding(site.place(None), one, FindingSource.VALIDATOR, FindingState.OPEN)
            for one in problems
            if one.severity is Severity.ERROR
        ]
        new = await self._project.store.transact(lambda tx: recording.add(tx, rows)) if rows else []
        if new:
            site.say(f"The parts do not fit together yet: {new[0].problem.message}")

    async def _finish(self, site: Site, version: AppVersion) -> Built:
        project, page_id = self._project, self._run.page_id
        every = await project.store.read(lambda tx: build_tasks.listing(tx, page_id))
        tasks = [one for one in every if one.run_id == self._run.id]
        done = [one for one in tasks if one.status is TaskStatus.DONE]
        failed = [one for one in tasks if one.status in (TaskStatus.FAILED, TaskStatus.SKIPPED)]
        summary = " ".join(one.summary for one in done if one.summary) or "Nothing was done."
        if left := undone(every):
            summary = f"{left}. {summary}"
        said = [self._said.get(one.id) or Worked(one.summary, "") for one in done]
        changelog = "\n".join(
            text for one in said if (text := one.changelog or (f"- {one.summary}" if one.summary else ""))
        )
        error = "; ".join(f"{one.title}: {one.error}" for one in failed)
        status = VersionStatus.COMPLETED if done else VersionStatus.FAILED
        ended = await project.app.finish(
            version,
            Finish(status=status, summary=one_line(summary, 500), changelog=changelog, error=error),
            site.claims.written,
        )

        def read(tx: Tx) -> tuple[list[VersionFile], dict[str, str]]:
            return versions.changes(tx, ended.id), versions.by_hand_before(tx, version)

        files, by_hand = await project.store.read(read)
        text = _report(ended, tasks, files, by_hand)
        data = json.dumps({"version": ended.id, "number": ended.number})
        outcome = Outcome.COMPLETE if done and not failed else Outcome.INCOMPLETE
        if done:
            return Built(Reply(text, data, outcome))
        reason = failed[0].error if failed else "there was nothing to do"
        return Built(
            Reply("", data, outcome),
            LimitReached(f"Not one task was done: {reason}", hint="Look at the tasks, then draft again."),
        )

    async def _broken(self, site: Site, version: AppVersion, error: BaseException) -> None:
        stopped = isinstance(error, asyncio.CancelledError)
        words = "Stopped before it was finished." if stopped else one_line(str(error), 300)
        try:
            ended = Finish(status=VersionStatus.FAILED, error=words)
            await self._project.app.finish(version, ended, site.claims.written)
        except StudioError:
            log.exception("version %s", version.number)
        site.say(words)


def _at_a_time(tasks: int, workers: int) -> str:
    return "1 task" if tasks == 1 else f"{tasks} tasks, {min(workers, tasks)} at a time"


def _again(error: StudioError) -> str:
    return (
        f"An earlier try of this task ended with: {error.message} Some of its files may be there already: look at them "
        "with list_files and read_file, keep what is right, and finish the task."
    )


_SIGNS = {
    TaskStatus.DONE: "done",
    TaskStatus.FAILED: "FAILED",
    TaskStatus.SKIPPED: "skipped",
    TaskStatus.DROPPED: "dropped",
}
_VERBS = {ChangeKind.ADDED: "added", ChangeKind.MODIFIED: "changed", ChangeKind.DELETED: "removed"}


def _report(version: AppVersion, tasks: list[BuildTask], files: list[VersionFile], by_hand: Mapping[str, str]) -> str:
    """The run in words: what a person reads before looking at the files. `by_hand`: the versions that keep their own texts."""
    lines = [f"Version {version.number}. {version.summary}", "", "## Tasks", ""]
    for one in tasks:
        rest = one.summary if one.status is TaskStatus.DONE else one.error
        if one.status is TaskStatus.DONE and one.error:
            rest = f"{rest} An earlier try failed: {one.error}".strip()
        tries = f" ({one.attempts} tries)" if one.attempts > 1 else ""
        lines.append(
            f"- {one.title}: {_SIGNS.get(one.status, one.status.value)}{tries}" + (f". {rest}" if rest else "")
        )
    lines += ["", "## Files", ""]
    for file in files:
        yours = f", after your change by hand (version {by_hand[file.path]} has it)" if file.path in by_hand else ""
        lines.append(f"- {_VERBS.get(file.change, 'changed') if file.change else ''} {file.path}{yours}")
    if not files:
        lines.append("No file was changed.")
    return "\n".join(lines)
