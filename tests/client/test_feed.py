"""The client's end of a subscription: nothing lost within its bounds, and a word when there was too much."""

from __future__ import annotations

import asyncio

import pytest

from studio.client import feed as feeds
from studio.client.feed import Feed
from studio.protocol.events import AnyEvent, BookChanged, Lagged, Notice


def change(seq: int) -> AnyEvent:
    return BookChanged(seq=seq, what="x")


async def taken(feed: Feed, count: int) -> list[AnyEvent]:
    found = []
    async with asyncio.timeout(5):
        async for event in feed.events():
            found.append(event)
            if len(found) == count:
                break
    return found


async def test_events_come_in_their_order_and_the_newest_sequence_is_remembered() -> None:
    feed = Feed(None)
    feed.begin(4)
    for event in (change(5), Notice(level="info", message="m"), change(6)):
        feed.offer(event)
    assert [event.seq for event in await taken(feed, 3)] == [5, 0, 6]
    assert feed.last == 6


async def test_a_reader_that_is_too_slow_is_told_from_where_to_ask_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "CAPACITY", 3)
    feed = Feed(0)
    feed.offer(change(1))
    assert (await taken(feed, 1))[0].seq == 1
    for seq in range(2, 9):
        feed.offer(change(seq))
    assert [event async for event in feed.events()] == [Lagged(seq=1)]


async def test_a_reader_that_waits_ends_with_the_subscription() -> None:
    feed = Feed(0)
    reading = asyncio.create_task(taken(feed, 9))
    await asyncio.sleep(0)
    feed.offer(change(1))
    feed.end()
    assert await reading == [change(1)]
    feed.offer(change(2))
    assert await taken(feed, 1) == []
