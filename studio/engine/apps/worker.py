"""One worker at one task: it talks with its model, writes with tools, mends what checks find, and says when it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from studio.domain.build import BuildTask
from studio.domain.errors import BadReply, LimitReached
from studio.domain.finding import FindingSource, FindingState, Problem, Severity
from studio.domain.text import digest
from studio.domain.tooling import ToolOutcome, ToolSpec
from studio.engine.apps import recording
from studio.engine.apps.gate import finding
from studio.engine.apps.line_edits import LineEdits
from studio.engine.apps.refusals import Refusals
from studio.engine.apps.site import Recorder, Site, lines_of
from studio.engine.apps.talk import Answer, Seat, Talk
from studio.engine.desk import cache_key, prompt_text
from studio.engine.material import gather
from studio.engine.prompting import Prompt, most_priors
from studio.protocol.build_events import FindingChanged
from studio.providers.base import ModelProfile, ModelRef, Sampling
from studio.store import blobs, findings
from studio.store.transaction import Tx
from studio.tools.base import Caps
from studio.tools.toolbox import ToolBox
from studio.validators.registry import check_file, check_tree

MISSING = "missing-reference"

SILENT_ANSWERS = 2
"""How often a worker that neither calls a tool nor ends is reminded."""

_LOCAL_TOOLS = frozenset({"create_file", "update_file", "finish_app"})
_LOCAL_OUTPUT = 1_400
_FAULTS = 12


@dataclass(frozen=True, slots=True)
class Worked:
    """What a finished task has to say of itself."""

    summary: str
    changelog: str = ""
    follow_ups: tuple[str, ...] = ()


class Worker:
    def __init__(self, site: Site, task: BuildTask, model: ModelRef, profile: ModelProfile) -> None:
        self._site, self._task, self._model, self._profile = site, task, model, profile
        self._role = site.stage.role
        self._gate = site.gate(task)
        self._hooks = Recorder(site, self._role, self._gate, task)
        settings = site.project.settings.app
        allowed = _LOCAL_TOOLS.intersection(site.stage.tools) if profile.local else site.stage.tools
        self._box = ToolBox(
            site.project.app.files,
            allowed=tuple(allowed),
            gate=self._gate,
            claims=site.claims,
            caps=Caps(file_bytes=settings.file_bytes, files=settings.task_files),
            hooks=self._hooks,
        )
        self._repairs = 0
        self._lines = LineEdits()
        self._refusals = Refusals(task.title)

    async def work(self, note: str = "") -> Worked:
        """Carry the task out. `note` is what an earlier try came to. Raises ProviderError, BudgetExceeded, LimitReached, BadReply."""
        site = self._site
        talk = await self._begin(note)
        silent = 0
        for iteration in range(1, site.project.settings.app.iterations + 1):
            talk.offer(await self._tools())
            answer = await talk.ask("required" if self._profile.local else "auto")
            if not answer.calls:
                silent += 1
                if silent > SILENT_ANSWERS:
                    raise BadReply("The model does not use its tools.", hint="Try another model for this task.")
                talk.say(_REMINDER)
                continue
            outcomes = await self._carry_out(answer, iteration)
            if self._hooks.finish is not None:
                faults = await self._faults()
                if not faults or self._repairs >= site.project.settings.app.repairs:
                    await self._settle(faults)
                    return _worked(self._hooks.finish)
                self._hooks.finish = None
                self._repairs += 1
                self._lines.mend()
                await self._record(faults)
                outcomes = [_not_yet(one, faults) if one.finished else one for one in outcomes]
                site.say(
                    f"{len(faults)} fault{'s' if len(faults) > 1 else ''} found by the checks, back to the worker",
                    self._task,
                )
            talk.answer_calls(outcomes)
            if told := self._refusals.after(outcomes):
                site.say(f"refused again and again: {self._refusals.last}", self._task)
                talk.say(told)
        last = f"; what it was refused last: {self._refusals.last}" if self._refusals.last else ""
        raise LimitReached(
            f"The task {self._task.title!r} used its {site.project.settings.app.iterations} iterations{last}.",
            hint="Raise `[app] iterations` in studio.toml, or split the task.",
            data={"setting": "app.iterations"},
        )

    # The beginning

    async def _begin(self, note: str) -> Talk:
        site, project = self._site, self._site.project
        facts = await project.builds_open.facts.gather(site.run.page_id, site.stage, self._profile, task=self._task)
        prompt = await self._prompt(facts)
        await asyncio.to_thread(self._saw, facts)
        seat = Seat(
            run=site.run,
            role=self._role,
            model=self._model,
            profile=self._profile,
            template_digest=prompt.template_digest,
            prompt_digest=digest(prompt_text(prompt.messages)),
            cache_key=cache_key(project),
            max_output=min(
                site.stage.max_output_tokens,
                self._profile.max_output_tokens,
                *([_LOCAL_OUTPUT] if self._profile.local else []),
            ),
            sampling=self._profile.sampling.get("exact") or _sampling(prompt.options),
            task=self._task.id,
        )
        talk = Talk(
            project, seat, site.purse, prompt.messages,
            tell=site.live.tell, heard=lines_of(site, self._task),
        )  # fmt: skip
        if note:
            talk.say(note)
        return talk

    async def _prompt(self, facts: Mapping[str, object]) -> Prompt:
        site, project = self._site, self._site.project
        run = site.run
        most = most_priors(project, self._profile)
        material = await project.store.read(
            lambda tx: gather(tx, project.workflow, run.page_id, site.stage, run.kind, run.feedback_id, most=most)
        )
        ratio = await project.models.ratio(self._model)
        prompt = await project.desk.prompting.assemble(
            project, material, profile=self._profile, ratio=ratio, words=None, continue_from=None,
            app=facts, documents=site.standards.for_prompt(short=self._profile.local),
        )  # fmt: skip
        text = prompt_text(prompt.messages)
        await project.store.transact(lambda tx: blobs.put(tx, text))
        return prompt

    def _saw(self, facts: Mapping[str, object]) -> None:
        """Files that stand whole in the prompt need not be read again before they are changed."""
        shown = facts.get("files")
        for one in shown if isinstance(shown, list) else []:
            now = self._site.project.app.files.digest(one["path"])
            if now is not None and not one["cut"]:
                self._box.seen[one["path"]] = now
                self._lines.shown[one["path"]] = one["text"]

    # Working

    async def _tools(self) -> tuple[ToolSpec, ...]:
        """What the next answer may call. A small model that was shown files chooses among their lines as they are now."""
        lines = self._lines
        if not self._profile.local:
            return self._box.specs
        lines.shown = await asyncio.to_thread(self._texts_now)
        tree = await self._site.project.app.scan()
        return lines.tools(self._box.specs, f"{self._task.title}\n{self._task.description}", tree)

    def _texts_now(self) -> dict[str, str]:
        files = self._site.project.app.files
        return {path: files.read_text(path)[0] for path in self._lines.shown if files.digest(path) is not None}

    async def _carry_out(self, answer: Answer, iteration: int) -> list[ToolOutcome]:
        calls = tuple(self._lines.take(one) for one in answer.calls)
        self._hooks.expect(calls, iteration, answer.execution)
        outcomes = await self._box.run(calls)
        self._lines.came(outcomes)
        return outcomes

    async def _faults(self) -> list[Problem]:
        """What is wrong with the files that this task wrote, and with what refers to them."""
        written = set(self._box.spent.paths)
        files, rules = self._site.project.app, self._site.standards.rules
        tree = await files.scan()
        texts = await asyncio.to_thread(self._site.project.builds_open.facts.texts, tree)

        alone = self._site.done + 1 >= self._site.total

        def check() -> list[Problem]:
            found: list[Problem] = []
            for path in sorted(written & set(texts)):
                found += check_file(path, texts[path], rules=rules, exists=tree.__contains__).problems
            # A file that is missing may be another worker's: what is missing at the end is found when all are done.
            found += [one for one in check_tree(texts, rules) if one.path in written and (alone or one.rule != MISSING)]
            seen = {(one.rule, one.path, one.line, one.message): one for one in found if one.severity is Severity.ERROR}
            return list(seen.values())[:_FAULTS]

        return await asyncio.to_thread(check)

    async def _record(self, faults: list[Problem]) -> None:
        rows = [
            finding(self._site.place(self._task), one, FindingSource.VALIDATOR, FindingState.OPEN) for one in faults
        ]
        await self._site.project.store.transact(lambda tx: recording.add(tx, rows))

    async def _settle(self, faults: list[Problem]) -> None:
        """Findings of earlier rounds that are gone were fixed; what is left goes to the person."""
        site, task = self._site, self._task
        left = {(one.rule, one.path) for one in faults}

        def write(tx: Tx) -> None:
            for one in findings.listing(tx, site.run.page_id, open_only=True, task_id=task.id):
                if one.source is FindingSource.VALIDATOR and (one.problem.rule, one.problem.path) not in left:
                    findings.settle(tx, one.id, FindingState.FIXED, self._role, "mended by the worker")
            tx.emit(FindingChanged(page=site.run.page_id, finding="", state="checked"))

        await site.project.store.transact(write)
        if not self._repairs and faults:
            await self._record(faults)


_REMINDER = (
    "Nothing was written by this answer. Use the tools: create_file or update_file for each file, "
    "then finish_app with a summary when the task is done."
)


def _sampling(options: Mapping[str, object]) -> Sampling:
    temperature = options.get("temperature")
    return Sampling(temperature=float(temperature) if isinstance(temperature, int | float) else None)


def _worked(data: Mapping[str, object]) -> Worked:
    follow = data.get("follow_ups")
    return Worked(
        summary=str(data.get("summary") or "").strip(),
        changelog=str(data.get("changelog") or "").strip(),
        follow_ups=tuple(str(one) for one in follow) if isinstance(follow, list | tuple) else (),
    )


def _not_yet(outcome: ToolOutcome, faults: list[Problem]) -> ToolOutcome:
    """The answer to a finish that came too early."""
    lines = "\n".join(
        f"- {one.place}: {one.message}" + (f" {one.suggestion}" if one.suggestion else "") for one in faults
    )
    text = f"Not finished yet: the checks found this. Mend it, then call {outcome.name} again.\n{lines}"
    return ToolOutcome(outcome.call_id, outcome.name, outcome.status, text, outcome.line)
