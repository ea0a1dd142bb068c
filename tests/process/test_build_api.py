"""A build over the workflow API whose gateway and engine are killed in the middle: no phase is lost, and no word of progress."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from studio.protocol import build_commands as bc
from studio.protocol import build_queries as bq
from studio.protocol import queries as q
from tests.fakes.engine_process import attached, end_engine, engine_pid, engines_of, kill_engine, whole
from tests.fakes.project import environment, until
from tests.fakes.wire_server import WireServer
from tests.server.build_walk import BASE, BEGIN, PAGE, PHASES, handed_in, make_app

COMMAND = [sys.executable, "-m", "studio.cli.main"]
TOLD = ("build.progress", "task.changed", "version.changed", "build.handoff", "finding.changed", "page.changed")


@dataclass(slots=True)
class Gateway:
    """One `studio serve`, and what was asked of it."""

    process: Process
    url: str
    token: str

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """Every request on a line of its own: the gateway may be another one by then."""
        headers = {"authorization": f"Bearer {self.token}"}
        async with httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=30, trust_env=False) as http:
            answer = await http.request(method, f"{BASE}/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def complete(self, workflow: str, phase: str) -> Any:
        return await self.ask("POST", "complete-phase", handed_in(workflow, phase))

    @contextlib.asynccontextmanager
    async def progress(self) -> AsyncIterator[ClientConnection]:
        headers = {"authorization": f"Bearer {self.token}"}
        address = f"{self.url.replace('http', 'ws', 1)}/api/progress"
        async with connect(address, additional_headers=headers, proxy=None) as socket:
            yield socket

    async def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()


@dataclass(slots=True)
class App:
    root: Path
    env: dict[str, str]
    gateways: list[Gateway] = field(default_factory=list)

    async def serve(self) -> Gateway:
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "serve", "--port", "0", "--json", cwd=self.root, env=self.env, stdout=PIPE, stderr=PIPE
        )
        assert process.stdout is not None
        async with asyncio.timeout(40):
            line = await process.stdout.readline()
        assert line, (await process.communicate())[1].decode()
        token = (self.root / ".studio" / "token").read_text().strip()
        self.gateways.append(Gateway(process, json.loads(line)["url"], token))
        return self.gateways[-1]


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with WireServer() as server:
        made = App(make_app(tmp_path), whole({**environment(server, tmp_path), "STUDIO_ENGINE_IDLE_MINUTES": "5"}))
        yield made
        for gateway in made.gateways:
            if gateway.process.returncode is None:
                await gateway.kill()
        await end_engine(made.root)
        kill_engine(made.root)
        await until(lambda: engines_of(made.root) == [])
        assert server.calls == []


class Reader:
    """The sender's own view: what it was told, and the sequence from which it goes on."""

    def __init__(self, workflow: str) -> None:
        self.workflow = workflow
        self.messages: list[Any] = []
        self.seq: int | None = None

    async def read(self, gateway: Gateway) -> None:
        """Until the line breaks or the build is complete."""
        async with gateway.progress() as socket:
            wanted: dict[str, object] = {"type": "subscribe-task", "taskId": self.workflow}
            await socket.send(json.dumps(wanted if self.seq is None else {**wanted, "after": self.seq}))
            with contextlib.suppress(ConnectionClosed):
                async for raw in socket:
                    if self._take(json.loads(raw)):
                        return

    def _take(self, message: dict[str, Any]) -> bool:
        assert message["type"] in ("status", "progress"), message
        self.seq = message["seq"]
        if message["type"] == "progress":
            self.messages.append(message)
        data = message["data"]
        return (data.get("ev"), data.get("status")) == ("build.progress", "completed")

    def has(self, words: str) -> bool:
        return any(words in message["message"] for message in self.messages)


async def journal(app: App, workflow: str, after: int, last: int) -> list[int]:
    """The sequences of the build's events that are told, as an engine reads them from the project."""
    found = []
    async with attached(app.root, app.env, stays=True) as client, client.subscribe(after) as events:
        async for event in events:
            tag = str(type(event).__struct_config__.tag)
            if event.seq and getattr(event, "page", None) == workflow and tag in TOLD:
                found.append(event.seq)
            if event.seq >= last:
                return found
    return found


