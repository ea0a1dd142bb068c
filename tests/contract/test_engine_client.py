"""What every `EngineClient` must do. Each implementation is a parameter of `connected`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from studio.domain.errors import BadInput, Conflict, NotFound, Refused
from studio.protocol import commands as c
from studio.protocol import events as e
from studio.protocol import queries as q
from studio.protocol.client import EngineClient
from tests.fakes.engine_process import attached
from tests.fakes.project import add_page, environment, make_project, opened, settled
from tests.fakes.wire_script import Fault, Step
from tests.fakes.wire_server import WireServer


@pytest.fixture
async def server() -> AsyncIterator[WireServer]:
    async with WireServer() as running:
        yield running


@pytest.fixture(params=["in-process", "socket"])
async def connected(request: pytest.FixtureRequest, server: WireServer, tmp_path: Path) -> AsyncIterator[EngineClient]:
    root = make_project(tmp_path)
    way = attached if request.param == "socket" else opened
    async with way(root, environment(server, tmp_path)) as client:
        yield client


async def test_errors_cross_with_their_class_code_and_hint(connected: EngineClient) -> None:
    with pytest.raises(NotFound) as caught:
        await connected.query(q.GetPage(page="9/9"))
    assert caught.value.code == "not_found"
    with pytest.raises(BadInput):
        await connected.execute(c.AddChapter(title="  "))
    await connected.execute(c.AddChapter(title="One"))
    page = await connected.execute(c.AddPage(chapter="1"))
    with pytest.raises(Refused) as refused:
        await connected.execute(c.Approve(page=page.page or ""))
    assert refused.value.hint


async def test_a_note_is_changed_and_dismissed_and_a_change_of_other_words_is_a_conflict(
    connected: EngineClient,
) -> None:
    await connected.execute(c.AddChapter(title="One"))
    page = (await connected.execute(c.AddPage(chapter="1", brief="Ilse counts."))).page or ""
    await connected.execute(c.Deliver(page=page, stage="narration", text="A moth."))
    head = (await connected.query(q.GetPage(page=page))).cells[0].head
    note = (await connected.execute(c.Comment(revision=head.id if head else "", text="No moths."))).feedback or ""
    await connected.execute(c.EditComment(feedback=note, text="No owls.", seen="No moths."))
    with pytest.raises(Conflict) as caught:
        await connected.execute(c.EditComment(feedback=note, text="No bats.", seen="No moths."))
    assert caught.value.data["theirs"] == "No owls."
    await connected.execute(c.ResolveComment(feedback=note))
    (known,) = (await connected.query(q.GetPage(page=page))).cells[0].notes
    assert (known.text, known.resolved, known.state) == ("No owls.", True, "dismissed")


async def test_the_sequence_grows_and_the_journal_resumes_without_gap_or_repeat(connected: EngineClient) -> None:
    first = await connected.execute(c.AddChapter(title="One"))
    second = await connected.execute(c.AddChapter(title="Two"))
    assert second.seq > first.seq
    async with connected.subscribe(0) as events:
        await connected.execute(c.AddChapter(title="Three"))
        seen: list[int] = []
        async with asyncio.timeout(10):
            async for event in events:
                seen.append(event.seq)
                if len(seen) == 3:
                    break
    assert seen == sorted(set(seen))
    assert seen[0] == 1


async def test_a_subscriber_in_mid_stream_gets_one_snapshot_and_then_every_delta(
    connected: EngineClient, server: WireServer
) -> None:
    page = await add_page(connected)  # type: ignore[arg-type]
    wanted = "".join(f"word{n} " for n in range(150))
    server.play(Step(deltas=tuple(f"word{n} " for n in range(150)), delta_delay=0.01))
    done = await connected.execute(c.Generate(page=page))
    await asyncio.sleep(0.6)
    text = ""
    async with connected.subscribe() as events, asyncio.timeout(20):
        async for event in events:
            match event:
                case e.RunSnapshot():
                    text = event.text
                case e.Delta():
                    assert event.offset == len(text)
                    text += event.text
                case e.RunEnded():
                    break
                case _:
                    pass
    assert text == wanted
    assert (await settled(connected, done.run or "")).status == "completed"  # type: ignore[arg-type]


async def test_two_subscribers_see_the_same(connected: EngineClient) -> None:
    async def collect() -> list[e.AnyEvent]:
        async with connected.subscribe(0) as events, asyncio.timeout(10):
            found = []
            async for event in events:
                found.append(event)
                if len(found) == 4:
                    return found
        return []

    tasks = [asyncio.create_task(collect()), asyncio.create_task(collect())]
    for title in ("One", "Two", "Three", "Four"):
        await connected.execute(c.AddChapter(title=title))
    one, two = await asyncio.gather(*tasks)
    assert one == two


async def test_a_draft_is_refused_when_its_sender_saw_another_stage_or_text(connected: EngineClient) -> None:
    page = await add_page(connected)  # type: ignore[arg-type]
    done = await connected.execute(c.Generate(page=page, stage="narration", revision=""))
    await settled(connected, done.run or "")  # type: ignore[arg-type]
    with pytest.raises(Conflict, match="changed"):
        await connected.execute(c.Generate(page=page, stage="narration", revision=""))
    with pytest.raises(Conflict, match="moved on"):
        await connected.execute(c.Generate(page=page, stage="dialogue"))
    head = (await connected.query(q.GetPage(page=page))).cells[0].head
    assert head is not None
    again = await connected.execute(c.Generate(page=page, stage="narration", revision=head.id))
    assert (await settled(connected, again.run or "")).status == "completed"  # type: ignore[arg-type]


async def test_a_draft_that_broke_off_is_settled_by_whom_saw_it(connected: EngineClient, server: WireServer) -> None:
    page = await add_page(connected)  # type: ignore[arg-type]
    first, second = [], []
    for found in (first, second):
        server.play(Step(fault=Fault.RESET, after=10))
        done = await connected.execute(c.Generate(page=page))
        found.append(done.run or "")
        await settled(connected, done.run or "")  # type: ignore[arg-type]
    with pytest.raises(Conflict, match="moved on"):
        await connected.execute(c.Resume(page=page, action="discard", run=first[0]))
    await connected.execute(c.Resume(page=page, action="discard", run=second[0]))


async def test_every_name_may_be_hostile(connected: EngineClient) -> None:
    hostile = "[/x] \x1b]0;owned\x07 \u202eevil\nline "
    with pytest.raises(BadInput, match="The title has 5,024 characters; at most 200 are allowed"):
        await connected.execute(c.AddChapter(title=hostile + "x" * 5_000))
    await connected.execute(c.AddChapter(title=hostile + "x" * 160))
    project = await connected.query(q.GetProject())
    title = project.chapters[0].title
    assert "\x1b" not in title
    assert "\n" not in title
    assert title.endswith("evil line " + "x" * 160)


async def test_closing_twice_is_harmless_and_later_calls_say_so(connected: EngineClient) -> None:
    await connected.aclose()
    await connected.aclose()
    with pytest.raises(Exception, match="closed"):
        await connected.query(q.GetProject())
