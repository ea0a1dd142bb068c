"""A role that looks at the files and reports: it reads with tools as long as it needs, then hands in its findings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from studio.domain import review as reviews
from studio.domain.errors import BadInput, BadReply, LimitReached
from studio.domain.run import Outcome, Run
from studio.domain.tooling import CallStatus, ToolCall, ToolOutcome, ToolSpec
from studio.engine.apps.purse import purse_of
from studio.engine.apps.site import Recorder, Site, lines_of
from studio.engine.apps.talk import Answer, Seat, Talk
from studio.engine.desk import Plan
from studio.engine.live import LiveRun
from studio.engine.replies import Reply
from studio.providers.base import FinishReason
from studio.tools.base import Claims
from studio.tools.toolbox import ToolBox

if TYPE_CHECKING:
    from studio.engine.open_project import OpenProject

REPORT = ToolSpec(
    "report",
    "Hand in the finished review: verdict, summary and findings. Call it once, at the end.",
    reviews.REVIEW_SCHEMA,
)
_REMINDER = "Read what you need with the tools, then call report with verdict, summary and findings."
_SILENT = 2


async def review(project: OpenProject, run: Run, live: LiveRun, plan: Plan) -> Reply:
    """Carry a review out. Raises ProviderError, BudgetExceeded, LimitReached, BadReply."""
    stage = project.workflow.stage(run.stage)
    site = Site(
        project=project, run=run, live=live, stage=stage, purse=await purse_of(project, run.id),
        standards=await project.builds_open.standards(), claims=Claims({}),
    )  # fmt: skip
    gate = site.gate(None)
    hooks = Recorder(site, stage.role, gate, None)
    box = ToolBox(project.app.files, allowed=stage.tools, gate=gate, claims=site.claims, hooks=hooks)
    seat = Seat(
        run=run, role=stage.role, model=plan.model, profile=plan.profile, template_digest=plan.template_digest,
        prompt_digest=plan.prompt_digest, cache_key=plan.request.cache_key or "",
        max_output=plan.request.max_output_tokens, sampling=plan.request.sampling,
    )  # fmt: skip
    talk = Talk(
        project, seat, site.purse, plan.request.messages, tools=(*box.specs, REPORT), tell=live.tell,
        heard=lines_of(site, None),
    )  # fmt: skip
    return await _converse(site, talk, box, hooks)


async def _converse(site: Site, talk: Talk, box: ToolBox, hooks: Recorder) -> Reply:
    silent = 0
    most = site.project.settings.app.iterations
    for iteration in range(1, most + 1):
        answer = await talk.ask("auto" if iteration < most else "required")
        if not answer.calls:
            if found := _from_text(answer):
                return found
            silent += 1
            if silent > _SILENT:
                raise BadReply("The model handed in no report.", hint="Try again, or another model for this role.")
            talk.say(_REMINDER)
            continue
        reply, refusals = _reported(answer)
        if reply is not None:
            return reply
        hooks.expect(answer.calls, iteration, answer.execution)
        others = [one for one in answer.calls if one.id not in refusals]
        outcomes = {one.call_id: one for one in await box.run(others)} | refusals
        talk.answer_calls([outcomes[one.id] for one in answer.calls])
    raise LimitReached(
        f"The review used its {most} iterations.",
        hint="Raise `[app] iterations` in studio.toml.",
        data={"setting": "app.iterations"},
    )


def _reported(answer: Answer) -> tuple[Reply | None, dict[str, ToolOutcome]]:
    """The report, if the answer hands one in that can be read; else what to say to a report that can not."""
    refusals: dict[str, ToolOutcome] = {}
    for call in answer.calls:
        if call.name != REPORT.name:
            continue
        try:
            raw = json.dumps(call.arguments, default=str) if isinstance(call, ToolCall) else call.raw
            return _reply(reviews.parse(raw), answer.reason), {}
        except BadInput as error:
            text = f"The report cannot be read: {error.message} Send verdict, summary and findings."
            refusals[call.id] = ToolOutcome(call.id, call.name, CallStatus.ERROR, text)
    return None, refusals


def _from_text(answer: Answer) -> Reply | None:
    try:
        return _reply(reviews.parse(answer.text), answer.reason)
    except BadInput:
        return None


def _reply(review: reviews.Review, reason: FinishReason) -> Reply:
    cut = reason is FinishReason.LENGTH
    return Reply(reviews.render(review), reviews.to_json(review), Outcome.CUT_OFF if cut else Outcome.COMPLETE)
