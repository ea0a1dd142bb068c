"""Commands that arrive together: each decides on the page as it is when it is carried out, not as it was when it was sent."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from studio import workflows
from studio.domain.errors import BadInput, Conflict, StudioError
from studio.domain.text import digest
from studio.engine.inprocess import InProcessClient
from studio.protocol import commands as c
from studio.protocol import queries as q
from tests.fakes.project import add_page, draft, environment, make_project, opened, settled
from tests.fakes.wire_script import Fault, Step
from tests.fakes.wire_server import WireServer


async def together(client: InProcessClient, *commands: c.AnyCommand) -> list[c.Done | None]:
    """What each command answered, None for a refusal."""
    answers = await asyncio.gather(*(client.execute(one) for one in commands), return_exceptions=True)
    for answer in answers:
        assert isinstance(answer, c.Done | StudioError)
    return [answer if isinstance(answer, c.Done) else None for answer in answers]


async def test_a_partial_text_is_kept_once(client: InProcessClient, server: WireServer) -> None:
    page = await add_page(client)
    server.play(Step(fault=Fault.RESET, after=10))
    await draft(client, page)
    done = await together(client, *[c.Resume(page=page, action="keep")] * 3)
    assert sum(one is not None for one in done) == 1
    assert len((await client.query(q.GetHistory(page=page, stage="narration"))).revisions) == 1


async def test_the_second_to_approve_meets_a_conflict_with_the_text_that_stands(client: InProcessClient) -> None:
    page = await add_page(client)
    seen = (await draft(client, page)).revision
    edited = (await client.execute(c.Edit(page=page, stage="narration", text="Another text.", revision=seen))).revision
    await client.execute(c.Approve(page=page, revision=edited))
    with pytest.raises(Conflict, match="Narration was approved meanwhile") as caught:
        await client.execute(c.Approve(page=page, revision=seen))
    assert caught.value.data == {
        "expected": seen, "actual": edited, "theirs": "Another text.", "approved": "narration"
    }  # fmt: skip
    assert (await client.query(q.GetPage(page=page))).state == "generating_dialogue"


async def test_feedback_on_a_text_that_was_approved_meanwhile_is_told_so_and_goes_once_the_approval_is_taken_back(
    client: InProcessClient,
) -> None:
    page = await add_page(client)
    seen = (await draft(client, page)).revision
    await client.execute(c.Approve(page=page))
    for generate in (True, False):
        with pytest.raises(Conflict, match="Narration was approved meanwhile") as caught:
            await client.execute(c.Revise(page=page, feedback="Colder.", revision=seen, generate=generate))
        assert caught.value.data["approved"] == "narration"
    await client.execute(c.Reopen(page=page))
    done = await client.execute(c.Revise(page=page, feedback="Colder.", revision=seen))
    assert (await settled(client, done.run or "")).status == "completed"


async def test_a_page_whose_stage_the_workflow_has_lost_is_named(tmp_path: Path, server: WireServer) -> None:
    root, env = make_project(tmp_path), environment(server, tmp_path)
    own = root / "workflows" / "story.toml"
    own.parent.mkdir(exist_ok=True)
    packaged = (Path(workflows.__file__).parent / "story.toml").read_text()
    own.write_text(packaged)
    async with opened(root, env) as client:
        page = await add_page(client)
        await draft(client, page)
    own.write_text(packaged.replace('"narration"', '"telling"'))
    async with opened(root, env) as client:
        with pytest.raises(BadInput, match="The page 'fog' is at 'user_reviewing_narration'") as caught:
            await client.query(q.GetProject())
        assert "Put the stage back" in caught.value.hint


async def test_a_draft_is_not_bought_for_a_stage_that_was_approved_meanwhile(client: InProcessClient) -> None:
    page = await add_page(client)
    await draft(client, page)
    drafted, approved = await together(client, c.Generate(page=page), c.Approve(page=page))
    if drafted is not None and drafted.run is not None:
        await settled(client, drafted.run)
    view = await client.query(q.GetPage(page=page))
    assert (approved is None) == (view.state == "user_reviewing_narration")
    assert (drafted is None) == (view.state == "generating_dialogue")


async def test_a_stage_is_not_reopened_under_a_draft_that_waits_to_begin(
    client: InProcessClient, server: WireServer
) -> None:
    page = await add_page(client)
    await draft(client, page)
    await client.execute(c.Approve(page=page))
    server.play(Step(fault=Fault.STALL, after=3))
    started, reopened, edited = await together(
        client, c.Generate(page=page), c.Reopen(page=page), c.Edit(page=page, stage="dialogue", text="ILSE: Here.")
    )
    view = await client.query(q.GetPage(page=page))
    assert [one is not None for one in (started, reopened, edited)].count(True) >= 1
    if started is not None:
        assert view.state == "generating_dialogue"
        await client.execute(c.Stop(page=page))


async def test_words_kept_by_another_terminal_are_a_conflict_for_one_that_did_not_see_them(
    client: InProcessClient,
) -> None:
    page = await add_page(client)

    async def keep(text: str, seen: str | None) -> None:
        mark = None if seen is None else digest(seen)
        await client.execute(c.KeepWords(page=page, place="brief", text=text, seen=mark))

    async def kept() -> list[str]:
        return [one.text for one in (await client.query(q.GetPage(page=page))).kept]

    await keep("AAA", "")
    await keep("AAA more", "AAA")
    await keep("AAA more", "")  # the same words again, as when no answer came
    with pytest.raises(Conflict, match="Another terminal of yours") as caught:
        await keep("BBB", "")
    assert caught.value.data["theirs"] == "AAA more"
    with pytest.raises(Conflict):
        await keep("", "BBB")
    assert await kept() == ["AAA more"]
    await keep("BBB", "AAA more")
    await keep("", "BBB")
    await keep("CCC", "BBB")  # what it saw was sent or thrown away meanwhile: nothing is lost
    await keep("DDD", None)  # a client that does not say what it saw
    assert await kept() == ["DDD"]
