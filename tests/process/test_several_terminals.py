"""Several terminals on one project: changes seen at once, presence, conflicts, one's own words and place, only looking."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from studio.client.socket_client import SocketClient
from studio.domain.errors import Conflict, Refused
from studio.protocol import commands as c
from studio.protocol import events as e
from studio.protocol import queries as q
from studio.protocol import views as v
from tests.fakes.engine_process import attached, engines_of
from tests.fakes.project import add_page, draft, settled
from tests.process.conftest import Desk

FIRST_TEXT = "Ilse counts the rings."


@pytest.fixture
async def ana(desk: Desk) -> AsyncIterator[SocketClient]:
    async with attached(desk.root, desk.env, "ana", stays=True) as client:
        yield client


@pytest.fixture
async def ben(desk: Desk, ana: SocketClient) -> AsyncIterator[SocketClient]:
    async with attached(desk.root, desk.env, "ben", stays=True) as client:
        yield client


async def _written(client: SocketClient) -> tuple[str, str]:
    """A page with a reviewed narration: its id and the revision's."""
    page = await add_page(client)
    run = await draft(client, page)  # type: ignore[arg-type]
    assert run.revision is not None
    return page, run.revision


async def test_one_terminal_sees_the_others_change_at_once(ana: SocketClient, ben: SocketClient) -> None:
    async with ben.subscribe() as events:
        done = await ana.execute(c.AddChapter(title="One"))
        async with asyncio.timeout(5):
            event = await anext(aiter(events))
        assert isinstance(event, e.BookChanged)
        assert event.chapter == done.chapter
    assert (await ben.query(q.GetProject())).chapters[0].title == "One"


async def test_both_terminals_see_one_stream(desk: Desk, ana: SocketClient, ben: SocketClient) -> None:
    whole = desk.words(60)

    async def text(client: SocketClient) -> str:
        found = ""
        async with client.subscribe(0) as events:
            async for event in events:
                match event:
                    case e.RunSnapshot():
                        found = event.text
                    case e.Delta():
                        found = found[: event.offset] + event.text
                    case e.RunEnded():
                        return found
                    case _:
                        pass
        return found

    reading = [asyncio.create_task(text(client)) for client in (ana, ben)]
    await desk.start_draft(ana)
    async with asyncio.timeout(20):
        assert await asyncio.gather(*reading) == [whole, whole]


async def test_the_second_decision_on_a_revision_is_a_conflict_that_loses_nothing(
    ana: SocketClient, ben: SocketClient
) -> None:
    page, seen = await _written(ana)
    await ben.execute(c.KeepWords(page=page, place="feedback:narration", text="More rain."))
    edited = await ana.execute(c.Edit(page=page, stage="narration", text=FIRST_TEXT, revision=seen))
    with pytest.raises(Conflict) as caught:
        await ben.execute(c.Approve(page=page, revision=seen))
    assert caught.value.data["expected"] == seen
    assert caught.value.data["actual"] == edited.revision
    assert caught.value.data["theirs"] == FIRST_TEXT
    kept = (await ben.query(q.GetPage(page=page))).kept
    assert [one.text for one in kept] == ["More rain."]


async def test_unsent_words_belong_to_their_author(ana: SocketClient, ben: SocketClient) -> None:
    page, _ = await _written(ana)
    await ana.execute(c.KeepWords(page=page, place="feedback:narration", text="Ana's"))
    await ben.execute(c.KeepWords(page=page, place="feedback:narration", text="Ben's"))
    assert [one.text for one in (await ana.query(q.GetPage(page=page))).kept] == ["Ana's"]
    assert [one.text for one in (await ben.query(q.GetPage(page=page))).kept] == ["Ben's"]


