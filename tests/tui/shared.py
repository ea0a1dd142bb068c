"""Two people at one book: an engine process of its own with a scripted model behind it, and a workbench for each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from studio.client.socket_client import SocketClient
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.tui.options import WorkbenchOptions
from tests.fakes.engine_process import attached, end_engine, engines_of, kill_engine, whole
from tests.fakes.project import environment, make_project, until
from tests.fakes.wire_server import WireServer
from tests.tui.bench import Bench, bench

TEXT = (
    "Teodor Caul stood at the rail with his grey gloves folded.\n\n"
    '"Which ring?" he said.\n\n'
    "Bram coughed. The pole went out of his hands, and Ilse had it before it struck.\n"
)


@dataclass
class Seat:
    """One person's workbench and the client behind it."""

    at: Bench
    client: SocketClient

    @property
    def header(self) -> str:
        return self.at.app.workbench.header.lines[0].text


@dataclass
class Room:
    root: Path
    env: dict[str, str]
    server: WireServer
    client: SocketClient
    pages: list[str] = field(default_factory=list)

    async def page(self, number: int = 0) -> v.PageView:
        return await self.client.query(q.GetPage(page=self.pages[number]))

    @asynccontextmanager
    async def seat(
        self, author: str, *, size: tuple[int, int] = (120, 32), page: str | None = None, view: bool = False
    ) -> AsyncIterator[Seat]:
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(attached(self.root, self.env, author, view=view, stays=True))
            options = WorkbenchOptions(root=self.root, page=page, view=view)
            at = await stack.enter_async_context(bench(client, size=size, options=options))
            await at.until(lambda: at.app.session.page and at.app.session.people)
            yield Seat(at, client)


@asynccontextmanager
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    """A book of two pages; the narration of the first waits for its person. The engine ends with the block."""
    async with WireServer() as server:
        root = make_project(tmp_path)
        env = whole(environment(server, tmp_path))
        try:
            async with attached(root, env, "author", kind="command", stays=True) as client:
                made = Room(root, env, server, client)
                await client.execute(c.AddChapter(title="The Crossing"))
                for title in ("Fog", "The green lantern"):
                    done = await client.execute(c.AddPage(chapter="1", title=title, brief="Ilse counts the rings."))
                    made.pages.append(done.page or "")
                await client.execute(c.Deliver(page="1/1", stage="narration", text=TEXT))
                yield made
        finally:
            await end_engine(root)
            kill_engine(root)
            await until(lambda: engines_of(root) == [])
