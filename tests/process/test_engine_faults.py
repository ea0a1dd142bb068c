"""What befalls an engine: killed, stopped, moved, out of disk, told to end. No text is lost, nothing is bought twice."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import time
from pathlib import Path

import pytest

from studio.client.attach import attach
from studio.client.holder import kill
from studio.client.socket_client import SocketClient
from studio.domain.errors import StorageError
from studio.protocol import commands as c
from studio.protocol import events as e
from studio.protocol import queries as q
from studio.protocol.client import LinkState
from tests.fakes.engine_process import attached, engine_pid, engines_of, gone, kill_engine
from tests.fakes.project import add_page, settled, until
from tests.fakes.wire_script import Step
from tests.process.conftest import Desk


class Reader:
    """A terminal's view of one run: its text from snapshots and deltas, checked for gaps, and how it ended."""

    def __init__(self, client: SocketClient) -> None:
        self.client = client
        self.text = ""
        self.gaps = 0
        self.ended: e.RunEnded | None = None
        self.states: list[LinkState] = []
        client.on_state = lambda state, words: self.states.append(state)

    async def read(self, after: int | None) -> None:
        async with self.client.subscribe(after) as events:
            async for event in events:
                self._take(event)
                if self.ended:
                    return

    def _take(self, event: e.AnyEvent) -> None:
        match event:
            case e.RunSnapshot():
                self.text = event.text
            case e.Delta():
                self.gaps += event.offset > len(self.text)
                self.text = self.text[: event.offset] + event.text
            case e.RunEnded():
                self.ended = event
            case _:
                pass


async def test_an_engine_killed_in_mid_stream_is_replaced_and_its_run_is_marked_interrupted(desk: Desk) -> None:
    whole = desk.words(400)
    async with attached(desk.root, desk.env, stays=True) as client:
        reader = Reader(client)
        reading = asyncio.create_task(reader.read(0))
        page, run = await desk.start_draft(client)
        await until(lambda: len(reader.text) > 100)
        seen = reader.text
        first = kill_engine(desk.root)
        async with asyncio.timeout(20):
            await reading
        assert reader.states[0] is LinkState.RECONNECTING
        assert reader.states[-1] is LinkState.CONNECTED
        assert reader.ended is not None
        assert reader.ended.status == "interrupted"
        assert engine_pid(desk.root) not in (first, None)
        view = await client.query(q.GetRun(run=run))
        assert view.status == "interrupted"
        assert view.partial.startswith(seen)
        assert whole.startswith(view.partial)
        assert reader.gaps == 0
        assert (await client.query(q.GetPage(page=page))).phase == "interrupted"
        assert len(desk.server.calls) == 1


async def test_a_draft_goes_on_when_the_terminal_that_asked_for_it_is_gone(desk: Desk) -> None:
    whole = desk.words(150)
    async with attached(desk.root, desk.env, stays=True) as first:
        _, run = await desk.start_draft(first)
    async with attached(desk.root, desk.env, stays=True) as second:
        reader = Reader(second)
        await reader.read(None)
        assert reader.text == whole
        assert reader.gaps == 0
        assert (await settled(second, run)).status == "completed"


