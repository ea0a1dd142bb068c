"""One role's talk with a model: each answer is kept, with its calls, before anything acts on it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from studio.domain.errors import BadReply, ProviderError
from studio.domain.ids import new_id
from studio.domain.run import Execution, Run, Usage
from studio.domain.tooling import BrokenCall, ToolCall, ToolOutcome, ToolSpec
from studio.engine.apps.purse import Purse
from studio.providers import tokens
from studio.providers.actions import ActingProvider
from studio.providers.base import (
    AttemptFailed,
    AttemptStarted,
    CarriedItem,
    Finished,
    FinishReason,
    JsonSchema,
    Message,
    ModelProfile,
    ModelRef,
    ModelRequest,
    Sampling,
    TextDelta,
    ToolCallBroken,
    ToolCallReady,
    ToolCallStarted,
    ToolChoice,
    UsageSeen,
)
from studio.providers.retry import stream_with_retry
from studio.providers.tool_shape import sent_back
from studio.store import conversations, executions
from studio.store.transaction import Tx, utc_now

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from studio.engine.open_project import OpenProject
    from studio.providers.base import AttemptPart

Call = ToolCall | BrokenCall

# An answer with calls is short or a file: what a worker writes in one go stays below a quarter of most models' limits.
CALL_TOKENS = 1_500
_KEPT_RESULT = 400
_RESERVE = 1_000


@dataclass(frozen=True, slots=True)
class Seat:
    """Who talks: a role with its model, in a run, at a task or at none. `options` are the template's."""

    run: Run
    role: str
    model: ModelRef
    profile: ModelProfile
    template_digest: str
    prompt_digest: str
    cache_key: str
    max_output: int
    sampling: Sampling
    task: str | None = None

    @property
    def holder(self) -> str:
        return self.task or self.role


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `execution` is the row of its request; `cost` in US dollars, None when unknown."""

    text: str
    calls: tuple[Call, ...]
    reason: FinishReason
    execution: str
    cost: float | None


@dataclass(slots=True)
class _Hearing:
    """What has arrived of the answer under way."""

    execution: Execution | None = None
    asked_at: float = 0.0
    first_ms: float | None = None
    text: list[str] = field(default_factory=list)
    calls: dict[int, Call] = field(default_factory=dict)
    carried: list[CarriedItem] = field(default_factory=list)
    seen: Usage = field(default_factory=Usage)
    finished: Finished | None = None


class Talk:
    """The messages so far and the way to the next answer. `tell` hears in words what a wait is for, `heard` each piece of text."""

    def __init__(
        self,
        project: OpenProject,
        seat: Seat,
        purse: Purse,
        messages: Sequence[Message],
        *,
        tools: tuple[ToolSpec, ...] = (),
        schema: JsonSchema | None = None,
        tell: Callable[[str], None],
        heard: Callable[[str], None] | None = None,
        begun: Callable[[str], None] | None = None,
    ) -> None:
        self.project, self.seat, self._purse = project, seat, purse
        self.messages = list(messages)
        self._tools, self._schema = tools, schema
        self._tell = tell
        self._heard = heard or (lambda _: None)
        self._begun = begun or (lambda _: None)
        self._told = 0

    async def ask(self, choice: ToolChoice = "auto") -> Answer:
        """The next answer, priced and kept. Raises ProviderError, BudgetExceeded; what had arrived is kept all the same."""
        self._shorten()
        request = self._within_means(self._request(choice))
        await self._purse.take(self.seat.holder, self.expected(request))
        heard = _Hearing()
        error: BaseException | None = None
        try:
            await self._hear(request, heard)
        except BaseException as problem:
            error = problem
        answer = await self._kept(heard, error)
        if error is not None:
            raise error
        if answer.reason is FinishReason.UNPROVEN and not answer.calls:
            raise BadReply(
                "The stream ended without the service's word that it was complete.", hint="It is tried again."
            )
        return answer

    def offer(self, tools: tuple[ToolSpec, ...]) -> None:
        """The tools of the next answers."""
        self._tools = tools

    def answer_calls(self, outcomes: Sequence[ToolOutcome]) -> None:
        """Put the results of the last answer's calls into the talk, in their order."""
        self.messages += [
            Message("tool", one.text, tool_call_id=one.call_id, tool_name=one.name, is_error=one.status.value != "ok")
            for one in outcomes
        ]

    def say(self, text: str) -> None:
        """Words of the studio to the model."""
        self.messages.append(Message("user", text))

    def expected(self, request: ModelRequest) -> float | None:
        """What the next call may cost at most, in US dollars; None when no price is known."""
        size = tokens.estimate_request(request)
        high = request.max_output_tokens
        found = self.project.models.registry.estimate_range(self.seat.model, size, CALL_TOKENS, high)
        return found[1] if found else None

    def _within_means(self, request: ModelRequest) -> ModelRequest:
        """Where money is limited, an answer may be as long as can be paid for now: what is reserved is what it can cost."""
        expected = self.expected(request)
        if expected is None or self._purse.has(self.seat.holder, expected):
            return request
        return replace(request, max_output_tokens=min(request.max_output_tokens, CALL_TOKENS * 4))

    def _request(self, choice: ToolChoice) -> ModelRequest:
        seat = self.seat
        return ModelRequest(
            model=seat.model.model,
            messages=tuple(self.messages),
            max_output_tokens=seat.max_output,
            sampling=seat.sampling,
            json_schema=self._schema,
            cache_key=seat.cache_key,
            tools=self._tools,
            tool_choice=choice if self._tools else "auto",
        )

    def _shorten(self) -> None:
        """Let go of the oldest long results when the window is nearly full: the model can read a file again."""
        profile = self.seat.profile
        room = profile.context_tokens - self.seat.max_output - _RESERVE
        size = tokens.estimate_messages(self.messages)
        for index, message in enumerate(self.messages[:-1]):
            if size <= room:
                return
            if message.role != "tool" or len(message.text) <= _KEPT_RESULT:
                continue
            short = f"{message.text[:_KEPT_RESULT]}\n[cut here to make room; ask again if you need the rest]"
            size -= tokens.estimate(message.text) - tokens.estimate(short)
            self.messages[index] = replace(message, text=short)

    async def _hear(self, request: ModelRequest, heard: _Hearing) -> None:
        provider = await self.project.models.provider(self.seat.model, self._tell)
        acting = ActingProvider(provider, self.seat.profile)
        policy = self.project.models.retry_policy()
        parts = cast("AsyncGenerator[AttemptPart, None]", stream_with_retry(acting, request, policy))
        async with aclosing(parts):
            async for part in parts:
                await self._take(part, heard)

    async def _take(self, part: AttemptPart, heard: _Hearing) -> None:
        match part:
            case AttemptStarted(number):
                heard.asked_at = time.monotonic()
                heard.execution = execution = self._begin(number)
                await self.project.store.transact(lambda tx: executions.insert(tx, execution))
            case AttemptFailed(_, error, wait, elapsed):
                await self._attempt_failed(heard, error, elapsed)
                self._tell(f"{error.message} Next try in {wait:.0f} s" if wait is not None else "")
            case TextDelta(text):
                self._first(heard)
                heard.text.append(text)
                self._heard(text)
            case ToolCallStarted(_, name):
                self._first(heard)
                self._begun(name)
            case ToolCallReady(index, call) | ToolCallBroken(index, call):
                heard.calls[index] = call
            case CarriedItem():
                heard.carried.append(part)
            case UsageSeen(usage):
                heard.seen = usage
            case Finished():
                heard.finished = part

    def _first(self, heard: _Hearing) -> None:
        if heard.first_ms is None:
            heard.first_ms = (time.monotonic() - heard.asked_at) * 1000
            self._tell("")

    def _begin(self, number: int) -> Execution:
        seat = self.seat
        return Execution(
            id=new_id(),
            run_id=seat.run.id,
            attempt=number,
            role=seat.role,
            provider=seat.model.provider,
            model=seat.model.model,
            started_at=utc_now(),
            status="running",
            prompt_digest=seat.prompt_digest,
            template_digest=seat.template_digest,
        )

    async def _attempt_failed(self, heard: _Hearing, error: ProviderError, elapsed: float) -> None:
        if heard.execution is None:
            return
        ended = replace(
            heard.execution, status="failed", latency_ms=elapsed, error_code=error.code,
            error_message=self.project.models.redact(str(error)), cost_usd=0.0,
        )  # fmt: skip
        heard.execution = None
        await self.project.store.transact(lambda tx: executions.update(tx, ended))

    async def _kept(self, heard: _Hearing, error: BaseException | None) -> Answer:
        """Write the answer down, whole or broken, and put it into the talk. Not even a stop comes between."""
        ended = self._ended(heard, error)
        text = "".join(heard.text)
        new, self._told = self.messages[self._told :], len(self.messages) + 1
        calls = tuple(heard.calls[index] for index in sorted(heard.calls))
        said = [(one.role, one.text, _origin(one)) for one in new]
        if text or calls:
            said.append(("assistant", text, _data(calls, heard.carried)))
        run = self.seat.run

        def write(tx: Tx) -> None:
            if ended is not None:
                executions.update(tx, ended)
            conversations.extend(tx, run.page_id, self.seat.role, said, run_id=run.id, task_id=self.seat.task)

        writing = asyncio.ensure_future(self.project.store.transact(write))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait({writing})
            raise
        finally:  # once its row is there: between the two it would be counted by nobody
            self._purse.pay(self.seat.holder, ended.cost_usd if ended else 0.0)
        if error is None:
            done = tuple(one if isinstance(one, ToolCall) else sent_back(one) for one in calls)
            self.messages.append(Message("assistant", text, tool_calls=done, carried=tuple(heard.carried)))
        reason = heard.finished.reason if heard.finished else FinishReason.UNPROVEN
        return Answer(text, calls, reason, ended.id if ended else "", ended.cost_usd if ended else None)

    def _ended(self, heard: _Hearing, error: BaseException | None) -> Execution | None:
        execution = heard.execution
        if execution is None:
            return None
        usage = heard.finished.usage if heard.finished else self._estimated(heard)
        seat = self.seat
        cost, source, version = self.project.models.price(seat.model.provider, seat.model.model, usage)
        stopped = isinstance(error, asyncio.CancelledError)
        return replace(
            execution,
            status="completed" if error is None else "stopped" if stopped else "failed",
            usage=usage,
            cost_usd=cost,
            cost_source=source,
            price_version=version,
            latency_ms=(time.monotonic() - heard.asked_at) * 1000,
            first_token_ms=heard.first_ms,
            finish_reason=(heard.finished.detail or heard.finished.reason.value) if heard.finished else None,
            error_code=getattr(error, "code", None),
            error_message=self.project.models.redact(str(error)) if isinstance(error, ProviderError) else None,
        )

    def _estimated(self, heard: _Hearing) -> Usage:
        if heard.first_ms is None and heard.seen.input_tokens is None:
            return Usage(input_tokens=0, output_tokens=0, estimated=True)
        known = heard.seen.input_tokens
        return replace(
            heard.seen,
            input_tokens=known if known is not None else tokens.estimate_messages(self.messages),
            output_tokens=max(heard.seen.output_tokens or 0, tokens.estimate("".join(heard.text))),
            estimated=True,
        )


def _data(calls: Sequence[Call], carried: Sequence[CarriedItem]) -> str | None:
    if not calls:
        return None
    rows = [
        {"id": one.id, "name": one.name, "arguments": one.arguments}
        if isinstance(one, ToolCall)
        else {"id": one.id, "name": one.name, "raw": one.raw, "reason": one.reason}
        for one in calls
    ]
    return json.dumps({"calls": rows}, ensure_ascii=False, default=str)


def _origin(message: Message) -> str | None:
    if message.role != "tool":
        return None
    return json.dumps({"call": message.tool_call_id, "tool": message.tool_name, "error": message.is_error})
