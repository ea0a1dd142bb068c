"""The event bus: bounded queues of live events per subscriber, and resume as journal tail plus one snapshot per live run.

Lives on the engine's loop; only `publish_threadsafe` may be called from elsewhere (the store's writer thread).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from studio.protocol.events import AnyEvent, Delta, Lagged, RunSnapshot

# About 20 s of one fast stream plus everything durable; a reader further behind resumes from the journal instead.
CAPACITY = 4_096

Tail = Callable[[int], Awaitable[list[AnyEvent]]]
Snapshots = Callable[[], list[RunSnapshot]]


class Subscription:
    """One reader's bounded queue. When it overflows the reader gets `Lagged` and nothing more."""

    def __init__(self) -> None:
        self._queue: deque[AnyEvent] = deque()
        self._ready = asyncio.Event()
        self._closed = False
        self.lagged = False

    def offer(self, event: AnyEvent) -> None:
        if self.lagged or self._closed:
            return
        if len(self._queue) >= CAPACITY:
            self.lagged = True
            self._queue.clear()
        else:
            self._queue.append(event)
        self._ready.set()

    def close(self) -> None:
        self._closed = True
        self._ready.set()

    async def batch(self) -> list[AnyEvent]:
        """All that has queued up; waits for at least one. Empty once closed or lagged."""
        while not self._queue and not self._closed and not self.lagged:
            self._ready.clear()
            await self._ready.wait()
        found = list(self._queue)
        self._queue.clear()
        return found


class EventBus:
    def __init__(self, tail: Tail, snapshots: Snapshots) -> None:
        self._tail = tail
        self._snapshots = snapshots
        self._subscriptions: set[Subscription] = set()
        self._loop = asyncio.get_running_loop()

    def publish(self, event: AnyEvent) -> None:
        for subscription in self._subscriptions:
            subscription.offer(event)

    def publish_threadsafe(self, events: tuple[AnyEvent, ...]) -> None:
        """For the store's writer thread, after a commit; keeps the order of the commits."""

        def deliver() -> None:
            for event in events:
                self.publish(event)

        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(deliver)

    def close(self) -> None:
        for subscription in self._subscriptions:
            subscription.close()

    @asynccontextmanager
    async def subscribe(self, after: int | None) -> AsyncIterator[AsyncIterator[list[AnyEvent]]]:
        """Batches of events: the journal after `after`, one snapshot per live run, then live events without a gap or a repeat."""
        subscription = Subscription()
        self._subscriptions.add(subscription)
        # Taken in the same tick as the registration: every later delta is in the queue, every earlier one in the snapshot.
        snapshots = self._snapshots()
        batches = self._batches(subscription, after, snapshots)
        try:
            yield batches
        finally:
            self._subscriptions.discard(subscription)
            subscription.close()
            await batches.aclose()

    async def _batches(
        self, subscription: Subscription, after: int | None, snapshots: list[RunSnapshot]
    ) -> AsyncGenerator[list[AnyEvent], None]:
        last = after or 0
        tail = await self._tail(after) if after is not None else []
        if tail:
            last = tail[-1].seq
        if first := [*tail, *snapshots]:
            yield first
        known = {snapshot.run: len(snapshot.text) for snapshot in snapshots}
        while True:
            live: list[AnyEvent] = []
            for event in await subscription.batch():
                if event.seq:
                    if event.seq <= last:
                        continue
                    last = event.seq
                elif isinstance(event, Delta) and _already_seen(event, known):
                    continue
                live.append(event)
            if live:
                yield live
            if subscription.lagged:
                yield [Lagged(seq=last)]
                return
            if subscription._closed:
                return


def _already_seen(event: Delta, known: dict[str, int]) -> bool:
    """A delta is cut from a run's text at its end, so it lies wholly before or wholly after a snapshot's length."""
    return event.offset < known.get(event.run, 0)
