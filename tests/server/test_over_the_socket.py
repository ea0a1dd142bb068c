"""The gateway as a client of an engine process: the same answers as in process, and the work outlives the gateway."""

from __future__ import annotations

from pathlib import Path

from studio.protocol import commands as c
from studio.protocol import queries as q
from tests.fakes.engine_process import attached
from tests.fakes.project import environment, make_project
from tests.fakes.wire_script import Step
from tests.fakes.wire_server import WireServer
from tests.server.conftest import running

BASE = "/api/orchestrator"


async def test_a_draft_goes_on_when_the_gateway_ends_and_the_next_gateway_shows_it(
    wire_server: WireServer, tmp_path: Path
) -> None:
    wire_server.play(Step(text="The fog came up the river. " * 10, delta_delay=0.05))
    root, env = make_project(tmp_path), environment(wire_server, tmp_path)
    async with attached(root, env) as terminal:
        await terminal.execute(c.AddChapter(title="The Crossing"))
        async with attached(root, env, kind="gateway", stays=True) as client, running(client) as gate:
            told = await gate.post(f"{BASE}/start-page", {"chapterId": "1", "userInput": "Fog."})
            page = told["pageId"]
            assert told["runId"]
        async with attached(root, env, kind="gateway", stays=True) as client, running(client) as gate:
            await gate.state(page, "user_reviewing_narration")
            assert (await gate.post(f"{BASE}/page/{page}/approve-narration?generate=false"))["version"] == 1
        view = await terminal.query(q.GetPage(page=page))
        assert view.state == "generating_dialogue"
