"""The workbench over a real engine and a real project in a temporary folder, for tests that ask what was saved."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from textual.pilot import Pilot

from studio.engine.inprocess import InProcessClient
from studio.engine.opening import open_engine
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.tui.app import StudioApp
from studio.tui.editor import Editor
from studio.tui.options import WorkbenchOptions
from tests.fakes.project import make_project
from tests.tui.keys import typed

NARRATION = (
    "Teodor Caul stood at the rail with his grey gloves folded.\n\n"
    '"Which ring?" he said.\n\n'
    "Bram coughed. The pole went out of his hands, and Ilse had it before it struck.\n"
)


@dataclass
class Desk:
    app: StudioApp
    pilot: Pilot[int]
    client: InProcessClient
    root: Path
    page: str

    async def type(self, text: str) -> None:
        await typed(self.pilot, text)

    async def view(self) -> v.PageView:
        return await self.client.query(q.GetPage(page=self.page))

    async def until(self, condition: Callable[[], object], seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                await self.pilot.pause(0.02)

    async def kept(self, place: str) -> str:
        return next((words.text for words in (await self.view()).kept if words.place == place), "")


def private(tmp_path: Path) -> dict[str, str]:
    """An environment without keys, whose own folders lie in the test's."""
    names = ("STUDIO_CONFIG_HOME", "STUDIO_STATE_HOME", "STUDIO_CACHE_HOME", "STUDIO_DATA_HOME")
    return {name: str(tmp_path / "xdg" / name) for name in names}


async def client_for(root: Path, tmp_path: Path) -> InProcessClient:
    return await InProcessClient.connect(lambda: open_engine(root, env=private(tmp_path)), "ana")


@asynccontextmanager
async def desk(
    tmp_path: Path, *, size: tuple[int, int] = (100, 32), editor: Editor | None = None, text: str = NARRATION
) -> AsyncIterator[Desk]:
    """A book with one page whose narration waits for the person, on the screen."""
    root = tmp_path / "book"
    fresh = not root.exists()
    if fresh:
        make_project(tmp_path)
    client = await client_for(root, tmp_path)
    if fresh:
        await client.execute(c.AddChapter(title="The Crossing"))
        await client.execute(c.AddPage(chapter="1", title="Fog", brief="Ilse counts the rings."))
        await client.execute(c.Deliver(page="1/1", stage="narration", text=text))
    page = (await client.query(q.GetPage(page="1/1"))).id

    async def connect() -> InProcessClient:
        return client

    app = StudioApp(connect, WorkbenchOptions(root=root, editor=editor))
    try:
        async with app.run_test(size=size) as pilot:
            at = Desk(app, pilot, client, root, page)
            # What is offered at the start is said before the first key.
            await at.until(lambda: app.session.page is not None and app._all_loaded and app.focused is not None)
            await pilot.pause()
            yield at
    finally:
        for task in app._tasks:
            task.cancel()
        await client.aclose()
