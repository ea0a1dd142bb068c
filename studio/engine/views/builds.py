"""A change as a build: its phases, how far it is, whose turn it is, and what is to be done next."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from studio.config.allowed import AllowedCommands
from studio.domain.build import Build, BuildTask, Handoff, Operation, TaskStatus, undone
from studio.domain.errors import StudioError
from studio.domain.page import BRIEF, Page
from studio.domain.text import counted
from studio.domain.workflow import OutputKind, Phase, Stage, State, Workflow, state_words
from studio.engine.apps.progress import percent
from studio.engine.apps.standing import version_of
from studio.engine.open_project import OpenProject
from studio.engine.views.versions import version_views
from studio.protocol import build_queries as q
from studio.protocol import build_views as v
from studio.protocol.build_events import BuildProgress
from studio.store import build_tasks, builds, findings, journal, page_events, pages, revisions, runs
from studio.store.transaction import Tx

COMPLETE = "COMPLETE"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the store knows about a change. `working`: a run is at it; `drafted`: its stage has a text."""

    page: Page
    state: State
    build: Build
    working: bool
    drafted: bool
    progress: BuildProgress | None
    handoffs: tuple[Handoff, ...]
    tasks: tuple[BuildTask, ...]
    findings_open: int
    versions: tuple[v.VersionView, ...]
    version: str | None = None
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known outside the store: `files` of the application now, the model of each stage, the check command."""

    files: int
    models: Mapping[str, str]
    check: v.CheckView


def find_page(project: OpenProject, tx: Tx, ref: str) -> Page:
    """The page of a reference or of an outside program's build id. Raises NotFound, or BadInput for an ambiguous slug."""
    return pages.resolve(tx, ref, final_state=project.workflow.final_state)


async def get_build(project: OpenProject, query: q.GetBuild, actor: str) -> v.BuildView:
    files = len(await project.app.scan())
    command = project.settings.app.check
    allowed = await asyncio.to_thread(AllowedCommands(env=project.env).allows, project.root, command)

    def read(tx: Tx) -> Standing:
        return _standing(project, tx, find_page(project, tx, query.page), files)

    standing = await project.store.read(read)
    models = {stage.name: model_of(project, stage, standing.build.model) for stage in project.workflow.stages}
    around = Surroundings(files, models, v.CheckView(command=command, allowed=allowed))
    return build_view(project.workflow, standing, around)


async def get_turn(project: OpenProject, query: q.GetTurn, actor: str) -> v.TurnView:
    page = await project.store.read(lambda tx: find_page(project, tx, query.page))
    state = project.state_of(page)
    return v.TurnView(
        page=page.id,
        state=page.state,
        phase=phase_of(project.workflow, state),
        phases=_phases(project.workflow, state, {}),
        complete=state.phase is Phase.APPROVED,
    )


def model_of(project: OpenProject, stage: Stage, wanted: str = "") -> str:
    """The model that a stage would ask; empty when nothing is set up."""
    try:
        return str(project.models.ref_for(stage.role, wanted or None, lead=stage.lead))
    except StudioError:
        return ""


def _standing(project: OpenProject, tx: Tx, page: Page, files: int) -> Standing:
    state = project.state_of(page)
    event = page_events.newest(tx, page.id, "build.progress")
    return Standing(
        page=page,
        state=state,
        build=_build(tx, page, files),
        working=runs.is_live(tx, page.id),
        drafted=state.stage is not None and revisions.head(tx, page.id, state.stage) is not None,
        progress=event.event if event and isinstance(event.event, BuildProgress) else None,
        handoffs=tuple(builds.handoffs(tx, page.id)),
        tasks=tuple(build_tasks.listing(tx, page.id)),
        findings_open=findings.open_count(tx, page.id),
        versions=version_views(tx, page.id),
        version=found.number if (found := version_of(tx, project.workflow, page.id)) else None,
        seq=journal.head(tx),
    )


def _build(tx: Tx, page: Page, files: int) -> Build:
    """The change's own row; before it has one, what it would hold."""
    operation = Operation.UPDATE if files else Operation.CREATE
    build = builds.get(tx, page.id) or Build(page.id, operation, 0, page.created_at, page.updated_at)
    if build.requirements:
        return build
    brief = revisions.head(tx, page.id, BRIEF)
    return replace(build, requirements=brief.text if brief else "")


def build_view(workflow: Workflow, standing: Standing, around: Surroundings) -> v.BuildView:
    page, build = standing.page, standing.build
    stage = workflow.stage(standing.state.stage) if standing.state.stage else None
    far, progress_stage, message = progress(workflow, standing)
    done = [task for task in standing.tasks if task.status is TaskStatus.DONE]
    failed = [task for task in standing.tasks if task.status in (TaskStatus.FAILED, TaskStatus.SKIPPED)]
    counted = [task for task in standing.tasks if task.status is not TaskStatus.DROPPED]
    return v.BuildView(
        page=page.id,
        title=page.title or page.slug,
        state=page.state,
        phase=phase_of(workflow, standing.state),
        operation=build.operation.value,
        detected=detected(around.files, build.operation),
        progress=far,
        progress_stage=progress_stage,
        message=message,
        phases=_phases(workflow, standing.state, around.models),
        role=_role(workflow, standing.state),
        next_action=next_action(workflow, standing),
        returns=build.returns,
        returns_limit=max((one.returns for one in workflow.stages), default=0),
        complete=standing.state.phase is Phase.APPROVED,
        handoffs=tuple(handoff_view(one) for one in standing.handoffs),
        tasks_total=len(counted),
        tasks_done=len(done),
        tasks_failed=len(failed),
        findings_open=standing.findings_open,
        versions=standing.versions,
        version=standing.version,
        check=around.check,
        project_id=build.project_id,
        build_id=build.build_id,
        user_id=build.user_id,
        model=build.model or (around.models.get(stage.name, "") if stage else ""),
        requirements=build.requirements,
        seq=standing.seq,
    )


