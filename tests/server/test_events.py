"""Server-sent events: durable ones by journal sequence, resumed without a gap; a draft's text as it arrives."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from studio.protocol import commands as c
from studio.protocol.events import Lagged
from studio.server.routes import events
from tests.fakes.project import add_page, draft
from tests.fakes.wire_script import Step
from tests.fakes.wire_server import WireServer
from tests.server.conftest import Running


@contextlib.asynccontextmanager
async def listening(
    gate: Running, path: str = "/api/events", **headers: str
) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """The events of the stream, each as its fields."""
    async with gate.http.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream"

        async def parsed() -> AsyncIterator[dict[str, Any]]:
            fields: dict[str, Any] = {}
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if line and name:
                    fields[name] = json.loads(value) if name == "data" else value
                elif "data" in fields:
                    yield fields
                    fields = {}
                else:
                    fields = {}

        yield parsed()


async def take(stream: AsyncIterator[dict[str, Any]], until: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    found = []
    async with asyncio.timeout(15):
        async for event in stream:
            found.append(event)
            if until(event):
                return found
    return found


def ids(found: list[dict[str, Any]]) -> list[int]:
    return [int(event["id"]) for event in found if "id" in event]


async def test_a_reader_that_comes_back_with_the_last_id_misses_nothing(gate: Running) -> None:
    page = await add_page(gate.client)
    async with listening(gate, "/api/events?after=0") as stream:
        before = await take(stream, lambda event: event["event"] == "page.changed")
    await draft(gate.client, page)
    await gate.client.execute(c.RenamePage(page=page, title="Fog at dawn"))
    async with listening(gate, **{"last-event-id": str(ids(before)[-1])}) as stream:
        after = await take(stream, lambda event: event["data"].get("what") == "page.rename")
    got = [*ids(before), *ids(after)]
    assert got == list(range(1, got[-1] + 1))


async def test_the_header_of_a_reconnect_counts_more_than_the_address(gate: Running) -> None:
    await add_page(gate.client)
    async with listening(gate, "/api/events?after=0", **{"last-event-id": "2"}) as stream:
        (first,) = await take(stream, lambda event: True)
    assert first["id"] == "3"


async def test_a_draft_is_streamed_and_its_pieces_carry_no_id(gate: Running, wire_server: WireServer) -> None:
    wire_server.play(Step(text="The fog came up the river.", delta_delay=0.02))
    page = await add_page(gate.client)
    async with listening(gate) as stream:
        await gate.client.execute(c.Generate(page=page))
        found = await take(stream, lambda event: event["event"] == "run.ended")
    pieces = [event for event in found if event["event"] == "delta"]
    assert "".join(event["data"]["text"] for event in pieces) == "The fog came up the river."
    assert all("id" not in event for event in pieces)


async def test_a_reader_who_comes_in_the_middle_gets_the_text_so_far_and_then_the_rest(
    gate: Running, wire_server: WireServer
) -> None:
    text = "word " * 80
    wire_server.play(Step(text=text, delta_delay=0.02))
    page = await add_page(gate.client)
    async with listening(gate) as stream:
        await gate.client.execute(c.Generate(page=page))
        await take(stream, lambda event: event["event"] == "delta")
    async with listening(gate) as stream:
        found = await take(stream, lambda event: event["event"] == "run.ended")
    snapshot = next(event["data"]["text"] for event in found if event["event"] == "run.snapshot")
    assert snapshot + "".join(event["data"]["text"] for event in found if event["event"] == "delta") == text


@pytest.mark.parametrize("given", ["-1", "x", "1.5", "9" * 30, "²"])
async def test_what_is_no_sequence_is_refused(gate: Running, given: str) -> None:
    await gate.refused(400, "GET", "/api/events", params={"after": given})


async def test_a_silent_stream_says_that_it_is_there(gate: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.05)
    async with gate.http.stream("GET", "/api/events") as answer, asyncio.timeout(10):
        lines = answer.aiter_lines()
        while await anext(lines) != ": still here":
            pass


async def test_only_so_many_streams_are_open_and_one_that_ends_makes_room(
    limited: Callable[..., AbstractAsyncContextManager[Running]],
) -> None:
    async with limited(streams=1) as gate:
        async with listening(gate) as stream:
            assert stream is not None
            await gate.refused(429, "GET", "/api/events")
        async with asyncio.timeout(10):
            while (await _status(gate)) == 429:
                await asyncio.sleep(0.02)


async def _status(gate: Running) -> int:
    async with gate.http.stream("GET", "/api/events") as answer:
        return answer.status_code


async def test_the_gateway_ends_at_once_although_a_stream_is_open(
    limited: Callable[..., AbstractAsyncContextManager[Running]],
) -> None:
    async with contextlib.AsyncExitStack() as stack, asyncio.timeout(4):
        gate = await stack.enter_async_context(limited())
        answer = await stack.enter_async_context(gate.http.stream("GET", "/api/events?after=0"))
        gate.gateway.closing.set()
        assert (await answer.aread()).startswith(b"retry:")


def test_lagging_is_told_with_the_sequence_to_resume_from() -> None:
    assert events.frame(Lagged(seq=7)).startswith(b"id: 7\nevent: lagged\n")
