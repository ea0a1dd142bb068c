"""A project with a scripted model service, whose engine process ends with the test, whatever the test did to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from studio.client.socket_client import SocketClient
from studio.protocol import commands as c
from studio.protocol import events as e
from tests.fakes.engine_process import end_engine, engines_of, kill_engine, whole
from tests.fakes.project import add_page, environment, make_project, until
from tests.fakes.wire_script import Step
from tests.fakes.wire_server import WireServer

ONE_START = """
import asyncio, sys
from pathlib import Path
from studio.client.attach import attach
from studio.protocol import queries as q
async def main():
    client = await attach(Path(sys.argv[1]))
    await client.query(q.GetProject())
    print(client.hello.engine_pid)
    await client.aclose()
asyncio.run(main())
"""
"""A program that attaches once and prints the engine's process."""


@dataclass(slots=True)
class Desk:
    """One project on disk, its environment and the service behind it."""

    root: Path
    env: dict[str, str]
    server: WireServer

    def set_idle(self, minutes: float) -> None:
        self.env["STUDIO_ENGINE_IDLE_MINUTES"] = str(minutes)

    def words(self, count: int = 150, delay: float = 0.02) -> str:
        """The next draft streams `count` words with a pause before each; the whole text."""
        pieces = tuple(f"word{n} " for n in range(count))
        self.server.play(Step(deltas=pieces, delta_delay=delay))
        return "".join(pieces)

    async def start_draft(self, client: SocketClient) -> tuple[str, str]:
        """A page whose draft runs: its id and the run's."""
        page = await add_page(client)
        done = await client.execute(c.Generate(page=page))
        assert done.run is not None
        async with client.subscribe() as events:
            async for event in events:
                if isinstance(event, e.Delta | e.RunSnapshot) and event.text:
                    break
        return page, done.run


@pytest.fixture
async def server() -> AsyncIterator[WireServer]:
    async with WireServer() as running:
        yield running


@pytest.fixture
async def desk(server: WireServer, tmp_path: Path) -> AsyncIterator[Desk]:
    root = make_project(tmp_path)
    made = Desk(root, whole(environment(server, tmp_path)), server)
    yield made
    await end_engine(made.root)
    kill_engine(made.root)
    await until(lambda: engines_of(root) == [])
