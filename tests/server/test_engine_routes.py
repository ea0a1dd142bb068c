"""Commands, queries and views as they are, and requests that are sent twice."""

from __future__ import annotations

import asyncio

import msgspec

from studio.protocol import queries as q
from studio.protocol import views as v
from tests.server.conftest import Running

ADD = {"op": "page.add", "chapter": "1", "title": "Fog", "brief": "Ilse counts the rings."}


async def pages(gate: Running) -> int:
    project = await gate.client.query(q.GetProject())
    return sum(len(chapter.pages) for chapter in project.chapters)


async def test_a_command_is_carried_out_and_a_view_shows_it(gate: Running) -> None:
    done = await gate.post("/api/commands", ADD)
    assert done["state"] == "generating_narration"
    answer = await gate.get(f"/api/views/page?page={done['page']}")
    view = msgspec.convert(answer, v.PageView)
    assert view.brief is not None
    assert view.brief.text == ADD["brief"]


async def test_a_query_and_the_view_of_its_name_answer_the_same(gate: Running) -> None:
    asked = await gate.post("/api/queries", {"op": "costs", "by": "model"})
    assert asked == await gate.get("/api/views/costs?by=model")


async def test_a_query_cannot_be_sent_as_a_command_nor_a_command_as_a_query(gate: Running) -> None:
    await gate.refused(400, "POST", "/api/commands", {"op": "project"})
    await gate.refused(400, "POST", "/api/queries", ADD)
    await gate.refused(400, "POST", "/api/commands", {**ADD, "colour": "red"})
    await gate.refused(400, "POST", "/api/commands", {"chapter": "1"})
    assert await pages(gate) == 0


async def test_a_request_sent_again_acts_once_and_answers_the_same(gate: Running) -> None:
    key = {"idempotency-key": "k-1"}
    answers = await asyncio.gather(*(gate.post("/api/commands", ADD, headers=key) for _ in range(4)))
    assert all(answer == answers[0] for answer in answers)
    assert await pages(gate) == 1


async def test_a_key_that_was_used_for_another_request_is_refused(gate: Running) -> None:
    key = {"idempotency-key": "k-2"}
    await gate.post("/api/commands", ADD, headers=key)
    await gate.refused(422, "POST", "/api/commands", {**ADD, "title": "Other"}, headers=key)
    await gate.refused(400, "POST", "/api/commands", ADD, headers={"idempotency-key": "two words"})
    assert await pages(gate) == 1


async def test_a_decision_sent_again_after_the_page_went_on_answers_as_it_did(gate: Running) -> None:
    base = "/api/orchestrator"
    page = (await gate.post(f"{base}/start-page?generate=false", {"chapterId": "1", "userInput": "Fog."}))["pageId"]
    text, key = {"narrationText": "Fog lay on the Throat."}, {"idempotency-key": "k-3"}
    first = await gate.post(f"{base}/page/{page}/narration", text, headers=key)
    path = f"{base}/page/{page}/approve-narration?generate=false"
    approved = await gate.post(path, headers={"idempotency-key": "k-4"})
    await gate.post(f"{base}/page/{page}/dialogue", {"dialogueText": "ILSE: Forty-three."})
    assert await gate.post(f"{base}/page/{page}/narration", text, headers=key) == first
    again = await gate.post(path, headers={"idempotency-key": "k-4"})
    assert [again[name] for name in ("state", "revisionId")] == [approved[name] for name in ("state", "revisionId")]
    assert again["data"]["seq"] == approved["data"]["seq"]
    status = await gate.get(f"{base}/page/{page}/status")
    assert (status["state"], status["data"]["stages"][0]["revisions"]) == ("user_reviewing_dialogue", 1)


async def test_a_start_sent_again_makes_one_page_and_one_draft(gate: Running) -> None:
    body, key = {"chapterId": "1", "userInput": "Fog."}, {"idempotency-key": "k-5"}
    first = await gate.post("/api/orchestrator/start-page", body, headers=key)
    await gate.state(first["pageId"], "user_reviewing_narration")
    assert await gate.post("/api/orchestrator/start-page", body, headers=key) == first
    history = await gate.client.query(q.GetHistory(page=first["pageId"]))
    assert len(history.runs) == 1
    assert await pages(gate) == 1
