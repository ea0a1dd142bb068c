"""The Story API: a page from its brief to approved, with the program's drafts and with those of an agent outside."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from studio.protocol import commands as c
from studio.protocol import queries as q
from tests.fakes.wire_script import Finish, Step
from tests.fakes.wire_server import WireServer
from tests.server.conftest import Running

BASE = "/api/orchestrator"
FOG = "Fog lay on the Throat. Ilse counted the rings, and the forty-fourth was missing."
LINES = [
    {"speaker": "ILSE", "text": "Forty-three.", "kind": "speech"},
    {"speaker": "BRAM", "text": "She counts too loud.", "kind": "thought"},
]


async def start(gate: Running, *, generate: bool = False) -> str:
    body = {"chapterId": "1", "userInput": "Ilse counts the rings."}
    told = await gate.post(f"{BASE}/start-page?generate={str(generate).lower()}", body)
    assert told["success"] is True
    assert told["state"] == "generating_narration"
    return str(told["pageId"])


async def reviewed(gate: Running) -> str:
    """A page whose narration, handed in from outside, waits for a review."""
    page = await start(gate)
    await gate.post(f"{BASE}/page/{page}/narration", {"narrationText": FOG})
    return page


async def test_a_page_is_drafted_reviewed_and_approved_by_named_routes(gate: Running) -> None:
    page = await start(gate, generate=True)
    told = await gate.state(page, "user_reviewing_narration")
    assert told["version"] == 1
    assert told["narration"]
    revised = await gate.post(f"{BASE}/page/{page}/revise-narration", {"feedbackText": "Shorter."})
    assert revised["state"] == "generating_narration"
    assert revised["feedbackId"]
    assert (await gate.state(page, "user_reviewing_narration"))["version"] == 2
    approved = await gate.post(f"{BASE}/page/{page}/approve-narration")
    assert approved["state"] == "generating_dialogue"
    assert approved["runId"]
    told = await gate.state(page, "user_reviewing_dialogue")
    assert told["data"]["stages"][1]["lines"]
    assert (await gate.post(f"{BASE}/page/{page}/approve-dialogue"))["state"] == "page_approved"
    saved = await gate.client.query(q.GetPage(page=page))
    assert [cell.status for cell in saved.cells] == ["approved", "approved"]


async def test_an_agent_outside_writes_every_text_and_no_model_is_asked(gate: Running, wire_server: WireServer) -> None:
    page = await start(gate)
    body = {"narrationText": FOG, "agentModel": "quill-2", "tokensUsed": 412}
    told = await gate.post(f"{BASE}/page/{page}/narration", body)
    assert (told["state"], told["version"]) == ("user_reviewing_narration", 1)
    told = await gate.post(f"{BASE}/page/{page}/revise-narration?generate=false", {"feedbackText": "Less fog."})
    assert told["state"] == "generating_narration"
    told = await gate.post(
        f"{BASE}/page/{page}/narration", {"narrationText": "Forty-three rings.", "agentModel": "quill-2"}
    )
    assert told["version"] == 2
    told = await gate.post(f"{BASE}/page/{page}/approve-narration?generate=false", {})
    assert (told["state"], told["runId"]) == ("generating_dialogue", None)
    told = await gate.post(f"{BASE}/page/{page}/dialogue", {"lines": LINES})
    assert told["state"] == "user_reviewing_dialogue"
    await gate.post(f"{BASE}/page/{page}/revise-dialogue?generate=false", {"feedbackText": "One line is enough."})
    await gate.post(f"{BASE}/page/{page}/dialogue", {"dialogueText": "ILSE (speech): Forty-three."})
    assert (await gate.post(f"{BASE}/page/{page}/approve-dialogue"))["state"] == "page_approved"
    assert wire_server.calls == []
    history = await gate.get(f"{BASE}/page/{page}/history")
    first = next(one for one in history["revisions"] if one["text"] == FOG)
    assert (first["origin"], first["model"], first["author"]) == ("outside", "quill-2", "quill-2")
    assert "412" in first["note"]
    assert {one["text"] for one in history["feedback"]} == {"Less fog.", "One line is enough."}


async def test_a_text_from_outside_stops_the_live_draft_and_its_partial_is_kept(
    gate: Running, wire_server: WireServer
) -> None:
    wire_server.play(Step(deltas=("The river ", *["rose "] * 400), delta_delay=0.05))
    page = await start(gate, generate=True)
    async with asyncio.timeout(10):
        while not ((await gate.get(f"{BASE}/page/{page}/status"))["data"]["stages"][0]["live"] or {}).get("text"):
            await asyncio.sleep(0.02)
    told = await gate.post(f"{BASE}/page/{page}/narration", {"narrationText": FOG})
    assert told["state"] == "user_reviewing_narration"
    history = await gate.get(f"{BASE}/page/{page}/history")
    assert history["revisions"][0]["text"] == FOG
    (run,) = history["data"]["runs"]
    assert run["status"] == "stopped"
    assert run["partial"].startswith("The river ")


async def test_a_text_that_is_refused_stops_no_draft(gate: Running, wire_server: WireServer) -> None:
    wire_server.play(Step(deltas=("The river ", *["rose "] * 400), delta_delay=0.05))
    page = await start(gate, generate=True)
    await gate.refused(422, "POST", f"{BASE}/page/{page}/narration", {"narrationText": "   "})
    await gate.refused(409, "POST", f"{BASE}/page/{page}/dialogue", {"lines": LINES})
    assert (await gate.get(f"{BASE}/page/{page}/status"))["state"] == "generating_narration"
    stopped = await gate.post(f"{BASE}/page/{page}/stop")
    assert stopped["message"]
    await gate.post(f"{BASE}/page/{page}/narration", {"narrationText": FOG})


async def test_a_failed_draft_is_replaced_from_outside(gate: Running, wire_server: WireServer) -> None:
    wire_server.play(*[Step(status=401, error_message="no")] * 4)
    page = await start(gate, generate=True)
    told = await gate.state(page, "failed_narration")
    assert "failed" in told["message"]
    (finding,) = (await gate.get(f"{BASE}/page/{page}/findings"))["findings"]
    assert (finding["severity"], finding["source"]) == ("error", "program")
    told = await gate.post(f"{BASE}/page/{page}/narration", {"narrationText": FOG})
    assert told["state"] == "user_reviewing_narration"


async def test_a_text_under_review_is_not_replaced_from_outside(gate: Running) -> None:
    page = await reviewed(gate)
    error = await gate.refused(409, "POST", f"{BASE}/page/{page}/narration", {"narrationText": "Other."})
    assert error["data"]["state"] == "user_reviewing_narration"
    assert (await gate.get(f"{BASE}/page/{page}/status"))["narration"] == FOG


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("start-page", {"chapterId": "1", "userInput": "x", "state": "page_approved"}),
        ("page/next/narration", {"narrationText": "x", "state": "page_approved"}),
        ("page/next/approve-narration", {"state": "page_approved"}),
    ],
)
async def test_a_client_can_set_no_state(gate: Running, path: str, body: object) -> None:
    page = await reviewed(gate)
    error = await gate.refused(400, "POST", f"{BASE}/{path}", body)
    assert "state" in error["message"]
    assert (await gate.get(f"{BASE}/page/{page}/status"))["state"] == "user_reviewing_narration"


async def test_approving_one_stage_never_approves_another(gate: Running) -> None:
    page = await reviewed(gate)
    await gate.post(f"{BASE}/page/{page}/approve-narration?generate=false")
    await gate.post(f"{BASE}/page/{page}/dialogue", {"lines": LINES})
    error = await gate.refused(409, "POST", f"{BASE}/page/{page}/approve-narration")
    assert "user_reviewing_dialogue" in error["message"]
    assert (await gate.get(f"{BASE}/page/{page}/status"))["state"] == "user_reviewing_dialogue"


async def test_deciding_on_an_older_revision_is_a_conflict_that_shows_the_newer_one(gate: Running) -> None:
    page = await reviewed(gate)
    seen = (await gate.get(f"{BASE}/page/{page}/status"))["data"]["stages"][0]["revisionId"]
    await gate.client.execute(c.Edit(page=page, stage="narration", text="A person wrote this."))
    error = await gate.refused(409, "POST", f"{BASE}/page/{page}/approve-narration", {"revisionId": seen})
    assert error["code"] == "conflict"
    assert error["data"]["theirs"] == "A person wrote this."


async def test_a_page_stays_when_its_first_draft_cannot_start(gate: Running, wire_server: WireServer) -> None:
    body = {"chapterId": "1", "userInput": "Ilse counts.", "model": "nobody:nothing"}
    told = await gate.post(f"{BASE}/start-page", body)
    assert told["success"] is True
    assert told["data"]["draftError"]["code"]
    assert told["data"]["draftError"]["message"] in told["message"]
    assert (await gate.get(f"{BASE}/page/{told['pageId']}/status"))["data"]["brief"] == "Ilse counts."


async def test_an_earlier_revision_is_restored_and_that_of_another_page_is_not(gate: Running) -> None:
    page, other = await reviewed(gate), await reviewed(gate)
    await gate.client.execute(c.Edit(page=page, stage="narration", text="Second."))
    told = await gate.post(f"{BASE}/page/{page}/restore", {"stage": "narration", "version": 1})
    assert told["version"] == 3
    status = await gate.get(f"{BASE}/page/{page}/status")
    assert status["narration"] == FOG
    foreign = (await gate.get(f"{BASE}/page/{other}/status"))["data"]["stages"][0]["revisionId"]
    await gate.refused(404, "POST", f"{BASE}/page/{page}/restore", {"revisionId": foreign})
    await gate.refused(422, "POST", f"{BASE}/page/{page}/restore", {})


async def test_the_context_is_what_an_agent_would_be_sent(gate: Running) -> None:
    page = await start(gate)
    told = await gate.get(f"{BASE}/page/{page}/context")
    assert told["stage"] == "narration"
    assert any("Ilse counts the rings." in message["text"] for message in told["messages"])
    assert told["tokens"] > 0


async def test_chapters_and_pages_are_listed_with_their_progress(gate: Running) -> None:
    page = await reviewed(gate)
    await gate.post(f"{BASE}/page/{page}/approve-narration?generate=false")
    (chapter,) = (await gate.get(f"{BASE}/chapters"))["chapters"]
    assert (chapter["pages"], chapter["approved"], chapter["progress"]) == (1, 0, 0.5)
    told = await gate.get(f"{BASE}/chapter/{chapter['chapterId']}/pages")
    assert [one["pageId"] for one in told["pages"]] == [page]
    await gate.refused(404, "GET", f"{BASE}/chapter/none/pages")


async def test_an_incomplete_text_is_a_finding_and_needs_a_second_word(gate: Running, wire_server: WireServer) -> None:
    wire_server.play(Step(finish=Finish.LENGTH))
    page = await start(gate, generate=True)
    await gate.state(page, "user_reviewing_narration")
    told = await gate.get(f"{BASE}/page/{page}/findings")
    assert told["data"]["reviewed"] is False
    assert [one["severity"] for one in told["findings"]] == ["warning"]
    await gate.refused(409, "POST", f"{BASE}/page/{page}/approve-narration")
    told = await gate.post(f"{BASE}/page/{page}/approve-narration?generate=false", {"anyway": True})
    assert told["state"] == "generating_dialogue"


async def test_costs_are_told_by_page_and_for_the_book(gate: Running) -> None:
    page = await start(gate, generate=True)
    await gate.state(page, "user_reviewing_narration")
    told = await gate.get(f"{BASE}/page/{page}/costs")
    assert told["total"]["calls"] == 1
    assert [row["key"] for row in told["costs"]] == ["narration"]
    assert (await gate.get(f"{BASE}/costs?by=model"))["total"]["outputTokens"] > 0


@pytest.mark.parametrize(
    ("status", "method", "path", "body"),
    [
        (404, "GET", "page/none/status", None),
        (404, "POST", "start-page", {"chapterId": "none", "userInput": "x"}),
        (422, "POST", "start-page", {"chapterId": "1", "userInput": "  "}),
        (400, "POST", "start-page", {"chapterId": "1"}),
        (400, "POST", "start-page", {"chapterId": 1, "userInput": "x"}),
        (400, "POST", "start-page?generte=false", {"chapterId": "1", "userInput": "x"}),
        (400, "POST", "start-page?generate=perhaps", {"chapterId": "1", "userInput": "x"}),
        (422, "POST", "page/next/dialogue", {}),
        (422, "POST", "page/next/dialogue", {"lines": [], "dialogueText": None}),
        (422, "POST", "page/next/dialogue", {"lines": LINES, "dialogueText": "A: b"}),
        (400, "POST", "page/next/dialogue", {"lines": [{"speaker": "A", "text": "b", "kind": "shout"}]}),
        (400, "POST", "page/next/narration", {"narrationText": "x", "tokensUsed": -1}),
        (409, "POST", "page/next/stop", None),
        (404, "GET", "nothing", None),
        (405, "GET", "start-page", None),
    ],
)
async def test_what_cannot_be_done_is_refused_with_its_status(
    gate: Running, status: int, method: str, path: str, body: Any
) -> None:
    await start(gate)
    await gate.refused(status, method, f"{BASE}/{path}", body)
