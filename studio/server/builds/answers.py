"""What the workflow API tells: where a change stands, what its role would be asked, and its trail."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from studio.protocol import build_queries as bq
from studio.protocol import build_views as v
from studio.server.asked import Asked, NoParameters
from studio.server.builds import shapes as s
from studio.server.builds.phases import turn_after

S = TypeVar("S", bound=msgspec.Struct)


async def status(asked: Asked) -> s.BuildStatus:
    asked.parameters(NoParameters)
    return status_of(await asked.client.query(bq.GetBuild(page=asked.path("id"))))


def status_of(build: v.BuildView) -> s.BuildStatus:
    turn = turn_after(build.state, build)
    return s.BuildStatus(
        workflow_id=build.page,
        current_state=build.phase,
        progress=build.progress,
        completed_phases=tuple(line.phase for line in build.phases if line.status == "done"),
        next_role=turn.role,
        next_action=turn.action,
        is_complete=build.complete,
        state=build.state,
        stage=build.progress_stage,
        operation=build.operation,
        message=build.next_action,
        seq=build.seq,
    )


async def prompt(asked: Asked) -> s.BuildPrompt:
    asked.parameters(NoParameters)
    asked.optional_body(s.NoBuildBody)
    found = await asked.client.query(bq.GetBuildPrompt(page=asked.path("id")))
    return s.BuildPrompt(
        workflow_id=found.page,
        current_state=found.phase,
        role=found.role.upper(),
        model=found.model,
        messages=tuple(s.PromptMessage(role=one.role, content=one.content) for one in found.messages),
        max_tokens=found.max_tokens,
        temperature=found.temperature,
        tools=found.tools,
    )


async def audit(asked: Asked) -> v.AuditView:
    asked.parameters(NoParameters)
    return await asked.client.query(bq.GetAudit(page=asked.path("id")))


async def tasks(asked: Asked) -> v.TasksView:
    asked.parameters(NoParameters)
    return await asked.client.query(bq.GetTasks(page=await _page(asked)))


async def findings(asked: Asked) -> v.FindingsView:
    asked.parameters(NoParameters)
    return await asked.client.query(bq.GetFindings(page=await _page(asked)))


async def versions(asked: Asked) -> v.VersionsView:
    asked.parameters(NoParameters)
    return await asked.client.query(bq.GetVersions(page=await _page(asked)))


async def _page(asked: Asked) -> str:
    """The page of its own id, or of the sender's build id."""
    return (await asked.client.query(bq.GetTurn(page=asked.path("id")))).page
