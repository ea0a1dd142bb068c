"""What the role whose turn it is would be asked, for a program outside that asks a model itself."""

from __future__ import annotations

from studio.domain.build import Build, RoleMessage
from studio.domain.errors import Refused
from studio.domain.page import Page
from studio.domain.workflow import Stage
from studio.engine.open_project import OpenProject
from studio.engine.views.builds import find_page
from studio.protocol import build_queries as q
from studio.protocol import build_views as v
from studio.store import builds, conversations
from studio.store.transaction import Tx

_HISTORY = 40
_SPOKEN = ("user", "assistant")


async def get_build_prompt(project: OpenProject, query: q.GetBuildPrompt, actor: str) -> v.BuildPromptView:
    """System with the state, then that role's history about this page, then what is asked now."""
    opened = project.builds_open

    def read(tx: Tx) -> tuple[Page, Stage, Build | None, list[RoleMessage]]:
        page = find_page(project, tx, query.page)
        stage = project.stage_of(page)
        if stage is None:
            raise Refused(f"No role has a turn: the build is in state {page.state}.", data={"state": page.state})
        said = [one for one in conversations.listing(tx, page.id, stage.role) if one.task_id is None]
        return page, stage, builds.get(tx, page.id), [one for one in said if one.kind in _SPOKEN][-_HISTORY:]

    page, stage, known, history = await project.store.read(read)
    build = known or await opened.ensure_build(page.id)
    plan = await project.desk.preview(page.id, None, stage=stage.name, model=build.model or None, priced=False)
    messages = plan.request.messages
    system = "\n\n".join(one.text for one in messages if one.role == "system")
    asked = [v.PromptMessageView(role=one.role, content=one.text) for one in messages if one.role != "system"]
    past = [v.PromptMessageView(role=one.kind, content=one.text) for one in history]
    return v.BuildPromptView(
        page=page.id,
        phase=stage.name.upper(),
        role=stage.role,
        model=str(plan.model) if plan.has_model else "",
        messages=(v.PromptMessageView(role="system", content=system), *past, *asked),
        max_tokens=plan.request.max_output_tokens,
        temperature=plan.request.sampling.temperature,
        tools=stage.tools,
        system_prompt=system,
    )
