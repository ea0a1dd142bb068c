"""From a brief to an approved page, through both SDKs, asserting on what is saved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.domain.errors import Conflict, LimitReached, Refused
from studio.engine.inprocess import InProcessClient
from studio.protocol import commands as c
from studio.protocol import queries as q
from tests.fakes.project import add_page, draft, environment, opened
from tests.fakes.wire_script import Step
from tests.fakes.wire_server import WireServer


@pytest.mark.parametrize("api", ["chat", "messages"])
async def test_a_page_goes_from_brief_to_approved(api: str, server: WireServer, root: Path, tmp_path: Path) -> None:
    async with opened(root, environment(server, tmp_path, api)) as client:
        page = await add_page(client)
        assert (await client.query(q.GetPage(page=page))).state == "generating_narration"
        first = await draft(client, page)
        assert (first.status, first.outcome) == ("completed", "complete")
        assert (await client.query(q.GetPage(page=page))).state == "user_reviewing_narration"
        await draft(client, page, c.Revise(page=page, feedback="Colder, please."))
        approved = await client.execute(c.Approve(page=page))
        assert approved.state == "generating_dialogue"
        assert approved.price
        await draft(client, page)
        done = await client.execute(c.Approve(page=page))
        assert done.state == "page_approved"

        history = await client.query(q.GetHistory(page=page))
        stages = [(one.stage, one.number) for one in reversed(history.revisions)]
        assert stages == [("brief", 1), ("narration", 1), ("narration", 2), ("dialogue", 1)]
        second = next(one for one in history.revisions if (one.stage, one.number) == ("narration", 2))
        assert [note.id for note in history.feedback] == [second.feedback]
        dialogue = next(one for one in history.revisions if one.stage == "dialogue")
        assert json.loads(dialogue.data or "")["lines"][0]["speaker"]

        costs = await client.query(q.GetCosts(executions=True))
        assert len(costs.executions) == len(server.calls) == 3
        assert all(call.input_tokens and call.output_tokens and call.status == "completed" for call in costs.executions)
        view = await client.query(q.GetPage(page=page))
        text = (root / view.mirror).read_text("utf-8")
        assert "## Narration" in text
        assert "## Dialogue" in text
        assert second.text in text


async def test_the_feedback_and_the_draft_reach_the_model(client: InProcessClient, server: WireServer) -> None:
    page = await add_page(client)
    server.play(Step(text="Fog lay on the Throat."))
    await draft(client, page)
    await draft(client, page, c.Revise(page=page, feedback="Make the fog move.", quote="Fog lay"))
    said = json.dumps(server.calls[-1].body)
    assert "Make the fog move." in said
    assert "Fog lay on the Throat." in said


async def test_a_stale_decision_is_a_conflict_and_changes_nothing(client: InProcessClient) -> None:
    page = await add_page(client)
    await draft(client, page)
    seen = (await client.query(q.GetPage(page=page))).cells[0].head
    assert seen is not None
    await client.execute(c.Edit(page=page, stage="narration", text="My own words."))
    with pytest.raises(Conflict) as caught:
        await client.execute(c.Approve(page=page, revision=seen.id))
    assert caught.value.data["theirs"] == "My own words."
    assert (await client.query(q.GetPage(page=page))).state == "user_reviewing_narration"


async def test_the_sixth_model_revision_is_refused_and_an_own_edit_is_not(client: InProcessClient) -> None:
    page = await add_page(client)
    await draft(client, page)
    for number in range(5):
        await draft(client, page, c.Revise(page=page, feedback=f"Again, {number}."))
    with pytest.raises(LimitReached, match="5 model revisions") as caught:
        await client.execute(c.Revise(page=page, feedback="Once more."))
    assert "[limits] revisions" in caught.value.hint
    done = await client.execute(c.Edit(page=page, stage="narration", text="I write it myself."))
    assert done.state == "user_reviewing_narration"


async def test_a_request_sent_twice_acts_once(client: InProcessClient, server: WireServer) -> None:
    page = await add_page(client)
    one = await client.execute(c.Generate(page=page), request="key-1")
    two = await client.execute(c.Generate(page=page), request="key-1")
    assert one.run == two.run
    run = one.run or ""
    from tests.fakes.project import settled

    await settled(client, run)
    assert len(server.calls) == 1


async def test_approve_can_be_undone_and_the_later_text_stays(client: InProcessClient) -> None:
    page = await add_page(client)
    await draft(client, page)
    await client.execute(c.Approve(page=page))
    await draft(client, page)
    assert (await client.execute(c.Reopen(page=page))).state == "user_reviewing_narration"
    done = await client.execute(c.Approve(page=page))
    assert done.state == "user_reviewing_dialogue"


async def test_two_drafts_of_one_page_do_not_run_at_once(client: InProcessClient, server: WireServer) -> None:
    server.play(Step(delta_delay=0.2))
    page = await add_page(client)
    await client.execute(c.Generate(page=page))
    with pytest.raises(Refused):
        await client.execute(c.Generate(page=page))
    stopped = await client.execute(c.Stop(page=page))
    assert stopped.message == "Stopped; the text so far is kept."
