"""The lead's look at what parallel workers wrote together: one call, whose findings are rows like any others."""

from __future__ import annotations

import logging
from dataclasses import replace

from studio.domain import review as reviews
from studio.domain.errors import BudgetExceeded, StudioError
from studio.domain.finding import Finding, FindingSource, FindingState
from studio.domain.text import digest
from studio.engine.apps import recording
from studio.engine.apps.gate import finding
from studio.engine.apps.site import Site
from studio.engine.apps.talk import Seat, Talk
from studio.engine.desk import Plan, cache_key, prompt_text
from studio.engine.material import gather
from studio.engine.prompting import most_priors
from studio.protocol.build_events import FindingChanged
from studio.providers.base import JsonSchema, ModelProfile, ModelRef, Sampling
from studio.store import blobs
from studio.store.transaction import Tx

log = logging.getLogger(__name__)

TEMPLATE = "joined_review"
ROLE = "lead"
_OUTPUT = 4_000


async def review(site: Site, plan: Plan) -> None:
    """Ask the lead about the joined result of several tasks. A review that cannot be had is told and stops nothing."""
    if site.total < 2:
        return
    project = site.project
    model = project.builds_open.lead_model(site.stage.role, site.run.model)
    profile = project.models.profile(model)
    site.say("The lead reviews the joined result")
    try:
        found = await _ask(site, model, profile)
    except BudgetExceeded as error:
        site.say(f"No joined review: {error.message}")
        return
    except StudioError as error:
        log.warning("joined review: %s", error)
        site.say(f"No joined review: {error.message}")
        return
    rows = [
        replace(finding(site.place(None), one, FindingSource.REVIEWER, FindingState.OPEN), by="")
        for one in found.findings
    ]

    def write(tx: Tx) -> list[Finding]:
        new = recording.add(tx, rows)
        tx.emit(FindingChanged(page=site.run.page_id, finding="", state="recorded"))
        return new

    new = await project.store.transact(write, actor=str(model))
    site.say(f"The lead: {found.summary or found.verdict.value} ({len(new)} new finding{'s' if len(new) != 1 else ''})")


async def _ask(site: Site, model: ModelRef, profile: ModelProfile) -> reviews.Review:
    project, run = site.project, site.run
    facts = await project.builds_open.facts.gather(run.page_id, site.stage, profile)
    facts["changes"] = await project.builds_open.facts.changes_of(site.version, profile)
    most = most_priors(project, profile)
    material = await project.store.read(
        lambda tx: gather(tx, project.workflow, run.page_id, site.stage, run.kind, None, most=most)
    )
    prompt = await project.desk.prompting.assemble(
        project, material, profile=profile, ratio=await project.models.ratio(model), words=None, continue_from=None,
        app=facts, documents=site.standards.for_prompt(short=profile.local), name=TEMPLATE,
    )  # fmt: skip
    text = prompt_text(prompt.messages)
    await project.store.transact(lambda tx: blobs.put(tx, text))
    seat = Seat(
        run=run, role=ROLE, model=model, profile=profile, template_digest=prompt.template_digest,
        prompt_digest=digest(text), cache_key=cache_key(project),
        max_output=min(_OUTPUT, profile.max_output_tokens), sampling=Sampling(),
    )  # fmt: skip
    talk = Talk(
        project, seat, site.purse, prompt.messages, tell=site.live.tell,
        schema=JsonSchema("review", reviews.REVIEW_SCHEMA),
    )  # fmt: skip
    try:
        return reviews.parse((await talk.ask()).text)
    finally:
        site.purse.close(seat.holder)