async def test_a_stopped_engine_is_named_in_words_and_can_be_killed(desk: Desk) -> None:
    desk.words(400)
    async with attached(desk.root, desk.env, stays=True) as client:
        reader = Reader(client)
        _, run = await desk.start_draft(client)
        pid = kill_engine(desk.root, signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(StorageError, match="SIGSTOP") as caught:
            await attach(desk.root, env=desk.env)
        assert time.monotonic() - began < 8
        assert "studio engine kill" in caught.value.hint
        await until(lambda: LinkState.SILENT in reader.states)
        assert kill(desk.root) == pid
        view = await client.query(q.GetRun(run=run))
        assert view.status == "interrupted"


async def test_an_engine_that_goes_on_after_a_stop_is_taken_up_again(desk: Desk) -> None:
    async with attached(desk.root, desk.env, stays=True) as client:
        reader = Reader(client)
        kill_engine(desk.root, signal.SIGSTOP)
        with pytest.raises(StorageError, match="does not answer"):
            await client.execute(c.AddChapter(title="One"))
        kill_engine(desk.root, signal.SIGCONT)
        await until(lambda: reader.states[-1:] == [LinkState.CONNECTED])
        async with asyncio.timeout(10), client.subscribe(0) as events:
            assert (await anext(events)).seq == 1
        assert [one.title for one in (await client.query(q.GetProject())).chapters] == ["One"]


async def test_sigterm_ends_the_stream_keeps_the_text_and_exits_with_zero(desk: Desk) -> None:
    desk.words(400)
    async with attached(desk.root, desk.env, stays=True) as client:
        reader = Reader(client)
        reading = asyncio.create_task(reader.read(0))
        _, run = await desk.start_draft(client)
        await until(lambda: len(reader.text) > 100)
        pid = kill_engine(desk.root, signal.SIGTERM)
        async with asyncio.timeout(20):
            await reading
        assert reader.ended is not None
        assert reader.ended.status == "interrupted"
        view = await client.query(q.GetRun(run=run))
        assert view.partial.startswith(reader.text)
        log = (desk.root / ".studio" / "engine.log").read_text()
        assert "leaving: signal" in log
        assert f"{pid} studio.daemon.host: left" in log
        assert "Traceback" not in log


async def test_an_engine_without_work_and_clients_leaves_and_takes_its_socket_with_it(desk: Desk) -> None:
    desk.set_idle(0.01)
    async with attached(desk.root, desk.env, stays=True) as client:
        await asyncio.sleep(1.5)
        await client.query(q.GetProject())
        assert len(engines_of(desk.root)) == 1
    await gone(desk.root)
    await until(lambda: engines_of(desk.root) == [])
    assert not (desk.root / ".studio" / "engine.sock").exists()
    assert "leaving: idle" in (desk.root / ".studio" / "engine.log").read_text()
    assert not (desk.root / ".studio" / "studio.duckdb.wal").exists()


async def test_an_engine_with_a_running_draft_does_not_leave(desk: Desk) -> None:
    desk.set_idle(0.01)
    desk.words(150)
    async with attached(desk.root, desk.env, stays=True) as client:
        page, _ = await desk.start_draft(client)
    await gone(desk.root, 30)
    async with attached(desk.root, desk.env, stays=True) as client:
        assert (await client.query(q.GetPage(page=page))).phase == "user_reviewing"


async def test_whoever_arrives_while_the_engine_leaves_is_served(desk: Desk) -> None:
    desk.set_idle(0.005)
    for number in range(12):
        async with attached(desk.root, desk.env, stays=True) as client:
            await client.execute(c.AddChapter(title=f"Chapter {number}"))
        await asyncio.sleep(0.25 + number * 0.02)
    async with attached(desk.root, desk.env, stays=True) as client:
        assert len((await client.query(q.GetProject())).chapters) == 12


async def test_a_folder_that_is_renamed_ends_the_engine_and_opens_whole_at_its_new_place(desk: Desk) -> None:
    desk.words(400)
    async with attached(desk.root, desk.env, stays=True) as client:
        page, run = await desk.start_draft(client)
        moved = desk.root.with_name("moved book")
        desk.root.rename(moved)
        with pytest.raises(StorageError, match="moved or removed"):
            await client.execute(c.AddChapter(title="lost"))
        await client.aclose()
    old, desk.root = desk.root, moved
    async with attached(moved, desk.env, stays=True) as client:
        view = await client.query(q.GetRun(run=run))
        assert view.status == "interrupted"
        assert view.partial.startswith("word0 word1")
        assert (await client.query(q.GetPage(page=page))).phase == "interrupted"
        assert (await client.query(q.GetProject())).root == str(moved)
    assert not old.exists()


async def test_a_draft_that_has_sent_nothing_yet_makes_nothing_at_the_old_path_of_a_renamed_folder(desk: Desk) -> None:
    desk.server.play(Step(text="Fog lay on the Throat.", first_byte_delay=1.0))
    async with attached(desk.root, desk.env, stays=True) as client:
        page = await add_page(client)
        await client.execute(c.Generate(page=page))
        await until(lambda: desk.server.calls)
        old, desk.root = desk.root, desk.root.rename(desk.root.with_name("moved book"))
        await gone(desk.root)
    assert not old.exists()
    async with attached(desk.root, desk.env, stays=True) as client:
        assert (await client.query(q.GetPage(page=page))).phase in ("interrupted", "user_reviewing")


async def test_a_full_disk_fails_the_command_and_not_the_engine(desk: Desk) -> None:
    async with attached(desk.root, desk.env, stays=True) as client:
        page = await add_page(client)
        pid = engine_pid(desk.root)
        assert pid is not None
        wal = Path(desk.root / ".studio" / "studio.duckdb.wal")
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (os.path.getsize(wal) + 1_000, hard))
        with pytest.raises(StorageError) as caught:
            await client.execute(c.SetBrief(page=page, text=os.urandom(200_000).hex()))
        assert caught.value.message
        assert (await client.query(q.GetPage(page=page))).brief is not None
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
        await client.execute(c.SetBrief(page=page, text="There is room again."))
        brief = (await client.query(q.GetPage(page=page))).brief
        assert brief is not None
        assert brief.text == "There is room again."
        assert engine_pid(desk.root) == pid


async def test_a_command_that_is_sent_again_after_a_lost_answer_acts_once(desk: Desk) -> None:
    async with attached(desk.root, desk.env, stays=True) as client:
        first = await client.execute(c.AddChapter(title="One"), request="the-key")
        kill_engine(desk.root)
        second = await client.execute(c.AddChapter(title="One"), request="the-key")
        assert second == first
        assert len((await client.query(q.GetProject())).chapters) == 1


async def test_commands_of_a_terminal_whose_engine_dies_under_them_act_once_each(desk: Desk) -> None:
    async with attached(desk.root, desk.env, stays=True) as client:
        await client.query(q.GetProject())
        adding = [asyncio.create_task(client.execute(c.AddChapter(title=f"Chapter {n}"))) for n in range(60)]
        await adding[5]
        kill_engine(desk.root)
        async with asyncio.timeout(30):
            await asyncio.gather(*adding)
        titles = [one.title for one in (await client.query(q.GetProject())).chapters]
        assert sorted(titles) == sorted(f"Chapter {n}" for n in range(60))