async def test_who_is_here_and_on_which_page_is_shown_and_told(
    desk: Desk, ana: SocketClient, ben: SocketClient
) -> None:
    page = await add_page(ana)  # type: ignore[arg-type]
    async with ana.subscribe() as events:
        await ben.execute(c.KeepPlace(page=page, stage="narration", scroll=4))
        async with asyncio.timeout(5):
            assert await anext(aiter(events)) == e.PresenceChanged(who="ben", page=page)
        people = (await ana.query(q.GetPresence())).people
        assert [(one.who, one.page, one.you) for one in people] == [("ana", None, True), ("ben", page, False)]
        async with attached(desk.root, desk.env, "cleo", kind="command", stays=True) as command:
            assert len((await command.query(q.GetPresence())).people) == 2
        await ben.aclose()
        async with asyncio.timeout(5):
            assert await anext(aiter(events)) == e.PresenceChanged(who="ben", page=page, here=False)
    assert [one.who for one in (await ana.query(q.GetPresence())).people] == ["ana"]


async def test_an_authors_place_outlives_the_terminal_and_the_engine(desk: Desk, ana: SocketClient) -> None:
    page = await add_page(ana)  # type: ignore[arg-type]
    await ana.execute(c.KeepPlace(page=page, stage="narration", scroll=41))
    await ana.stop_engine("restart")
    async with attached(desk.root, desk.env, "ana", stays=True) as again:
        assert await again.query(q.GetPlace()) == v.PlaceView(page=page, stage="narration", scroll=41)
    async with attached(desk.root, desk.env, "ben", stays=True) as other:
        assert await other.query(q.GetPlace()) == v.PlaceView()
        await other.execute(c.ArchivePage(page=page))
    assert await ana.query(q.GetPlace()) == v.PlaceView()


async def test_a_terminal_that_only_looks_sees_all_and_changes_nothing(desk: Desk, ana: SocketClient) -> None:
    page = await add_page(ana)  # type: ignore[arg-type]
    async with attached(desk.root, desk.env, "guest", view=True, stays=True) as guest:
        assert (await guest.query(q.GetPage(page=page))).id == page
        for command in (
            c.AddChapter(title="x"),
            c.Generate(page=page),
            c.KeepWords(page=page, place="brief", text="x"),
        ):
            with pytest.raises(Refused, match="only looks"):
                await guest.execute(command)
        with pytest.raises(Refused, match="only looks"):
            await guest.stop_engine()
        await guest.execute(c.KeepPlace(page=page, scroll=9))
        people = (await ana.query(q.GetPresence())).people
        assert [(one.who, one.page, one.view) for one in people][1] == ("guest", page, True)
        assert await guest.query(q.GetPlace()) == v.PlaceView()


_GENERATE = """
import asyncio, sys
from pathlib import Path
from studio.client.attach import attach
from studio.protocol import commands as c
async def main():
    client = await attach(Path(sys.argv[1]))
    done = await client.execute(c.Generate(page=sys.argv[2]))
    print(done.run, flush=True)
    async with client.subscribe() as events:
        async for event in events:
            pass
asyncio.run(main())
"""


async def test_a_program_that_is_killed_while_its_draft_runs_leaves_the_draft_running(
    desk: Desk, ana: SocketClient
) -> None:
    desk.words(100)
    page = await add_page(ana)  # type: ignore[arg-type]
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _GENERATE, str(desk.root), page, env=desk.env, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    run = (await child.stdout.readline()).decode().strip()
    child.send_signal(signal.SIGKILL)
    await child.wait()
    assert (await settled(ana, run)).status == "completed"  # type: ignore[arg-type]
    assert len(engines_of(desk.root)) == 1


async def test_a_program_in_the_starters_group_that_is_interrupted_leaves_the_engine_alone(desk: Desk) -> None:
    script = _GENERATE.replace("done = await client.execute(c.Generate(page=sys.argv[2]))", "").replace("done.run", "1")
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(desk.root), env=desk.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    assert child.stdout is not None
    await child.stdout.readline()
    engines = engines_of(desk.root)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGKILL):
        signal_group(child.pid, number)
    await child.wait()
    assert engines_of(desk.root) == engines
    async with attached(desk.root, desk.env, stays=True) as client:
        await client.query(q.GetProject())


def signal_group(leader: int, number: int) -> None:

    try:
        os.killpg(leader, number)
    except ProcessLookupError:
        return
