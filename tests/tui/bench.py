"""The workbench over the fake engine, or over a real one with the scripted model server behind it: what the screen's tests start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from textual.pilot import Pilot

from studio.engine.inprocess import InProcessClient
from studio.protocol.client import EngineClient
from studio.tui.app import StudioApp
from studio.tui.options import WorkbenchOptions
from tests.fakes.project import environment, make_project, opened
from tests.fakes.wire_server import WireServer
from tests.tui.keys import burst, typed


@dataclass
class Bench:
    app: StudioApp
    pilot: Pilot[int]

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        await typed(self.pilot, text)

    async def burst(self, *keys: str) -> None:
        await burst(self.pilot, *keys)

    async def until(self, condition: Callable[[], object], seconds: float = 90.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                await self.pilot.pause(0.02)

    def screen(self) -> str:
        """What stands on the screen, a line per row."""
        return "\n".join("".join(part.text for part in strip) for strip in self.app.screen._compositor.render_strips())

    @property
    def message(self) -> str:
        return self.app.message.text if self.app.message else ""


@asynccontextmanager
async def bench(
    client: EngineClient, *, size: tuple[int, int] = (120, 32), options: WorkbenchOptions | None = None
) -> AsyncIterator[Bench]:
    async def connect() -> EngineClient:
        return client

    app = StudioApp(connect, options or WorkbenchOptions())
    try:
        async with app.run_test(size=size) as pilot:
            at = Bench(app, pilot)
            await at.until(lambda: app.session.project is not None and app._all_loaded and app.focused is not None)
            await pilot.pause()
            yield at
    finally:
        for task in app._tasks:
            task.cancel()


@asynccontextmanager
async def real(
    tmp_path: Path, *, size: tuple[int, int] = (120, 32)
) -> AsyncIterator[tuple[Bench, InProcessClient, WireServer]]:
    """An empty book in a temporary folder, with the scripted server as its model."""
    root = make_project(tmp_path)
    async with (
        WireServer() as server,
        opened(root, environment(server, tmp_path), watch=False) as client,
        bench(client, size=size) as at,
    ):
        yield at, client, server
