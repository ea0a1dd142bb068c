"""What the engine's socket takes and refuses, spoken to without a client: frames, sizes, peers, slow readers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import typing
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from studio.client.attach import attach
from studio.daemon import connection
from studio.daemon.host import EngineHost
from studio.engine import bus
from studio.engine.opening import open_engine
from studio.protocol import commands as c
from studio.protocol import events as e
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.protocol import wire
from studio.store.migrate import packaged_steps
from studio.workspace.lock import ProjectLock
from studio.workspace.socket_path import listen, socket_path
from tests.fakes.engine_process import attached
from tests.process.conftest import Desk


class Wire:
    """A bare connection: lines out, JSON in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def read(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            line = await self.reader.readline()
        return json.loads(line) if line else {}

    async def ask(self, frame: object) -> dict[str, Any]:
        self.writer.write(frame if isinstance(frame, bytes) else json.dumps(frame).encode() + b"\n")
        return await self.read()


@contextlib.asynccontextmanager
async def wired(root: Path, limit: int = 1 << 26) -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_unix_connection(str(socket_path(root)), limit=limit)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()


async def test_the_first_frame_says_who_is_there_and_who_the_peer_is(desk: Desk) -> None:
    async with attached(desk.root, desk.env, stays=True), wired(desk.root) as wire_:
        hello = (await wire_.read())["hello"]
        assert hello["proto"] == 1
        assert hello["project"] == str(desk.root)
        assert hello["you"]["uid"] == os.getuid()
        assert hello["engine_pid"] != os.getpid()
        assert hello["busy"] == 0


@pytest.mark.parametrize(
    "frame",
    [
        {"id": 7, "op": "no.such.command", "args": {}},
        {"id": 7, "op": "chapter.add", "args": {"title": "x", "surprise": 1}},
        {"id": 7, "op": "chapter.add", "args": {"title": 5}},
        {"id": 7, "op": "chapter.add", "args": {}},
        {"id": 7, "op": "chapter.add", "args": []},
        {"id": 7, "op": "project", "args": {"archived": "yes"}},
        {"id": 7, "op": "subscribe", "args": {"after": "now"}},
        {"id": 7, "op": "stop", "args": {"reason": "whim"}},
        b'{"id": 7, "op": "chapter.add", "args": {"title": ' + b"[" * 50_000 + b"]" * 50_000 + b"}}\n",
    ],
)
async def test_what_is_no_command_is_refused_by_its_id_and_changes_nothing(desk: Desk, frame: object) -> None:
    async with attached(desk.root, desk.env, stays=True) as client, wired(desk.root) as wire_:
        await wire_.read()
        answer = await wire_.ask(frame)
        assert answer["err"]["code"] == "bad_input"
        assert answer.get("id") in (7, None)
        assert (await client.query(q.GetProject())).seq == 0


@pytest.mark.parametrize(
    "line", [b"\n", b"GET / HTTP/1.1\n", b"\xff\xfe\n", b'{"id": 1}\n', b"[]\n", b"{" * 200_000 + b"\n"]
)
async def test_a_line_that_is_no_frame_is_answered_and_the_connection_goes_on(desk: Desk, line: bytes) -> None:
    async with attached(desk.root, desk.env, stays=True), wired(desk.root) as wire_:
        await wire_.read()
        assert (await wire_.ask(line))["err"]["code"] == "bad_input"
        assert (await wire_.ask({"id": 2, "op": "ping"}))["id"] == 2


async def test_a_request_beyond_the_limit_ends_that_connection_alone(desk: Desk) -> None:
    async with attached(desk.root, desk.env, stays=True) as client, wired(desk.root) as wire_:
        await wire_.read()
        wire_.writer.write(b'{"id":1,"op":"' + b"x" * (wire.MAX_REQUEST + 100_000))
        answers = []
        # The end may overtake the words, as for every peer that still writes.
        with contextlib.suppress(ConnectionError):
            while answer := await wire_.read():
                answers.append(answer["err"]["message"])
        assert all("larger than" in one for one in answers)
        assert len(answers) <= 1
        assert (await client.query(q.GetProject())).seq == 0


async def test_a_client_that_sends_and_never_reads_is_held_back(desk: Desk) -> None:
    async with attached(desk.root, desk.env, stays=True) as client:
        deaf = socket.socket(socket.AF_UNIX)
        deaf.connect(str(socket_path(desk.root)))
        deaf.settimeout(0.5)
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(_send_for_ever, deaf)
        before = (await client.engine_status()).memory_mb
        await asyncio.sleep(0.5)
        assert (await client.engine_status()).memory_mb < before + 50
        deaf.close()


def _send_for_ever(deaf: socket.socket) -> None:
    for number in range(10_000_000):
        deaf.sendall(b'{"id":%d,"op":"costs","args":{}}\n' % number)


async def test_another_users_process_is_refused_even_where_the_socket_lets_it_in(desk: Desk) -> None:
    if os.getuid() != 0:
        pytest.skip("only the superuser can become somebody else")
    async with attached(desk.root, desk.env, stays=True):
        os.chmod(socket_path(desk.root), 0o666)
        for folder in (socket_path(desk.root).parent, *list(desk.root.parents)[:4], desk.root):
            os.chmod(folder, 0o755)
        me = os.geteuid()
        stranger = socket.socket(socket.AF_UNIX)
        try:
            os.seteuid(65534)
            stranger.connect(str(socket_path(desk.root)))
        finally:
            os.seteuid(me)
        stranger.settimeout(10)
        answer = json.loads(await asyncio.to_thread(stranger.recv, 10_000))
        assert answer["err"]["code"] == "refused"
        stranger.close()


async def test_a_connection_cut_after_the_commit_is_answered_the_same_on_the_next_one(desk: Desk) -> None:
    request = {"id": 1, "op": "chapter.add", "args": {"title": "One"}, "req": "once"}
    async with attached(desk.root, desk.env, stays=True) as client:
        async with wired(desk.root) as first:
            await first.read()
            first.writer.write(json.dumps(request).encode() + b"\n")
            await first.writer.drain()
        async with wired(desk.root) as second:
            await second.read()
            assert "ok" in await second.ask(request)
        assert len((await client.query(q.GetProject())).chapters) == 1


@pytest.fixture
def small_buffers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(bus, "CAPACITY", 8)
    monkeypatch.setattr(connection, "UNSENT_BYTES", 10_000)
    return


async def test_a_subscriber_that_does_not_read_is_told_that_it_lags_and_nobody_waits_for_it(
    desk: Desk, small_buffers: None
) -> None:
    lock = ProjectLock.acquire(desk.root)
    made = []

    async def opening() -> Any:
        made.append(await open_engine(desk.root, env=desk.env, watch=False, lock=lock))
        return made[0]

    host = EngineHost(desk.root, listen(desk.root), opening)
    running = asyncio.create_task(host.run())
    client = await attach(desk.root, spawn=False)
    async with wired(desk.root, limit=120_000) as slow:
        await slow.read()
        await slow.ask({"id": 3, "op": "subscribe", "args": {}})
        for number in range(40):
            await client.execute(c.AddChapter(title=f"{number} " + "x" * 190))
            made[0]._project.bus.publish(e.Notice(level="info", message="y" * 100_000))
        last: dict[str, Any] = {}
        while not (frame := await slow.read()).get("end"):
            last = frame
        assert last["ev"] == "lagged"
        after = last["seq"]
        assert after < 40
        again = await slow.ask({"id": 4, "op": "subscribe", "args": {"after": after}})
        assert again["ok"]["after"] == after
        assert (await slow.read())["seq"] == after + 1
    await client.aclose()
    host.leave_soon("stop")
    assert await running == 0


async def test_the_log_holds_no_key(desk: Desk) -> None:
    key = desk.env["OPENAI_API_KEY"]
    async with attached(desk.root, desk.env, stays=True) as client:
        status = await client.engine_status()
        assert status.keys == ("OPENAI_API_KEY",)
        desk.words(3)
        await desk.start_draft(client)
        # A name that the program logs when it cannot read it.
        with pytest.raises(Exception, match="no command"):
            await client._ask(f"secret {key}", c.AddChapter(title="x"))
    assert key not in (desk.root / ".studio" / "engine.log").read_text()


def test_the_module_started_by_hand_says_how_it_is_started() -> None:
    done = subprocess.run([sys.executable, "-m", "studio.daemon"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "studio engine start" in done.stderr


def test_every_tag_means_one_thing_and_no_event_has_a_field_of_a_frame() -> None:
    assert not set(wire.COMMANDS) & set(wire.QUERIES)
    assert not set(wire.CONTROLS) & (set(wire.COMMANDS) | set(wire.QUERIES))
    assert set(wire.CONTROLS) == set(typing.get_args(wire.Control))
    frame = {field.name for field in msgspec.structs.fields(wire.Frame)}
    for event in typing.get_args(e.AnyEvent):
        assert not frame & {field.name for field in msgspec.structs.fields(event)}, event
    assert len(wire.ANSWERS) == len(wire.QUERIES)
    assert all(issubclass(view, v.View) for view in wire.ANSWERS.values())


def test_the_schema_that_clients_know_is_the_one_that_the_store_writes() -> None:
    assert packaged_steps()[-1].version == wire.SCHEMA
