"""A provider that plays a script in the same process, without a wire: for the tests of other rooms and for the demo's dry run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass, field

from studio.domain.run import Usage
from studio.domain.text import clean_delta
from studio.domain.tooling import BrokenCall, ToolCall
from studio.providers.base import (
    Finished,
    FinishReason,
    ModelRequest,
    StreamPart,
    TextDelta,
    ToolCallBroken,
    ToolCallReady,
    ToolCallStarted,
)
from studio.providers.classify import CallSite, classify
from studio.providers.tokens import estimate, estimate_calls, estimate_request


@dataclass(frozen=True, slots=True)
class Pause:
    """Seconds of silence inside a script."""

    seconds: float


@dataclass(slots=True)
class Gate:
    """A place where the script waits until the test opens it; `reached` tells the test that the stream stands there."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)


ScriptItem = str | StreamPart | ToolCall | BrokenCall | BaseException | Pause | Gate
"""A `str` is a piece of text, a call is begun and given; an exception is raised; a script without `Finished` ends with a proven one."""

Script = Iterable[ScriptItem]
Respond = Callable[[ModelRequest], Script]
"""A script chosen by the request: by its system prompt, and by the results of tools that are already in it."""


@dataclass(slots=True)
class ScriptedProvider:
    """Plays `scripts` one per request (the last is repeated), or what `respond` gives for it.

    Records requests, and how many streams were closed early.
    """

    scripts: Sequence[Script] = (("A page.",),)
    name: str = "scripted"
    models: tuple[str, ...] = ("scripted-model",)
    requests: list[ModelRequest] = field(default_factory=list)
    closed_early: int = 0
    closed: bool = False
    respond: Respond | None = None

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamPart, None]:
        self.requests.append(request)
        said: list[StreamPart] = []
        try:
            for item in self._script(request):
                for part in await self._parts(item, request, _calls_in(said)):
                    said.append(part)
                    yield part
            if not (said and isinstance(said[-1], Finished)):
                yield _end(request, said)
        except (GeneratorExit, asyncio.CancelledError):
            self.closed_early += 1
            raise

    def _script(self, request: ModelRequest) -> Script:
        if self.respond is not None:
            return self.respond(request)
        return self.scripts[min(len(self.requests), len(self.scripts)) - 1]

    async def list_models(self) -> list[str]:
        return list(self.models)

    async def count_tokens(self, request: ModelRequest) -> int | None:
        return None

    async def aclose(self) -> None:
        self.closed = True

    async def _parts(self, item: ScriptItem, request: ModelRequest, index: int) -> tuple[StreamPart, ...]:
        """The parts that an item stands for; none when it only takes time."""
        match item:
            case str():
                await asyncio.sleep(0)
                return (TextDelta(clean_delta(item)),)
            case ToolCall():
                return ToolCallStarted(index, item.name), ToolCallReady(index, item)
            case BrokenCall():
                return ToolCallStarted(index, item.name), ToolCallBroken(index, item)
            case Pause():
                await asyncio.sleep(item.seconds)
            case Gate():
                item.reached.set()
                await item.opened.wait()
            case BaseException():
                if not isinstance(item, Exception):
                    raise item
                raise classify(item, CallSite(self.name, model=request.model))
            case _:
                await asyncio.sleep(0)
                return (item,)
        return ()


def _calls_in(parts: Sequence[StreamPart]) -> int:
    return sum(isinstance(part, ToolCallStarted) for part in parts)


def _end(request: ModelRequest, said: Sequence[StreamPart]) -> Finished:
    written = estimate("".join(part.text for part in said if isinstance(part, TextDelta)))
    written += estimate_calls(part.call for part in said if isinstance(part, ToolCallReady))
    usage = Usage(input_tokens=estimate_request(request), cached_tokens=0, output_tokens=written)
    reason = FinishReason.TOOL_USE if _calls_in(said) else FinishReason.COMPLETE
    return Finished(reason, usage, detail=reason.value, served_model=request.model)