def phase_of(workflow: Workflow, state: State) -> str:
    """As the workflow API names it: the stage in capitals; the first one while the brief is awaited."""
    if state.phase is Phase.APPROVED:
        return COMPLETE
    return (state.stage or workflow.stages[0].name).upper()


def detected(files: int, operation: Operation) -> str:
    """What the files say about the kind of change, in words; one that began without any stays a creation."""
    if not files:
        return "no files yet: a new application is created"
    count = f"{files} file{'s' if files != 1 else ''}"
    if operation is Operation.CREATE:
        return f"{count} by now: a new application is created"
    return f"{count}: the application is updated"


def handoff_view(handoff: Handoff) -> v.HandoffView:
    return v.HandoffView(
        from_role=handoff.from_role,
        to_role=handoff.to_role,
        from_stage=handoff.from_stage,
        to_stage=handoff.to_stage,
        note=handoff.note,
        created_at=handoff.created_at,
    )


def progress(workflow: Workflow, standing: Standing) -> tuple[int, str, str]:
    """Percent of the change as a whole, its named stage, and a message.

    From the newest progress event where that speaks of the stage at which the page stands, else from the stage's place.
    """
    state, event = standing.state, standing.progress
    if state.phase is Phase.APPROVED:
        return 100, _named(workflow.stages[-1]), "The change is complete."
    if state.stage is None:
        return 0, _named(workflow.stages[0]), state_words(standing.page.state)
    stage = workflow.stage(state.stage)
    low, high = percent(workflow, stage.name, 0.0), percent(workflow, stage.name, 1.0)
    # The end of one stage is the beginning of the next: there the name decides.
    if event and (low < event.percent <= high or (event.percent == low and event.stage == _named(stage))):
        return min(event.percent, 99), event.stage, event.message
    within = 1.0 if state.phase is Phase.REVIEWING else 0.0
    return min(percent(workflow, stage.name, within), 99), _named(stage), state_words(standing.page.state)


def _named(stage: Stage) -> str:
    return stage.progress or stage.name


def _phases(workflow: Workflow, state: State, models: Mapping[str, str]) -> tuple[v.PhaseLine, ...]:
    at = len(workflow.stages) if state.phase is Phase.APPROVED else -1
    if state.stage:
        at = workflow.index(state.stage)
    return tuple(
        v.PhaseLine(
            phase=stage.name.upper(),
            stage=stage.name,
            label=stage.label,
            role=stage.role,
            status="done" if index < at else "current" if index == at else "later",
            gate=stage.gate.value,
            progress=_named(stage),
            model=models.get(stage.name, ""),
        )
        for index, stage in enumerate(workflow.stages)
    )


def _role(workflow: Workflow, state: State) -> str:
    if state.phase is Phase.APPROVED:
        return ""
    return workflow.stage(state.stage).role if state.stage else workflow.stages[0].role


# What is to be done


def next_action(workflow: Workflow, standing: Standing) -> str:
    """One sentence for the person or program whose turn it is."""
    state = standing.state
    if state.phase is Phase.APPROVED:
        return "The change is complete: publish it, or describe the next change."
    if state.stage is None:
        return "Write what the application should do or what is to change."
    stage = workflow.stage(state.stage)
    name = stage.label.lower()
    if standing.working:
        return f"The {stage.role} is at the {name}: wait for it, or stop it."
    match state.phase:
        case Phase.REVIEWING:
            return _to_review(workflow, standing, stage)
        case Phase.FAILED:
            return f"The {name} failed: start it again, or hand in its result."
        case Phase.INTERRUPTED:
            return f"The {name} broke off: continue it, or start it again."
        case _ if standing.drafted:
            return f"Start the {name} again (generate), or hand in its result."
        case _:
            return f"Start the {name} (generate), or hand in its result."


def _to_review(workflow: Workflow, standing: Standing, stage: Stage) -> str:
    following = workflow.after(stage.name)
    then = f"go on to the {following.label.lower()}" if following else "complete the change"
    open_ones = f"{standing.findings_open} open finding{'s' if standing.findings_open != 1 else ''}"
    if stage.returns_to:
        left = max(stage.returns - standing.build.returns, 0)
        if not left:
            spent = f"it was sent back {counted(stage.returns, 'time')}, which is the limit"
            return f"Read the report, then approve it to {then}; {spent}: settle the {open_ones} or take approvals back (reopen)."
        target = workflow.stage(stage.returns_to).label.lower()
        back = f"send it back to the {target} with {open_ones} ({left} of {stage.returns} returns left)"
        return f"Read the report, then approve it to {then}, or {back}."
    match stage.output:
        case OutputKind.PLAN:
            return (
                "Look at the plan and its tasks, change what is wrong, then approve it to start the work on the files."
            )
        case OutputKind.CODE if missing := undone(standing.tasks):
            again = f"start the {stage.label.lower()} again (generate)"
            return (
                f"{missing}. See why in the tasks, then {again}, or look at the files ({open_ones}) and approve them."
            )
        case OutputKind.CODE:
            return f"Look at the changed files ({open_ones}), then approve them to {then}, or ask for changes."
        case OutputKind.REVIEW:
            return f"Read the report ({open_ones}), then approve it to {then}, or ask for another look."
        case _:
            return f"Read the {stage.label.lower()}, then approve it to {then}, or ask for changes."
