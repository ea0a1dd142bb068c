"""`EngineClient`: the one interface that front ends see. Implementations: `engine.inprocess`, later one over a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from studio.protocol.commands import AnyCommand, Done
from studio.protocol.events import AnyEvent
from studio.protocol.queries import Query
from studio.protocol.views import View

R = TypeVar("R", bound=View)


class EngineClient(Protocol):
    """All methods are awaited on the caller's own event loop and raise the errors of `studio.domain.errors`."""

    async def execute(self, command: AnyCommand, *, request: str | None = None) -> Done:
        """Carry out a command. `request` is an idempotency key: sent twice, it acts once and answers the same."""
        ...

    async def query(self, query: Query[R]) -> R:
        """Answer a question; changes nothing."""
        ...

    def subscribe(self, after: int | None = None) -> AbstractAsyncContextManager[AsyncIterator[AnyEvent]]:
        """Events from journal sequence `after` on (None: from now), then one RunSnapshot per live run, then live events.

        A reader that falls too far behind gets `Lagged` as its last event and subscribes again.
        """
        ...

    async def aclose(self) -> None:
        """Let go of the engine; an engine inside this process stops its runs (partials kept) and closes the store."""
        ...
