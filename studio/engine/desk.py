"""The desk: from a page and a wish to the exact request, its ledger, its tokens and its price. Calls nothing and no one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from studio.domain.canon import LedgerEntry
from studio.domain.errors import BudgetExceeded, ContextTooLong, Refused, StudioError
from studio.domain.run import Run, RunKind, RunStatus
from studio.domain.text import digest
from studio.domain.workflow import Action, OutputKind, Phase, Stage, advance
from studio.engine.forms import FORMS, schema_for
from studio.engine.limits import check_money, spend
from studio.engine.material import Material, gather
from studio.engine.prompting import Prompt, Prompting, most_priors
from studio.protocol.events import RunEnded
from studio.protocol.views import SpendView, TemplateText, TemplateView, Warning
from studio.providers.base import Message, ModelProfile, ModelRef, ModelRequest, Sampling
from studio.store import blobs, ledger, pages, revisions, runs
from studio.store.transaction import Tx

if TYPE_CHECKING:
    from studio.engine.apps.facts import Rows
    from studio.engine.live import LiveRun
    from studio.engine.open_project import OpenProject

# A page may come out at half or at twice the wanted length; tokens are about 1.4 a word.
_SHORT, _LONG, _TOKENS_A_WORD = 0.6, 2.0, 1.4
_LOCAL_ROOM = 1.25
# What a request for JSON adds to the words in it.
_JSON_FACTOR = 1.8
# Answers that copy names and code from their prompt.
_EXACT = (OutputKind.PLAN, OutputKind.CODE, OutputKind.REVIEW, OutputKind.RELEASE)


@dataclass(frozen=True, slots=True)
class Plan:
    """One call, ready to be made. `has_model` is False for a preview while nothing is set up; then prices are unknown."""

    page_id: str
    stage: str
    kind: RunKind
    role: str
    model: ModelRef
    profile: ModelProfile
    request: ModelRequest
    ledger: tuple[LedgerEntry, ...]
    tokens: int
    ratio: float
    budget: int
    template: str
    template_digest: str
    prompt_digest: str
    output_low: int
    output_high: int
    price_low: float | None
    price_usual: float | None
    price_high: float | None
    feedback_ids: tuple[str, ...] = ()
    has_model: bool = True
    fits: bool = True
    calls: str = ""
    """What the figures are for, where a run makes many calls: `8 tasks, 3 at a time, each call`."""

    @property
    def needed(self) -> float | None:
        """US dollars that must be there for it to begin. A run of many calls makes them as long as its money allows."""
        return self.price_usual if self.calls else self.price_high

    @property
    def price(self) -> str:
        """The price in words: US dollars for a short and a long reply, and for the longest that is allowed, with all the thinking
        before it; `free` for a local model, or `price unknown`."""
        if self.profile.local:
            return "free (runs here)"
        if self.price_low is None or self.price_usual is None or self.price_high is None:
            return "price unknown"
        low, usual, high = (f"{usd:.3f}" for usd in (self.price_low, self.price_usual, self.price_high))
        about = f"${low}" if low == usual else f"${low}-{usual}"
        return about if usual == high else f"{about}, at most ${high}"

    @property
    def line(self) -> str:
        """What happens on the key, in one line."""
        left_out = sum(1 for entry in self.ledger if not entry.included)
        out = f", {left_out} left out" if left_out else ""
        name = self.profile.label or self.model.model
        what = f"{self.calls}: " if self.calls else ""
        return f"{name}: {what}{self.tokens:,} tokens in{out}, about {self.output_low}-{self.output_high} out, {self.price}"


NO_MODEL = ModelRef("none", "no model")


class Desk:
    """Holds the template catalog and the renderer of one project."""

    def __init__(self, project_prompts: Path, packaged_prompts: Path) -> None:
        self._folders = (project_prompts, packaged_prompts)
        self._project: OpenProject | None = None
        self._prompting: Prompting | None = None

    def start(self, project: OpenProject) -> None:
        """Take the project it works for."""
        self._project = project
        self._prompting = Prompting.open(*self._folders, project.store, project.bus.publish)

    @property
    def _open(self) -> OpenProject:
        assert self._project is not None, "start() was not called"
        return self._project

    @property
    def prompting(self) -> Prompting:
        assert self._prompting is not None, "start() was not called"
        return self._prompting

    async def aclose(self) -> None:
        if self._prompting is not None:
            await self._prompting.aclose()

    # Plans

    async def plan(self, page_id: str, kind: RunKind, *, model: str | None = None, feedback: str | None = None) -> Plan:
        """The call that a command is about to start. Raises MissingModel when no model is set up, Refused without a stage."""
        stage = await self._stage(page_id, None)
        ref = self._open.models.ref_for(stage.role, model, lead=stage.lead)
        return await self._plan(page_id, stage, kind, ref, words=feedback)

    async def preview(
        self,
        page_id: str,
        kind: RunKind | None,
        *,
        stage: str | None = None,
        model: str | None = None,
        feedback: str | None = None,
        priced: bool = True,
        broken: Run | None = None,
    ) -> Plan:
        """As `plan`, for looking at: works without a model, and for any stage. `broken` is a run whose text would be gone on with."""
        chosen = await self._stage(page_id, stage)
        has_model = True
        try:
            ref = self._open.models.ref_for(chosen.role, model, lead=chosen.lead)
        except StudioError:
            if model is not None:
                raise
            ref, has_model = NO_MODEL, False
        plan = await self._plan(
            page_id, chosen, kind or RunKind.DRAFT, ref, words=feedback, priced=priced,
            feedback_id=broken.feedback_id if broken else None, continue_from=(broken.partial or None) if broken else None,
        )  # fmt: skip
        return replace(plan, has_model=has_model)

    async def plan_of_run(self, run: Run) -> Plan:
        """The call of a queued run, from its row."""
        stage = self._open.workflow.stage(run.stage)
        ref = self._open.models.parse(run.model)
        return await self._plan(
            run.page_id, stage, run.kind, ref, feedback_id=run.feedback_id, continue_from=run.partial or None
        )

    async def _stage(self, page_id: str, name: str | None) -> Stage:
        project = self._open
        if name is not None:
            return project.workflow.stage(name)
        page = await project.store.read(lambda tx: pages.get(tx, page_id))
        found = project.stage_of(page)
        if found is None and project.state_of(page).phase is Phase.AWAITING:
            return project.workflow.stages[0]
        if found is None:
            raise Refused("Every stage of this page is approved.", hint="Undo the approval to draft again.")
        return found

    async def _plan(
        self,
        page_id: str,
        stage: Stage,
        kind: RunKind,
        ref: ModelRef,
        *,
        words: str | None = None,
        feedback_id: str | None = None,
        continue_from: str | None = None,
        priced: bool = True,
    ) -> Plan:
        project, builds = self._open, self._open.builds
        profile = project.models.profile(ref) if ref is not NO_MODEL else ModelProfile()
        most = most_priors(project, profile)

        def read(tx: Tx) -> tuple[Material, Rows | None]:
            material = gather(tx, project.workflow, page_id, stage, kind, feedback_id, most=most)
            return material, builds.facts.rows(tx, page_id, stage) if builds else None

        (material, rows), ratio = await asyncio.gather(project.store.read(read), project.models.ratio(ref))
        facts = (
            await builds.facts.told(page_id, stage, profile, rows, task=rows.next(stage)) if builds and rows else None
        )
        prompt = await self.prompting.assemble(
            project, material, profile=profile, ratio=ratio, words=words, continue_from=continue_from, app=facts,
            documents=(await builds.standards()).for_prompt(short=profile.local) if builds else (),
        )  # fmt: skip
        low, high = _output_range(stage, profile)
        request = _request(project, ref, profile, stage, kind, prompt)
        price, usual = None, None
        if priced and ref is not NO_MODEL:
            registry = await project.models.prices()
            price = registry.estimate_range(ref, prompt.tokens, low, request.max_output_tokens)
            usual = registry.estimate_answer(ref, prompt.tokens, high)
        return Plan(
            page_id=page_id,
            stage=stage.name,
            kind=kind,
            role=stage.role,
            model=ref,
            profile=profile,
            request=request,
            ledger=prompt.ledger,
            tokens=prompt.tokens,
            ratio=ratio,
            budget=prompt.budget,
            template=prompt.template,
            template_digest=prompt.template_digest,
            prompt_digest=digest(prompt_text(request.messages)),
            output_low=low,
            output_high=high,
            price_low=price[0] if price else None,
            price_usual=usual,
            price_high=price[1] if price else None,
            feedback_ids=tuple(note.id for note in material.notes),
            fits=prompt.fits,
            calls=await builds.calls_of(page_id, stage, kind, price[1] if price else None) if builds else "",
        )

    async def price_line(self, page_id: str) -> str:
        """What the page's next draft costs, in one line; says so when no model is set up."""
        try:
            plan = await self.preview(page_id, None)
        except StudioError as error:
            return error.message
        return plan.line if plan.has_model else "no model is set up yet"

    async def check_budget(self, plan: Plan) -> SpendView:
        """What is spent by now. Raises ContextTooLong when the request alone is over the budget of tokens, BudgetExceeded when
        money could run out."""
        if not plan.fits:
            setting = "local_budget_tokens" if plan.profile.local else "budget_tokens"
            raise ContextTooLong(
                f"The brief, texts and notes of this page take {plan.tokens:,} tokens; {plan.budget:,} are allowed.",
                hint=f"Raise `[context] {setting}` in studio.toml, choose a model with a larger window, or shorten them.",
            )
        limits = self._open.settings.limits
        spent = await self._open.store.read(lambda tx: spend(tx, limits))
        check_money(spent, plan.needed)
        return spent

    async def reserve(self, plan: Plan, live: LiveRun) -> None:
        """As `check_budget`, for a run that begins: what its call may cost is promised to it, so that no other counts on it. Waits
        while the money would do but for what others may still need: most need less."""
        promises = self._open.promises
        while True:
            spent = await self.check_budget(plan)
            try:
                check_money(spent, plan.needed, promised=promises.of_others(live.run.id))
            except BudgetExceeded:
                live.tell("waiting for money that other drafts may need")
                await promises.changed()
                continue
            promises.keep(live.run.id, plan.needed or 0.0)
            return

    async def record(self, run: Run, plan: Plan) -> None:
        """Keep what a run is made from: the rendered prompt and the ledger."""

        def write(tx: Tx) -> None:
            blobs.put(tx, prompt_text(plan.request.messages))
            runs.describe(tx, run.id, template_digest=plan.template_digest, prompt_digest=plan.prompt_digest)
            ledger.insert(tx, run.id, plan.ledger)

        await self._open.store.transact(write)

    async def settle_unbegun(self, run: Run) -> None:
        """Write down that a run was stopped which no worker had taken yet, or one in its first moment; nothing for any other."""
        project = self._open

        def write(tx: Tx) -> None:
            if not runs.finish(tx, run.id, status=RunStatus.STOPPED):
                return
            page = pages.get(tx, run.page_id)
            has_revision = revisions.head(tx, run.page_id, run.stage) is not None
            action = Action.DRAFT_INTERRUPTED if run.partial.strip() else Action.DISCARD
            following = advance(project.workflow, project.state_of(page), action, has_revision=has_revision)
            project.move_to(tx, page, following, "stopped", stage=run.stage, run=run.id)
            tx.emit(RunEnded(run=run.id, page=run.page_id, stage=run.stage, status=RunStatus.STOPPED.value))

        if project.live.get(run.id) is None:  # else its own work writes its end, once the disk has room
            await project.store.transact(write)
            project.stopping.discard(run.id)

    # Templates and warnings

    async def reload_templates(self) -> None:
        await self.prompting.reload()

    async def templates(self, *, check: bool) -> tuple[TemplateView, ...]:
        return await self.prompting.views(check=check)

    async def template(self, name: str) -> TemplateText:
        return await self.prompting.view(name)

    def warnings(self) -> tuple[Warning, ...]:
        """All that the person should know: settings, canon, templates."""
        project = self._open
        settings = [
            Warning(kind=one.kind, message=one.message, hint=one.hint, path=one.file, line=one.line)
            for one in project.settings.warnings
        ]
        canon = [
            Warning(kind="canon", message=one.message, path=f"canon/{one.path}", line=one.line)
            for one in project.canon.warnings
        ]
        standards = [
            Warning(kind="canon", message=one.message, path=one.path, line=one.line)
            for one in (project.builds.warnings if project.builds else ())
        ]
        return (*settings, *canon, *standards, *self.prompting.warnings())


