"""A provider that plays a script in the same process, without a wire: for the tests of other rooms and for the demo's dry run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, field

from studio.domain.run import Usage
from studio.domain.text import clean_delta
from studio.providers.base import Finished, FinishReason, ModelRequest, StreamPart, TextDelta, UsageSeen
from studio.providers.classify import CallSite, classify
from studio.providers.tokens import estimate, estimate_messages


@dataclass(frozen=True, slots=True)
class Pause:
    """Seconds of silence inside a script."""

    seconds: float


@dataclass(slots=True)
class Gate:
    """A place where the script waits until the test opens it; `reached` tells the test that the stream stands there."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)


ScriptItem = str | StreamPart | BaseException | Pause | Gate
"""A `str` is a piece of text; an exception is raised; a script without `Finished` ends with a proven one."""


@dataclass(slots=True)
class ScriptedProvider:
    """Plays `scripts` one per request; the last is repeated. Records requests, and how many streams were closed early."""

    scripts: Sequence[Iterable[ScriptItem]] = (("A page.",),)
    name: str = "scripted"
    models: tuple[str, ...] = ("scripted-model",)
    requests: list[ModelRequest] = field(default_factory=list)
    closed_early: int = 0
    closed: bool = False

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamPart, None]:
        self.requests.append(request)
        script = self.scripts[min(len(self.requests), len(self.scripts)) - 1]
        said: list[str] = []
        finished = False
        try:
            for item in script:
                part = await self._next(item, request)
                if part is None:
                    continue
                if isinstance(part, TextDelta):
                    said.append(part.text)
                finished = isinstance(part, Finished)
                yield part
            if not finished:
                yield self._end(request, "".join(said))
        except (GeneratorExit, asyncio.CancelledError):
            self.closed_early += 1
            raise

    async def list_models(self) -> list[str]:
        return list(self.models)

    async def count_tokens(self, request: ModelRequest) -> int | None:
        return None

    async def aclose(self) -> None:
        self.closed = True

    async def _next(self, item: ScriptItem, request: ModelRequest) -> StreamPart | None:
        """The part that an item stands for; None when it only takes time."""
        match item:
            case str():
                await asyncio.sleep(0)
                return TextDelta(clean_delta(item))
            case Pause():
                await asyncio.sleep(item.seconds)
            case Gate():
                item.reached.set()
                await item.opened.wait()
            case BaseException():
                if not isinstance(item, Exception):
                    raise item
                raise classify(item, CallSite(self.name, model=request.model))
            case TextDelta() | UsageSeen() | Finished():
                await asyncio.sleep(0)
                return item
        return None

    @staticmethod
    def _end(request: ModelRequest, text: str) -> Finished:
        usage = Usage(input_tokens=estimate_messages(request.messages), cached_tokens=0, output_tokens=estimate(text))
        return Finished(FinishReason.COMPLETE, usage, detail="stop", served_model=request.model)
