"""The WebSocket: commands, queries and events in the frames of the engine's socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from studio.protocol import commands as c
from studio.protocol import queries as q
from tests.server.conftest import BEARER, Running


@contextlib.asynccontextmanager
async def talking(gate: Running, headers: dict[str, str] | None = None) -> AsyncIterator[ClientConnection]:
    given = BEARER if headers is None else headers
    async with connect(f"ws://127.0.0.1:{gate.port}/api/ws", additional_headers=given, proxy=None) as socket:
        yield socket


async def ask(socket: ClientConnection, **frame: Any) -> Any:
    await socket.send(json.dumps(frame))
    return await answer_to(socket, frame.get("id"))


async def answer_to(socket: ClientConnection, number: int | None) -> Any:
    async with asyncio.timeout(15):
        while True:
            frame = json.loads(await socket.recv())
            if "sub" not in frame and frame.get("id") == number:
                return frame


async def test_commands_and_queries_are_answered_by_their_ids(gate: Running) -> None:
    async with talking(gate) as socket:
        await socket.send(json.dumps({"id": 1, "op": "page.add", "args": {"chapter": "1", "title": "Fog"}}))
        await socket.send(json.dumps({"id": 2, "op": "costs", "args": {"by": "model"}}))
        async with asyncio.timeout(15):
            answers = {frame["id"]: frame["ok"] for frame in [json.loads(await socket.recv()) for _ in range(2)]}
        assert answers[1]["page"]
        assert answers[2]["by"] == "model"


async def test_a_request_sent_twice_acts_once(gate: Running) -> None:
    async with talking(gate) as socket:
        frame = {"op": "page.add", "args": {"chapter": "1", "title": "Fog"}, "req": "w-1"}
        first, second = await ask(socket, id=1, **frame), await ask(socket, id=2, **frame)
    assert first["ok"] == second["ok"]
    assert len((await gate.client.query(q.GetProject())).chapters[0].pages) == 1


async def test_a_subscription_resumes_from_a_sequence_and_ends_when_asked(gate: Running) -> None:
    async with talking(gate) as socket:
        await ask(socket, id=7, op="subscribe", args={"after": 0})
        async with asyncio.timeout(10):
            event = json.loads(await socket.recv())
        assert (event["sub"], event["seq"], event["ev"]) == (7, 1, "book.changed")
        assert "err" in await ask(socket, id=8, op="unsubscribe", args={"sub": 6})
        assert "ok" in await ask(socket, id=9, op="unsubscribe", args={"sub": 7})
        await gate.client.execute(c.AddChapter(title="Two"))
        assert "ok" in await ask(socket, id=10, op="ping")


@pytest.mark.parametrize(
    "frame",
    [
        "not json",
        "[]",
        '{"id": 1, "op": "nothing"}',
        '{"id": 1, "op": "page.add", "args": {"chapter": "1", "state": "page_approved"}}',
        '{"id": 1, "op": "stop"}',
        '{"id": 1, "op": "hello", "args": {"author": "somebody else"}}',
        '{"id": 1, "op": "page", "args": ' + "[" * 50_000 + "}",
    ],
)
async def test_a_frame_that_is_none_is_refused_and_the_line_stays_open(gate: Running, frame: str) -> None:
    async with talking(gate) as socket:
        await socket.send(frame)
        async with asyncio.timeout(10):
            told = json.loads(await socket.recv())
        assert told["err"]["message"]
        assert "ok" in await ask(socket, id=2, op="ping")
    assert (await gate.client.query(q.GetProject())).chapters[0].pages == ()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"origin": "HERE"}, 401),
        ({"origin": "HERE", "cookie": "studio-PORT=guess"}, 401),
        ({"authorization": "Bearer wrong-token-wrong-token"}, 401),
        ({**BEARER, "origin": "http://evil.example"}, 403),
        ({**BEARER, "origin": "null"}, 403),
    ],
)
async def test_a_stranger_is_not_let_in(gate: Running, headers: dict[str, str], status: int) -> None:
    given = {name: value.replace("HERE", gate.url).replace("PORT", str(gate.port)) for name, value in headers.items()}
    with pytest.raises(InvalidStatus) as caught:
        async with talking(gate, given):
            pass
    assert caught.value.response.status_code == status


async def test_a_browser_with_the_cookie_and_its_own_origin_is_let_in(gate: Running) -> None:
    cookie = f"studio-{gate.port}={gate.gateway.settings.token.cookie}"
    async with talking(gate, {"cookie": cookie, "origin": gate.url}) as socket:
        assert "ok" in await ask(socket, id=1, op="ping")
    for origin in ("http://127.0.0.1:1", "http://localhost:3000"):
        with pytest.raises(InvalidStatus) as caught:
            async with talking(gate, {"cookie": cookie, "origin": origin}):
                pass
        assert caught.value.response.status_code == 403


async def test_a_message_that_is_too_large_ends_the_line(
    limited: Callable[..., AbstractAsyncContextManager[Running]],
) -> None:
    async with limited(body_bytes=1_000) as gate, talking(gate) as socket:
        await socket.send("x" * 2_000)
        with pytest.raises(ConnectionClosed):
            await socket.recv()


async def test_messages_are_counted_against_the_rate(
    limited: Callable[..., AbstractAsyncContextManager[Running]],
) -> None:
    async with limited(rate=0.1, burst=4.0) as gate, talking(gate) as socket:
        answers = [await ask(socket, id=number, op="ping") for number in range(1, 4)]
        assert all("ok" in answer for answer in answers)
        assert (await _refused(socket))["code"] == "too_many_requests"


async def _refused(socket: ClientConnection) -> Any:
    await socket.send('{"id": 5, "op": "ping"}')
    async with asyncio.timeout(10):
        return json.loads(await socket.recv())["err"]