def cache_key(project: OpenProject) -> str:
    """The same for every call of a project, so that a router keeps its warm cache."""
    return f"studio-{digest(str(project.root))[:16]}"


def prompt_text(messages: Sequence[Message]) -> str:
    """The rendered prompt as it is kept: JSON of its messages, exact to the character."""
    rows = [{"role": one.role, "text": one.text, "cache": one.cache} for one in messages]
    return json.dumps(rows, ensure_ascii=False)


def _output_range(stage: Stage, profile: ModelProfile) -> tuple[int, int]:
    factor = _TOKENS_A_WORD * (_JSON_FACTOR if stage.output in FORMS else 1.0)
    low = round(stage.target_words * _SHORT * factor)
    high = min(round(stage.target_words * _LONG * factor), stage.max_output_tokens, profile.max_output_tokens)
    return min(low, high), high


def _output_limit(stage: Stage, profile: ModelProfile) -> int:
    """The most tokens a call may write. A local model that runs on past any sensible length takes minutes for it."""
    limit = min(stage.max_output_tokens, profile.max_output_tokens)
    if not profile.local:
        return limit
    return min(limit, round(_output_range(stage, profile)[1] * _LOCAL_ROOM))


def _request(
    project: OpenProject,
    ref: ModelRef,
    profile: ModelProfile,
    stage: Stage,
    kind: RunKind,
    prompt: Prompt,
) -> ModelRequest:
    way = "exact" if stage.output in _EXACT else "revise" if kind is RunKind.REVISE else "draft"
    sampling = profile.sampling.get(way) or _sampling(prompt.options)
    return ModelRequest(
        model=ref.model,
        messages=prompt.messages,
        max_output_tokens=_output_limit(stage, profile),
        sampling=sampling,
        json_schema=schema_for(stage.output, small=profile.template_variant == "small"),
        cache_key=cache_key(project),
    )


def _sampling(options: Mapping[str, object]) -> Sampling:
    """A template's `model.options`; what is no number between 0 and 2 is left to the provider."""
    figures = {
        name: float(value) for name, value in options.items() if isinstance(value, int | float) and 0 <= value <= 2
    }
    return Sampling(temperature=figures.get("temperature"), top_p=figures.get("top_p"))
