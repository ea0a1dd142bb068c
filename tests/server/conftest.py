"""A real gateway on a free port of loopback, over a real project and the scripted model server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from studio.engine.inprocess import InProcessClient
from studio.protocol import commands as c
from studio.protocol.client import EngineClient
from studio.server.auth import Token
from studio.server.gateway import Gateway
from studio.server.limits import Limits
from studio.server.serving import listen, serve
from tests.fakes.project import environment, make_project, opened
from tests.fakes.wire_server import WireServer

TOKEN = "a-token-for-tests-0123456789"
BEARER = {"authorization": f"Bearer {TOKEN}"}
# Tests ask faster than a person's programs do.
FAST = {"rate": 10_000.0, "burst": 10_000.0}


@dataclass
class Running:
    url: str
    port: int
    gateway: Gateway
    client: EngineClient
    http: httpx2.AsyncClient

    async def get(self, path: str, **given: Any) -> Any:
        answer = await self.http.get(path, **given)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: object = None, **given: Any) -> Any:
        answer = await self.http.post(path, json=body, **given)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, status: int, method: str, path: str, body: object = None, **given: Any) -> Any:
        """The error of a request that must be refused with `status`, in the one shape that errors have."""
        answer = await self.http.request(method, path, json=body, **given)
        assert answer.status_code == status, answer.text
        told = answer.json()
        assert told["success"] is False
        assert {"code", "message", "hint"} <= told["error"].keys()
        return told["error"]

    async def state(self, page: str, wanted: str) -> Any:
        """The page's status, once it is in the state `wanted`."""
        async with asyncio.timeout(15):
            while (told := await self.get(f"/api/orchestrator/page/{page}/status"))["state"] != wanted:
                await asyncio.sleep(0.02)
        return told


@contextlib.asynccontextmanager
async def running(client: EngineClient, limits: Limits | None = None, token: str = TOKEN) -> AsyncIterator[Running]:
    up: asyncio.Future[Gateway] = asyncio.get_running_loop().create_future()
    listening = listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    serving = asyncio.ensure_future(
        serve(listening, Token(token, "the tests"), client, limits=limits or Limits(**FAST), started=up.set_result)
    )
    try:
        async with asyncio.timeout(10):
            gateway = await up
        url = f"http://127.0.0.1:{port}"
        async with httpx2.AsyncClient(base_url=url, headers=BEARER, timeout=20, trust_env=False) as http:
            yield Running(url, port, gateway, client, http)
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


@pytest.fixture
async def wire_server() -> AsyncIterator[WireServer]:
    async with WireServer() as server:
        yield server


@pytest.fixture
async def client(wire_server: WireServer, tmp_path: Path) -> AsyncIterator[InProcessClient]:
    async with opened(make_project(tmp_path), environment(wire_server, tmp_path)) as connected:
        await connected.execute(c.AddChapter(title="The Crossing"))
        yield connected


@pytest.fixture
async def gate(client: InProcessClient) -> AsyncIterator[Running]:
    async with running(client) as up:
        yield up


@pytest.fixture
def limited(client: InProcessClient) -> Callable[..., contextlib.AbstractAsyncContextManager[Running]]:
    """`limited(header_seconds=0.3)`: a gateway with other limits."""

    def start(**limits: Any) -> contextlib.AbstractAsyncContextManager[Running]:
        return running(client, Limits(**{**FAST, **limits}))

    return start
