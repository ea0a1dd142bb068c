"""What the workflow API does: begins a change, and completes its phases with what agents outside made."""

from __future__ import annotations

import asyncio

import msgspec

from studio.domain.errors import Refused, StudioError
from studio.domain.request import request_text
from studio.protocol import build_commands as b
from studio.protocol import build_queries as bq
from studio.protocol import commands as c
from studio.protocol.commands import Done
from studio.server.asked import Asked, NoParameters
from studio.server.builds import shapes as s
from studio.server.builds.phases import estimates, turn_after
from studio.server.refusals import ErrorBody, failure


async def orchestrate(asked: Asked) -> s.Orchestrated:
    wanted = asked.body(s.Orchestration)
    beginning = asked.parameters(s.Beginning)
    project = wanted.project
    command = b.StartBuild(
        requirements=request_text(project.name, project.description, project.type, project.requirements),
        title=project.name, chapter=wanted.chapter_id, project=project.name, user=wanted.user_id, model=wanted.model,
    )  # fmt: skip
    done = await asked.client.execute(command, request=asked.key_for("build"))
    run, error = await _begin(asked, done, wanted.model) if beginning.generate else (None, None)
    build, metrics = await asyncio.gather(
        asked.client.query(bq.GetBuild(page=done.page or "")), asked.client.query(bq.GetMetrics())
    )
    seconds = estimates(build, metrics.mean_seconds)
    return s.Orchestrated(
        task_id=build.page,
        assignments=tuple(
            s.Assignment(
                task_id=f"{build.page}:{line.stage}", agent_id=line.role, specialization=line.label, estimated_time=time
            )
            for line, time in zip(build.phases, seconds, strict=True)
        ),
        message=build.next_action if error is None else f"{done.message} No draft was started: {error.message}",
        run_id=run,
        draft_error=error,
    )


async def _begin(asked: Asked, done: Done, model: str) -> tuple[str | None, ErrorBody | None]:
    """The run of the first phase; the change stays when it cannot start."""
    command = c.Generate(page=done.page or "", model=model or None)
    try:
        return (await asked.client.execute(command, request=asked.key_for("draft"))).run, None
    except StudioError as error:
        return None, failure(error).error


async def initialize(asked: Asked) -> s.Initialized:
    asked.parameters(NoParameters)
    given = asked.body(s.Initialize)
    words = given.requirements
    command = b.StartBuild(
        requirements=words if isinstance(words, str) else request_text("", "", "", words),
        project=given.project_id, build=given.build_id, user=given.user_id, model=given.model,
    )  # fmt: skip
    done = await asked.client.execute(command, request=asked.key_for("build"))
    build, (system, fault) = await asyncio.gather(
        asked.client.query(bq.GetTurn(page=done.page or "")), _system_prompt(asked, done.page or "")
    )
    turn = turn_after(build.state, build)
    return s.Initialized(
        workflow_id=build.page,
        initial_state=build.phases[0].phase,
        current_state=build.phase,
        system_prompt=system,
        next_role=turn.role,
        next_action=turn.action,
        message=done.message if fault is None else f"{done.message} Its prompt cannot be made: {fault.message}",
        prompt_error=fault,
    )


async def _system_prompt(asked: Asked, page: str) -> tuple[str, ErrorBody | None]:
    """Empty for a change that is complete: no role has a turn then. The change stands, so what is wrong with a prompt is said
    beside its id."""
    try:
        return (await asked.client.query(bq.GetBuildPrompt(page=page))).system_prompt, None
    except Refused:
        return "", None
    except StudioError as error:
        return "", failure(error).error


async def complete_phase(asked: Asked) -> s.PhaseCompleted:
    asked.parameters(NoParameters)
    given = asked.body(s.CompletePhaseBody)
    key = asked.key_for("phase")
    command = b.CompletePhase(
        page=given.workflow_id, response=given.ai_response, result=msgspec.json.encode(given.phase_result).decode(),
        phase=given.current_state, agent=given.agent, once=key is None,
    )  # fmt: skip
    # At the same time: of the turn only the names of the phases are used, which stay the same.
    done, build = await asyncio.gather(
        asked.client.execute(command, request=key), asked.client.query(bq.GetTurn(page=given.workflow_id))
    )
    turn = turn_after(done.state or "", build)
    return s.PhaseCompleted(
        workflow_id=build.page,
        previous_state=(done.stage or "").upper(),
        new_state=turn.phase,
        next_role=turn.role,
        next_action=turn.action,
        is_complete=turn.complete,
        message=done.message,
        revision_id=done.revision or "",
    )