async def test_a_build_outlives_its_gateway_and_its_engine_without_a_gap(app: App) -> None:
    first = await app.serve()
    workflow = (await first.ask("POST", "initialize", BEGIN))["workflow_id"]
    reader = Reader(workflow)
    reading = asyncio.create_task(reader.read(first))
    await until(lambda: reader.seq is not None)
    begun_at = reader.seq or 0
    await first.complete(workflow, "DISCOVERY")
    await first.complete(workflow, "PLANNING")
    await until(lambda: reader.has("discovery to planning"))

    engine = engine_pid(app.root)
    await first.kill()
    await reading
    assert engine_pid(app.root) == engine
    # What happens while nobody is told: a terminal changes the plan.
    async with attached(app.root, app.env, stays=True) as client:
        assert (await client.query(bq.GetBuild(page=workflow))).phase == "IMPLEMENTATION"
        board = await client.query(bq.GetTasks(page=workflow))
        await client.execute(bc.EditTask(task=board.tasks[0].id, title="The front page"))

    second = await app.serve()
    assert second.url != first.url
    repeated = await second.complete(workflow, "PLANNING")
    assert repeated["new_state"] == "IMPLEMENTATION"
    reading = asyncio.create_task(reader.read(second))
    await second.complete(workflow, "IMPLEMENTATION")
    await until(lambda: reader.has("implementation to testing"))

    assert kill_engine(app.root) == engine
    await second.complete(workflow, "TESTING")
    assert engine_pid(app.root) not in (None, engine)
    assert (await second.complete(workflow, "IMPLEMENTATION"))["new_state"] == "TESTING"
    await second.complete(workflow, "VERIFICATION")
    done = await second.complete(workflow, "DEPLOYMENT")
    assert (done["new_state"], done["is_complete"]) == ("COMPLETE", True)
    async with asyncio.timeout(30):
        await reading

    seqs = [message["seq"] for message in reader.messages]
    assert seqs == await journal(app, workflow, begun_at, seqs[-1])
    assert reader.has("Task The front page: edited.")
    assert [message["data"]["percent"] for message in reader.messages if "percent" in message["data"]][-1] == 100
    await shown(app, workflow)


async def shown(app: App, workflow: str) -> None:
    """The finished build as terminals show it: each stage approved with its one revision, one version, its files."""
    async with attached(app.root, app.env, stays=True) as client:
        page = await client.query(q.GetPage(page=workflow))
        assert page.state == "complete"
        assert [(cell.name.upper(), cell.status, cell.revisions) for cell in page.cells] == [
            (phase, "approved", 1) for phase in PHASES
        ]
        build = await client.query(bq.GetBuild(page=workflow))
        assert [(one.status, one.approved, one.files) for one in build.versions] == [("completed", True, 2)]
        assert len(build.handoffs) == len(PHASES)
    assert (app.root / "app" / "index.html").read_text("utf-8") == PAGE
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "show", "1/1", cwd=app.root, env={**app.env, "NO_COLOR": "1"}, stdout=PIPE, stderr=PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert "The discovery is done." in out.decode()


async def test_an_engine_killed_while_files_are_handed_in_ends_with_one_whole_version(app: App) -> None:
    gateway = await app.serve()
    workflow = (await gateway.ask("POST", "initialize", BEGIN))["workflow_id"]
    for phase in ("DISCOVERY", "PLANNING"):
        await gateway.complete(workflow, phase)
    files = [{"path": f"data/{number}.json", "content": json.dumps({"n": number})} for number in range(120)]
    body = {**handed_in(workflow, "IMPLEMENTATION"), "phase_result": {"files": files}}
    asking = asyncio.create_task(gateway.ask("POST", "complete-phase", body))
    await until(lambda: (app.root / "app" / "data").is_dir() and len(os.listdir(app.root / "app" / "data")) > 10)
    assert kill_engine(app.root) is not None
    async with asyncio.timeout(60):
        assert (await asking)["new_state"] == "TESTING"
    versions = (await gateway.ask("GET", f"{workflow}/versions"))["versions"]
    assert versions[0]["status"] == "completed"
    assert versions[0]["files"] == len(files)
    assert {one["status"] for one in versions[1:]} <= {"failed"}
    async with attached(app.root, app.env, stays=True) as client:
        history = await client.query(q.GetHistory(page=workflow))
        assert sum(one.stage == "implementation" for one in history.revisions) == 1
        for number in (0, 119):
            found = await client.query(bq.GetFile(path=f"data/{number}.json"))
            assert found.text is not None
            assert json.loads(found.text) == {"n": number}
