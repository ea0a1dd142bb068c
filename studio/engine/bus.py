"""The event bus: bounded queues of live events per subscriber, and resume as journal tail plus one snapshot per live run.

Lives on the engine's loop; only `publish_threadsafe` may be called from elsewhere (the store's writer thread).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
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

    @property
    def ended(self) -> bool:
        return self._closed or self.lagged

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
    async def subscribe(self, after: int | None) -> AsyncGenerator[AsyncIterator[list[AnyEvent]]]:
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
        seen = _Seen(after or 0, {snapshot.run: len(snapshot.text) for snapshot in snapshots})
        tail = await self._tail(after) if after is not None else []
        if first := [*seen.new(tail), *snapshots]:
            yield first
        while True:
            if live := seen.new(await subscription.batch()):
                yield live
            if subscription.lagged:
                yield [Lagged(seq=seen.last)]
            if subscription.ended:
                return


class _Seen:
    """What a subscriber has: the last journal sequence, and how much of each run's text its snapshot held."""

    def __init__(self, last: int, known: dict[str, int]) -> None:
        self.last = last
        self._known = known

    def new(self, events: Iterable[AnyEvent]) -> list[AnyEvent]:
        """Those of `events` that the subscriber does not have yet."""
        return [event for event in events if self._is_new(event)]

    def _is_new(self, event: AnyEvent) -> bool:
        if event.seq:
            newer = event.seq > self.last
            self.last = max(self.last, event.seq)
            return newer
        # A delta is cut from a run's text at its end, so it lies wholly before or wholly after a snapshot's length.
        return not isinstance(event, Delta) or event.offset >= self._known.get(event.run, 0)
