"""The app workflow of an open project: what its stages need beyond a text, and what follows from their texts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from studio.domain import release as releases
from studio.domain import review as reviews
from studio.domain.build import Build, TaskStatus, count_to_work, undone
from studio.domain.canon import CanonWarning
from studio.domain.errors import BadInput, LimitReached, Refused
from studio.domain.finding import FindingState
from studio.domain.page import Page, Revision
from studio.domain.run import Run, RunKind, RunStatus
from studio.domain.text import counted
from studio.domain.workflow import Action, OutputKind, Stage, State, advance
from studio.engine.apps import (
    checks,
    fix_tasks,
    handoffs,
    planned,
    progress,
    recording,
    reviewing,
    standards,
    standing,
    verdicts,
)
from studio.engine.apps.building import Building, Built
from studio.engine.apps.facts import Facts
from studio.engine.apps.fix_tasks import FEEDBACK
from studio.engine.apps.gate import Place
from studio.engine.apps.publications import close_left
from studio.engine.apps.standards import Standards
from studio.engine.desk import Plan
from studio.engine.limits import run_limit
from studio.engine.live import LiveRun
from studio.protocol.build_events import TaskChanged
from studio.providers.base import ModelRef
from studio.store import (
    build_tasks,
    builds,
    conversations,
    feedback,
    findings,
    pages,
    revisions,
    versions,
)
from studio.store.transaction import Tx

if TYPE_CHECKING:
    from studio.engine.open_project import OpenProject


class Builds:
    """Held by a project whose workflow writes files; methods that take a `Tx` belong to the caller's transaction."""

    def __init__(self, project: OpenProject) -> None:
        self._project = project
        self.facts = Facts(project)
        self._standards: tuple[object, Standards] | None = None

    async def standards(self) -> Standards:
        """As the files stand now; read again when one of them has changed."""
        project = self._project
        app = project.settings.app
        found = await standards.load(
            project.root, project.canon.documents, app.type, use_packaged=app.standards, known=self._standards
        )
        self._standards = found
        return found[1]

    @property
    def warnings(self) -> tuple[CanonWarning, ...]:
        """What is wrong in the standards, as they were last read."""
        return self._standards[1].warnings if self._standards else ()

    def worker_model(self, role: str, task_type: str, otherwise: str) -> ModelRef:
        """The model of a task: `[models] <role>_<type>` where it is set, else the run's own."""
        models = self._project.models
        return models.parse(self._project.settings.models.roles.get(f"{role}_{task_type}") or otherwise)

    def lead_model(self, role: str, otherwise: str) -> ModelRef:
        models = self._project.models
        return models.parse(self._project.settings.models.roles.get("lead") or otherwise)

    async def ensure_build(self, page_id: str) -> Build:
        """The build of a page; at its first use the operation is detected and recorded."""
        project = self._project
        known = await project.store.read(lambda tx: builds.get(tx, page_id))
        if known is not None:
            return known
        operation = await project.app.operation()

        def write(tx: Tx) -> Build:
            found = builds.get(tx, page_id)
            if found is not None:
                return found
            build = Build(page_id=page_id, operation=operation, returns=0, created_at=tx.now, updated_at=tx.now)
            builds.add(tx, build)
            stage = project.workflow.stages[0].name
            words = "Update: the application's files are read." if operation == "update" else "A new application."
            progress.say(tx, project.workflow, page_id, stage, 0.0, words, status="waiting")
            return build

        return await project.store.transact(write, actor="engine")

    def waived(self, tx: Tx) -> frozenset[tuple[str, str]]:
        """(rule, path) of the verdicts that a person has waived: they stop no write any more."""
        every = findings.listing(tx)
        return frozenset(
            (one.problem.rule, one.problem.path)
            for one in every
            if one.state in (FindingState.WAIVED, FindingState.INTENDED, FindingState.FALSE)
        )

    # Around a run

    async def prepare(self, run: Run) -> None:
        """Before a run's prompt is made: its operation is known, and a reviewer finds the checks' verdicts."""
        await self.ensure_build(run.page_id)
        stage = self._project.workflow.stage(run.stage)
        if stage.output is OutputKind.REVIEW:
            workflow = self._project.workflow
            found = await self._project.store.read(lambda tx: standing.version_of(tx, workflow, run.page_id))
            version = found.id if found else ""
            await checks.run(self._project, Place(run.page_id, stage.name, run.id, version))

    async def calls_of(self, page_id: str, stage: Stage, kind: RunKind, call_usd: float | None) -> str:
        """What a run of a stage that makes many calls consists of, and what all of them may cost when one costs `call_usd` at most;
        in words, empty for one call."""
        if stage.output is not OutputKind.CODE:
            return ""
        tasks, broke_off = await self._project.store.read(
            lambda tx: (build_tasks.listing(tx, page_id), versions.broke_off(tx, page_id))
        )
        app = self._project.settings.app
        count = count_to_work(tasks, revises=kind is RunKind.REVISE)
        words = "1 task" if count == 1 else f"{count} tasks, {min(app.workers, count)} at a time"
        if kind is not RunKind.REVISE and tasks and not undone(tasks):
            if broke_off:
                return "every task is done, only the review of the lead is left; a call"
            words = f"every task is done, all are done again: {words}"
        total = await self._total(count * app.iterations, call_usd)
        return f"{words}, at most {counted(app.iterations, 'call')} each{total}; a call"

    async def _total(self, calls: int, call_usd: float | None) -> str:
        """What so many calls may cost in all: what the limits leave, where they leave less."""
        if not call_usd:
            return ""
        total, left = calls * call_usd, await run_limit(self._project, "", 0.0)
        if left is not None and left < total:
            return f", in all at most ${max(left, 0.0):.2f} by the limits"
        return f", in all at most about ${total:.2f}"

    async def work(self, run: Run, live: LiveRun, plan: Plan) -> Built | None:
        """Carry out a run with tools; None for a stage whose role only answers with a text."""
        stage = self._project.workflow.stage(run.stage)
        if stage.output is OutputKind.CODE:
            return await Building(self._project, run, live, plan).build()
        if self._talks(stage, plan):
            return Built(await reviewing.review(self._project, run, live, plan))
        return None

    def started(self, tx: Tx, run: Run) -> None:
        stage = self._project.workflow.stage(run.stage)
        progress.say(tx, self._project.workflow, run.page_id, run.stage, 0.0, f"{stage.label} begins", run=run.id)

    def _talks(self, stage: Stage, plan: Plan | None = None, *, local: bool = False) -> bool:
        """Whether a stage's role talks with tools and keeps its own conversation."""
        local = plan.profile.local if plan else local
        return stage.output is OutputKind.CODE or (
            stage.output is OutputKind.REVIEW and bool(stage.tools) and not local
        )

    async def asked(self, run: Run, plan: Plan) -> None:
        """Keep what a role that answers with one text was asked, as the beginning of its turn in the conversation."""
        stage = self._project.workflow.stage(run.stage)
        if self._talks(stage, plan):
            return

        def write(tx: Tx) -> None:
            said = [(str(one.role), one.text, None) for one in plan.request.messages]
            conversations.extend(tx, run.page_id, stage.role, said, run_id=run.id)

        await self._project.store.transact(write)

    def ended(self, tx: Tx, run: Run, status: RunStatus, text: str) -> None:
        workflow = self._project.workflow
        stage = workflow.stage(run.stage)
        if text.strip() and not self._talks(stage, local=run.model.startswith("local:")):
            conversations.append(tx, run.page_id, stage.role, "assistant", text, run_id=run.id)
        words = {RunStatus.COMPLETED: "is ready", RunStatus.STOPPED: "was stopped", RunStatus.FAILED: "failed"}
        message = f"{stage.label} {words.get(status, 'was interrupted')}"
        done = status is RunStatus.COMPLETED
        if done and stage.output is OutputKind.CODE:
            _answered(tx, run)
        progress.say(
            tx, workflow, run.page_id, run.stage, 1.0 if done else 0.0, message, run=run.id,
            status="waiting" if done else "stopped" if status is RunStatus.STOPPED else "failed",
        )  # fmt: skip

    # After a text

    def revision_made(self, tx: Tx, page: Page, revision: Revision) -> None:
        """A plan's tasks become rows of the board, a review's findings become rows."""
        stage = self._project.workflow.stage(revision.stage)
        try:
            if stage.output is OutputKind.PLAN:
                self._plan_tasks(tx, page, revision)
            elif stage.output is OutputKind.REVIEW and revision.data:
                recording.keep_report(tx, self._project.workflow, revision, reviews.from_json(revision.data))
        except BadInput:
            return  # a text that cannot be read stays a text: the person revises or edits it

    def _plan_tasks(self, tx: Tx, page: Page, revision: Revision) -> None:
        untouched = (TaskStatus.PLANNED, TaskStatus.DROPPED)
        for task in planned.plan_tasks(tx, page.id, revision):
            if task.status not in untouched:
                continue  # carried with its work
            tx.emit(TaskChanged(page=page.id, task=task.id, what="planned", status=task.status.value, actor=tx.actor))

    def agreed(self, tx: Tx, page: Page, revision: Revision) -> Revision:
        """The text that is approved in the place of `revision`: one about files names the version that lies there."""
        code = self._project.workflow.stage(revision.stage).output is OutputKind.CODE
        return standing.agreed(tx, page, revision) if code else revision

    def approved(self, tx: Tx, page: Page, revision: Revision) -> None:
        """Hand over to the next role; at the end the version is approved with the words of its release."""
        workflow = self._project.workflow
        stage = workflow.stage(revision.stage)
        following = workflow.after(stage.name)
        handoffs.hand_over(tx, workflow, page, stage, revision, following)
        if following is None:
            self._approve_version(tx, page, revision)
            progress.say(tx, workflow, page.id, stage.name, 1.0, "Complete", status="completed")

    def _approve_version(self, tx: Tx, page: Page, revision: Revision) -> None:
        version = standing.version_of(tx, self._project.workflow, page.id)
        if version is None:
            return
        versions.approve(tx, version.id)
        try:
            release = releases.from_json(revision.data or "")
        except BadInput:
            return
        number = (
            versions.next_number(tx, "major") if release.bump is releases.Bump.MAJOR and version.parent_id else None
        )
        versions.describe(tx, version.id, summary=release.summary, changelog=release.changelog, number=number)

    def later_text(self, tx: Tx, page_id: str, following: Stage) -> bool:
        """Whether the following stage has a text that still counts: a report on an earlier version does not."""
        heads = {name: one.revision_id for name, one in pages.heads(tx, page_id).items() if one.revision_id}
        head = heads.get(following.name)
        if head is None or not following.output.judges:
            return head is not None
        code = [one.name for one in self._project.workflow.stages if one.output is OutputKind.CODE]
        return revisions.in_order(tx, [head, *(heads[name] for name in code if name in heads)])[-1] == head

    # Sending back

    def wants_return(self, tx: Tx, page: Page, revision: Revision) -> bool:
        """Whether a report that nobody reviews sends back by itself: its verdict says so and there are returns left."""
        if not verdicts.asks_return(self._project.workflow, revision):
            return False
        build = builds.get(tx, page.id)
        return (build.returns if build else 0) < self._project.workflow.stage(revision.stage).returns

    def refuse_undone(self, tx: Tx, revision: Revision) -> None:
        """Raises Refused for the approval of files while tasks of their change are neither done nor dropped."""
        if self._project.workflow.stage(revision.stage).output is not OutputKind.CODE:
            return
        if left := undone(build_tasks.listing(tx, revision.page_id)):
            raise Refused(
                f"{left}.",
                hint="Draft again to do what is left, drop it, or approve all the same.",
                data={"anyway": True, "undone": left, "revision": revision.id},
            )

    def send_back(self, tx: Tx, page: Page, revision: Revision, note: str) -> Page:
        """Return to the stage that writes files, with a task for each group of open findings. Raises LimitReached, Refused."""
        project, workflow = self._project, self._project.workflow
        stage = workflow.stage(revision.stage)
        following = advance(workflow, project.state_of(page), Action.RETURN)
        build = builds.get(tx, page.id)
        if build is None:
            raise Refused("Nothing was built on this page yet.", hint="Draft it first.")
        if build.returns >= stage.returns:
            raise LimitReached(
                f"{stage.label} has sent this change back {counted(stage.returns, 'time')} already.",
                hint="Revise the implementation yourself, settle the findings, or raise `returns` in the workflow.",
                data={"limit": stage.returns},
            )
        if (
            not note
            and not findings.listing(tx, page.id, open_only=True)
            and not verdicts.asks_return(workflow, revision)
        ):
            raise Refused(
                "There is nothing to send back: no finding is open, and no note says what to mend.",
                hint="Say in a note what should be mended, or open a finding again.",
            )
        assert following.stage is not None
        target = workflow.stage(following.stage)
        builds.save(tx, replace(build, returns=build.returns + 1, updated_at=tx.now))
        fix_tasks.add(tx, page.id, note, build.returns + 1)
        handoffs.send_back(tx, workflow, page, stage, revision, target, note)
        for one in workflow.stages[workflow.index(target.name) : workflow.index(stage.name) + 1]:
            pages.set_approved(tx, page.id, one.name, None)
        words = f"Sent back to {target.label.lower()} ({build.returns + 1} of {stage.returns})"
        progress.say(tx, workflow, page.id, target.name, 0.0, words, status="waiting")
        return project.move_to(
            tx, page, State(following.phase, following.stage), Action.RETURN.value, revision=revision.id
        )

    # At the start

    async def recover(self) -> None:
        """Settle tasks, versions and publications that a crash left at work."""
        project = self._project

        def write(tx: Tx) -> None:
            close_left(tx)
            for task in build_tasks.running(tx):
                build_tasks.update(tx, task.id, status=TaskStatus.INTERRUPTED, ended_at=tx.now)
                tx.emit(TaskChanged(page=task.page_id, task=task.id, what="interrupted", status="interrupted"))

        await project.store.transact(write, actor="recovery")
        await project.app.recover()


def _answered(tx: Tx, run: Run) -> None:
    """Feedback whose task this run did was given: the run that was asked for with it may have been discarded."""
    tasks = build_tasks.listing(tx, run.page_id)
    done = [one for one in tasks if one.run_id == run.id and one.status is TaskStatus.DONE]
    notes = feedback.open_notes(tx, run.page_id, run.stage)
    given = fix_tasks.answered([one.description for one in done if one.key.startswith(FEEDBACK)], notes)
    feedback.mark_used(tx, given, run.id)
