"""The progress socket: a snapshot, then every event of a change in words, resumable by its sequence without a gap or a repeat."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from studio.protocol.client import EngineClient
from studio.protocol.events import AnyEvent, BookChanged, Lagged, Notice
from studio.server.builds.progress import SUBSCRIPTIONS, journal_after
from tests.fakes.wire_server import WireServer
from tests.server.build_walk import PHASES, RETURNED, app_gate, begin, complete, up_to
from tests.server.conftest import BEARER, Running

TOLD = {
    "build.progress", "task.changed", "version.changed", "build.handoff", "finding.changed", "page.changed"
}  # fmt: skip


@pytest.fixture
async def app(wire_server: WireServer, tmp_path: Path) -> AsyncIterator[Running]:
    async with app_gate(wire_server, tmp_path) as up:
        yield up


@contextlib.asynccontextmanager
async def watching(gate: Running, headers: dict[str, str] | None = None) -> AsyncIterator[ClientConnection]:
    given = BEARER if headers is None else headers
    async with connect(f"ws://127.0.0.1:{gate.port}/api/progress", additional_headers=given, proxy=None) as socket:
        yield socket


async def told(socket: ClientConnection) -> Any:
    async with asyncio.timeout(20):
        message = json.loads(await socket.recv())
    assert message.keys() == {"type", "taskId", "message", "data", "timestamp", "seq"}
    assert datetime.fromisoformat(message["timestamp"]).tzinfo is not None
    assert message["message"]
    return message


async def ask(socket: ClientConnection, kind: str, **given: Any) -> Any:
    await socket.send(json.dumps({"type": kind, **given}))
    return await told(socket)


async def until_complete(socket: ClientConnection) -> list[Any]:
    found = [await told(socket)]
    while found[-1]["data"].get("status") != "completed" or found[-1]["data"]["ev"] != "build.progress":
        found.append(await told(socket))
    return found


async def events_of(app: Running, page: str, after: int, last: int) -> list[int]:
    """Sequences of the change's events in the journal that are told."""
    found = []
    async with contextlib.aclosing(journal_after(app.client, after)) as events:
        async for event in events:
            if event.seq > last:
                break
            if getattr(event, "page", None) == page and type(event).__struct_config__.tag in TOLD:
                found.append(event.seq)
            if event.seq == last:
                break
    return found


async def test_a_change_is_told_from_its_snapshot_to_its_end(app: Running) -> None:
    workflow = await begin(app)
    async with watching(app) as socket:
        status = await ask(socket, "subscribe-task", taskId=workflow)
        assert status["type"] == "status"
        assert status["taskId"] == workflow
        assert status["data"]["current_state"] == "DISCOVERY"
        assert status["seq"] == status["data"]["seq"] > 0
        for phase in PHASES:
            await complete(app, workflow, phase)
        messages = await until_complete(socket)
    assert {one["type"] for one in messages} == {"progress"}
    seqs = [one["seq"] for one in messages]
    assert seqs == await events_of(app, workflow, status["seq"], seqs[-1])
    assert {one["data"]["ev"] for one in messages} == TOLD
    words = [one["message"] for one in messages]
    assert "Task The page: planned." in words
    assert "Task The page: done." in words
    assert "q_assistant hands over to code_writer: planning to implementation." in words
    assert "Version 1.0.0: completed." in words
    percents = [one["data"]["percent"] for one in messages if one["data"]["ev"] == "build.progress"]
    assert percents == sorted(percents)
    assert (len(percents), percents[-1]) == (len(PHASES), 100)


