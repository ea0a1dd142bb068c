"""The client's end of one subscription: a bounded queue that remembers how far it has come."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from studio.protocol.events import AnyEvent, Lagged

CAPACITY = 4_096
"""Events that wait for a slow front end; then it is told that it lags and subscribes again, as the engine does it."""


class Feed:
    """`last` is the newest journal sequence that has come in: where to go on after a lost connection."""

    def __init__(self, after: int | None) -> None:
        self.last = after
        self.established = False
        self._delivered = after or 0
        self._queue: deque[AnyEvent] = deque()
        self._ready = asyncio.Event()
        self._ended = False

    def begin(self, after: int) -> None:
        self.established = True
        self.last = max(self.last or 0, after)

    def offer(self, event: AnyEvent) -> None:
        if self._ended:
            return
        if len(self._queue) >= CAPACITY:
            self._queue.clear()
            event = Lagged(seq=self._delivered)
        self._queue.append(event)
        if isinstance(event, Lagged):
            self._ended = True
        elif event.seq:
            self.last = max(self.last or 0, event.seq)
        self._ready.set()

    def end(self) -> None:
        self._ended = True
        self._ready.set()

    async def events(self) -> AsyncIterator[AnyEvent]:
        while True:
            while self._queue:
                event = self._queue.popleft()
                self._delivered = max(self._delivered, event.seq)
                yield event
            if self._ended:
                return
            self._ready.clear()
            await self._ready.wait()
