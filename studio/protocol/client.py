"""`EngineClient`: the one interface that front ends see. Implementations: `engine.inprocess` and `client.socket_client`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Protocol, TypeVar, runtime_checkable

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


class LinkState(StrEnum):
    """How a client stands to an engine in another process."""

    CONNECTED = "connected"
    RECONNECTING = "reconnecting"  # the engine has gone or the line is cut; another is found or started
    SILENT = "silent"  # the engine is there and does not answer (it is stopped, or the machine is stuck)
    STOPPED = "stopped"  # somebody ended the engine; the next request starts another
    FAILED = "failed"  # no engine could be reached; tried again every few seconds


@runtime_checkable
class LinkedClient(EngineClient, Protocol):
    """A client of an engine in another process. `on_state` is called on the client's loop with the state and a sentence."""

    on_state: Callable[[LinkState, str], None]