async def test_every_point_of_the_journal_can_be_resumed_from(app: Running) -> None:
    workflow = await begin(app)
    await up_to(app, workflow, "DEPLOYMENT")
    await complete(app, workflow, "DEPLOYMENT")
    async with watching(app) as socket:
        first = await ask(socket, "subscribe-task", taskId=workflow, after=0)
        assert (first["type"], first["seq"]) == ("status", 0)
        assert first["data"]["current_state"] == "COMPLETE"
        every = await until_complete(socket)
    for index in (0, len(every) // 2, len(every) - 2):
        async with watching(app) as socket:
            status = await ask(socket, "subscribe-task", taskId=workflow, after=every[index]["seq"])
            assert status["seq"] == every[index]["seq"]
            assert await until_complete(socket) == every[index + 1 :]


async def test_several_changes_are_watched_apart_on_one_line(app: Running) -> None:
    one, two = await begin(app), await begin(app, build_id="b-2")
    async with watching(app) as socket:
        for workflow in (one, two):
            assert (await ask(socket, "subscribe-task", taskId=workflow))["taskId"] == workflow
        await complete(app, two, "DISCOVERY")
        message = await told(socket)
        assert message["taskId"] == two
        while message["data"]["ev"] != "build.handoff":
            message = await told(socket)
            assert message["taskId"] == message["data"]["page"] == two
        gone = await ask(socket, "unsubscribe-task", taskId=two)
        while gone["type"] != "unsubscribed":
            gone = await told(socket)
        await complete(app, two, "PLANNING")
        await complete(app, one, "DISCOVERY")
        assert (await told(socket))["taskId"] == one


async def test_other_names_of_a_change_can_be_watched(app: Running) -> None:
    body = {"project": {"name": "Shop", "description": "Lamps.", "type": "web"}, "userId": "ana"}
    assigned = await app.post("/api/orchestrator", body)
    await begin(app)
    async with watching(app) as socket:
        status = await ask(socket, "subscribe-task", taskId=assigned["assignments"][2]["taskId"])
        assert status["data"]["workflow_id"] == assigned["taskId"]
        status = await ask(socket, "subscribe-task", taskId="b-1")
        assert status["taskId"] == "b-1"
        await complete(app, "b-1", "DISCOVERY")
        assert (await told(socket))["taskId"] == "b-1"


async def test_a_return_and_its_findings_are_told(app: Running) -> None:
    workflow = await begin(app)
    await up_to(app, workflow, "VERIFICATION")
    async with watching(app) as socket:
        await ask(socket, "subscribe-task", taskId=workflow)
        await complete(app, workflow, "VERIFICATION", phase_result=RETURNED)
        words: list[str] = []
        while not words or "Sent back" not in words[-1]:
            words.append((await told(socket))["message"])
    assert "Findings are recorded." in words
    assert "verification_overseer hands over to code_writer: verification to implementation." in words


@pytest.mark.parametrize(
    "raw",
    [
        "not json",
        "[]",
        "{}",
        '{"type": "subscribe-task"}',
        '{"type": "subscribe-task", "taskId": ""}',
        '{"type": "subscribe-task", "taskId": "none"}',
        '{"type": "subscribe-task", "taskId": "b-1", "after": -1}',
        '{"type": "subscribe-task", "taskId": "b-1", "after": 1000000}',
        '{"type": "subscribe-task", "taskId": "b-1", "state": "complete"}',
        '{"type": "unsubscribe-task", "taskId": "b-1"}',
        '{"type": "status"}',
        '{"type": "ping", "x": ' + "[" * 5_000 + "}",
    ],
)
async def test_a_message_that_is_none_is_answered_in_words_and_the_line_stays_open(app: Running, raw: str) -> None:
    await begin(app)
    async with watching(app) as socket:
        await socket.send(raw)
        message = await told(socket)
        assert message["type"] == "error"
        assert message["data"]["code"]
        assert (await ask(socket, "ping"))["type"] == "pong"
        assert (await ask(socket, "subscribe-task", taskId="b-1"))["type"] == "status"


async def test_only_so_many_changes_are_watched_at_once(app: Running) -> None:
    names = [await begin(app, build_id=f"b-{number}") for number in range(SUBSCRIPTIONS + 1)]
    async with watching(app) as socket:
        for name in names[:-1]:
            assert (await ask(socket, "subscribe-task", taskId=name))["type"] == "status"
        assert (await ask(socket, "subscribe-task", taskId=names[-1]))["data"]["code"] == "too_many_requests"
        assert (await ask(socket, "subscribe-task", taskId=names[0]))["type"] == "status"
        assert (await ask(socket, "unsubscribe-task", taskId=names[0]))["type"] == "unsubscribed"
        assert (await ask(socket, "subscribe-task", taskId=names[-1]))["type"] == "status"


async def test_without_the_token_there_is_no_line(app: Running) -> None:
    for headers in ({}, {"authorization": "Bearer wrong"}):
        with pytest.raises(InvalidStatus) as refused:
            async with watching(app, headers):
                pass
        assert refused.value.response.status_code in (401, 403)


async def test_lines_end_with_the_gateway(wire_server: WireServer, tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        async with app_gate(wire_server, tmp_path) as app:
            await begin(app)
            socket = await stack.enter_async_context(watching(app))
            await ask(socket, "subscribe-task", taskId="b-1")
            app.gateway.closing.set()
            with pytest.raises(ConnectionClosed):
                async with asyncio.timeout(10):
                    await socket.recv()
        assert socket.close_code == 1001


class FakeLaggingJournal:
    """Tells three events at a time, then that its reader lags, until the last of ten."""

    def __init__(self) -> None:
        self.asked: list[int | None] = []

    @contextlib.asynccontextmanager
    async def subscribe(self, after: int | None = None) -> AsyncIterator[AsyncIterator[AnyEvent]]:
        self.asked.append(after)
        yield self._events(after or 0)

    async def _events(self, after: int) -> AsyncIterator[AnyEvent]:
        yield Notice(level="info", message="transient")
        for seq in range(after + 1, min(after + 3, 10) + 1):
            yield BookChanged(seq=seq)
        if after + 3 < 10:
            yield Lagged(seq=after)


async def test_a_reader_that_lags_behind_misses_nothing() -> None:
    journal = FakeLaggingJournal()
    client = cast("EngineClient", journal)
    async with contextlib.aclosing(journal_after(client, 2)) as events:
        assert [event.seq async for event in events] == [3, 4, 5, 6, 7, 8, 9, 10]
    assert journal.asked == [2, 5, 8]
