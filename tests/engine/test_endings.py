"""How a draft can end: each bad reply is named, kept, and cannot be approved by accident."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from studio.config.write import set_value
from studio.domain.errors import BudgetExceeded, Conflict, Refused
from studio.engine.inprocess import InProcessClient
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.workspace import streams
from tests.fakes.project import add_page, draft, opened, settled
from tests.fakes.wire_script import HOSTILE_TEXT, HTML, SCRIPTS, Fault, Finish, Step
from tests.fakes.wire_server import WireServer


@pytest.mark.parametrize(
    ("finish", "outcome"), [(Finish.LENGTH, "cut_off"), (Finish.REFUSAL, "refused"), (Finish.FILTER, "filtered")]
)
async def test_an_incomplete_reply_is_named_and_needs_a_second_word(
    client: InProcessClient, server: WireServer, finish: Finish, outcome: str
) -> None:
    page = await add_page(client)
    server.play(Step(text="Fog lay on the Throat and", finish=finish))
    run = await draft(client, page)
    assert run.outcome == outcome
    with pytest.raises(Refused):
        await client.execute(c.Approve(page=page))
    assert (await client.execute(c.Approve(page=page, anyway=True))).state == "generating_dialogue"


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.FIN, Fault.SILENT_END, Fault.BAD_JSON, Fault.ERROR_FRAME])
async def test_a_broken_stream_keeps_what_arrived(client: InProcessClient, server: WireServer, fault: Fault) -> None:
    page = await add_page(client)
    server.play(Step(deltas=("Fog ", "lay ", "on the Throat."), fault=fault, after=2))
    await draft(client, page)
    view = await client.query(q.GetPage(page=page))
    assert view.state == "interrupted_narration"
    assert view.cells[0].partial is not None
    assert view.cells[0].partial.text.startswith("Fog lay")


@pytest.mark.parametrize("step", [HTML, SCRIPTS["unauthorized"][0], SCRIPTS["redirect"][0], SCRIPTS["overflow"][0]])
async def test_a_refused_request_fails_in_one_sentence(client: InProcessClient, server: WireServer, step: Step) -> None:
    page = await add_page(client)
    server.play(step)
    run = await draft(client, page)
    assert run.status == "failed"
    assert run.error
    assert "Traceback" not in run.error
    assert (await client.query(q.GetPage(page=page))).state == "failed_narration"
    calls = (await client.query(q.GetCosts(executions=True))).executions
    assert [call.status for call in calls] == ["failed"]
    assert (await draft(client, page)).status == "completed"


async def test_each_try_is_a_row(client: InProcessClient, server: WireServer) -> None:
    page = await add_page(client)
    server.play(*SCRIPTS["overloaded"][:1])
    assert (await draft(client, page)).status == "completed"
    calls = (await client.query(q.GetCosts(executions=True))).executions
    assert sorted((call.attempt, call.status) for call in calls) == [(1, "failed"), (2, "completed")]
    assert len(server.calls) == 2


async def test_an_empty_answer_is_a_failure_with_a_name(client: InProcessClient, server: WireServer) -> None:
    page = await add_page(client)
    server.play(Step(text=""))
    run = await draft(client, page)
    assert (run.status, run.outcome) == ("failed", "empty")


async def test_dialogue_that_cannot_be_read_is_kept_verbatim(client: InProcessClient, server: WireServer) -> None:
    page = await add_page(client)
    await draft(client, page)
    await client.execute(c.Approve(page=page))
    server.play(Step(text="I would rather not write lines today."))
    run = await draft(client, page)
    assert run.outcome == "unparsed"
    head = (await client.query(q.GetPage(page=page))).cells[1].head
    assert head is not None
    assert head.text == "I would rather not write lines today."
    with pytest.raises(Refused):
        await client.execute(c.Approve(page=page))


async def test_no_control_byte_of_a_model_is_kept(client: InProcessClient, server: WireServer) -> None:
    page = await add_page(client)
    server.play(Step(text=HOSTILE_TEXT))
    await draft(client, page)
    head = (await client.query(q.GetPage(page=page))).cells[0].head
    assert head is not None
    assert not any((ord(sign) < 32 and sign not in "\n\t") or 0x7F <= ord(sign) < 0xA0 for sign in head.text)
    assert "[bold]door[/bold]" in head.text


async def test_stop_keeps_the_partial_and_continue_goes_on_from_it(
    client: InProcessClient, server: WireServer, root: Path
) -> None:
    page = await add_page(client)
    server.play(Step(deltas=tuple(f"word{n} " for n in range(200)), delta_delay=0.02))
    done = await client.execute(c.Generate(page=page))
    async with client.subscribe() as events:
        async for event in events:
            if type(event).__name__ == "Delta":
                break
    await asyncio.sleep(0.2)
    await client.execute(c.Stop(page=page))
    run = await settled(client, done.run or "")
    assert run.status == "stopped"
    partial = run.partial
    assert partial.startswith("word0 word1 ")
    assert streams.left_over(root) == ()
    server.play(Step(text="and the end."))
    await draft(client, page, c.Resume(page=page, action="continue"))
    head = (await client.query(q.GetPage(page=page))).cells[0].head
    assert head is not None
    assert head.text == (partial + "and the end.").strip()


async def test_keep_makes_the_partial_a_revision_and_discard_leaves_it_in_the_history(
    client: InProcessClient, server: WireServer
) -> None:
    page = await add_page(client)
    server.play(Step(deltas=("Fog ", "lay."), fault=Fault.RESET, after=2))
    await draft(client, page)
    kept = await client.execute(c.Resume(page=page, action="keep"))
    assert kept.state == "user_reviewing_narration"
    with pytest.raises(Refused):
        await client.execute(c.Approve(page=page))
    other = await add_page(client)
    server.play(Step(deltas=("Rain ", "fell."), fault=Fault.RESET, after=2))
    await draft(client, other)
    assert (await client.execute(c.Resume(page=other, action="discard"))).state == "generating_narration"
    assert (await client.query(q.GetHistory(page=other))).runs[0].partial == "Rain fell."


async def test_a_discarded_runs_text_can_be_made_a_revision_later(client: InProcessClient, server: WireServer) -> None:
    page = await add_page(client)
    server.play(Step(deltas=("Rain ", "fell."), fault=Fault.RESET, after=2))
    broken = await draft(client, page)
    await client.execute(c.Resume(page=page, action="discard"))
    server.play(Step(text="Snow lay on the quay."))
    await draft(client, page)
    newest = (await client.query(q.GetPage(page=page))).cells[0].head
    assert newest is not None
    with pytest.raises(Conflict):
        await client.execute(c.Restore(revision=broken.id, newest="another"))
    done = await client.execute(c.Restore(revision=broken.id, newest=newest.id))
    head = (await client.query(q.GetPage(page=page))).cells[0].head
    assert head is not None
    assert (head.id, head.number, head.text, head.run) == (done.revision, 2, "Rain fell.", broken.id)
    with pytest.raises(Refused):  # it is no whole text
        await client.execute(c.Approve(page=page))
    await client.execute(c.Restore(revision=newest.id, newest=head.id))
    await client.execute(c.Approve(page=page))
    with pytest.raises(Refused, match="approved"):
        await client.execute(c.Restore(revision=broken.id))
    assert (await client.query(q.GetPage(page=page))).cells[0].revisions == 3


async def test_of_a_stopped_dialogue_the_whole_lines_are_kept(client: InProcessClient, server: WireServer) -> None:
    page = await add_page(client)
    await draft(client, page)
    await client.execute(c.Approve(page=page))
    rows = '{"lines": [{"speaker": "ILSE", "text": "Forty-four.", "kind": "speech"}, {"speaker": "BR'
    server.play(Step(deltas=(rows, 'AM", "text"', ": "), fault=Fault.RESET, after=2))
    await draft(client, page)
    view = await client.query(q.GetPage(page=page))
    assert view.cells[1].partial is not None
    assert view.cells[1].partial.text == "ILSE (speech): Forty-four."
    await client.execute(c.Resume(page=page, action="keep"))
    head = (await client.query(q.GetPage(page=page))).cells[1].head
    assert head is not None
    assert head.text == "ILSE (speech): Forty-four."
    assert head.outcome == "interrupted"
    assert (await client.query(q.GetHistory(page=page))).runs[0].partial.startswith(rows)


async def test_feedback_of_a_revision_that_came_to_nothing_goes_into_the_next_one(
    client: InProcessClient, server: WireServer
) -> None:
    page = await add_page(client)
    await draft(client, page)
    server.play(*SCRIPTS["unauthorized"])
    run = await draft(client, page, c.Revise(page=page, feedback="Make it about the lamp."))
    assert run.status == "failed"
    assert (await client.query(q.GetPage(page=page))).state == "failed_narration"
    await draft(client, page, c.Revise(page=page, feedback="Warmer."))
    asked = str(server.calls[-1].body)
    assert "Make it about the lamp." in asked
    assert asked.index("Make it about the lamp.") < asked.index("Warmer.")
    notes = (await client.query(q.GetHistory(page=page))).feedback
    assert all(note.used for note in notes)


async def test_the_text_before_a_failed_revision_can_be_approved_and_the_request_repeated(
    client: InProcessClient, server: WireServer
) -> None:
    page = await add_page(client)
    await draft(client, page)
    before = (await client.query(q.GetPage(page=page))).cells[0].head
    server.play(*SCRIPTS["unauthorized"])
    await draft(client, page, c.Revise(page=page, feedback="Make it about the lamp."))
    again = await draft(client, page, c.Resume(page=page, action="continue"))
    assert (again.kind, again.status) == ("revise", "completed")
    assert "Make it about the lamp." in str(server.calls[-1].body)
    server.play(*SCRIPTS["unauthorized"])
    await draft(client, page, c.Revise(page=page, feedback="And the rain."))
    head = (await client.query(q.GetPage(page=page))).cells[0].head
    assert head is not None
    assert before is not None
    assert head.number == before.number + 1
    done = await client.execute(c.Approve(page=page, revision=head.id))
    assert done.state == "generating_dialogue"


async def test_a_request_to_an_agent_outside_is_answered_by_its_text(client: InProcessClient) -> None:
    page = await add_page(client)
    await client.execute(c.Deliver(page=page, stage="narration", text="Fog."))
    await client.execute(c.Revise(page=page, feedback="Rain, not fog.", generate=False))
    await client.execute(c.Deliver(page=page, stage="narration", text="Rain."))
    (note,) = (await client.query(q.GetHistory(page=page))).feedback
    assert note.used
    assert not note.resolved, "answered, not dismissed"


async def test_money_limits_are_asked_before_the_call(root: Path, env: dict[str, str], server: WireServer) -> None:
    set_value(root / "studio.toml", "limits.day_usd", 0.0000001)
    async with opened(root, env) as client:
        page = await add_page(client)
        with pytest.raises(BudgetExceeded, match="day_usd|limit"):
            await client.execute(c.Generate(page=page))
        assert (await client.query(q.GetPage(page=page))).state == "generating_narration"
    assert server.calls == []


async def test_drafts_that_begin_together_keep_a_limit_and_none_is_lost(
    root: Path, env: dict[str, str], server: WireServer
) -> None:
    """Each would find the whole budget unspent; they go one after another where two could pass it."""
    server.tokens_per_second = 300.0
    async with opened(root, env) as client:
        pages = [await add_page(client) for _ in range(4)]
        price = (await client.query(q.GetContext(page=pages[0]))).price_high
    assert price is not None
    set_value(root / "studio.toml", "limits.day_usd", price * 1.6)
    most = 0.0
    async with opened(root, env) as client, asyncio.timeout(60):
        runs = [(await client.execute(c.Generate(page=page))).run or "" for page in pages]
        ended: list[v.RunView] = []
        while len(ended) < len(runs):
            calls = (await client.query(q.GetCosts(executions=True))).executions
            most = max(most, sum(price if one.status == "running" else one.cost_usd or 0.0 for one in calls))
            ended = [one for run in runs if (one := await client.query(q.GetRun(run=run))).ended_at is not None]
            await asyncio.sleep(0.01)
    assert [one.status for one in ended] == ["completed"] * 4
    assert price <= most <= price * 1.6
