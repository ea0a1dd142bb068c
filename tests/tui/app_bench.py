"""The workbench over a real engine with a project of an application, whose roles are scripted: what the app's tests start."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from studio.engine.inprocess import InProcessClient
from studio.protocol import build_queries as bq
from studio.protocol import build_views as bv
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.tui.options import WorkbenchOptions
from tests.fakes.app_at import app_at, begun, make_app
from tests.fakes.app_roles import Roles
from tests.fakes.project import draft, environment, opened
from tests.fakes.wire_server import WireServer
from tests.tui.bench import Bench, bench


@dataclass
class Shop:
    """A change of the corner shop on the screen."""

    at: Bench
    client: InProcessClient
    server: WireServer
    root: Path
    page: str

    async def view(self) -> v.PageView:
        return await self.client.query(q.GetPage(page=self.page))

    async def tasks(self) -> tuple[bv.TaskView, ...]:
        return (await self.client.query(bq.GetTasks(page=self.page))).tasks

    async def through(self, to: str) -> None:
        """Draft and approve, without the keys, until the page is in state `to`, and have it so on the screen."""
        for _ in range(20):
            view = await self.view()
            if view.state == to:
                break
            if view.phase == "generating":
                run = await draft(self.client, self.page)
                assert run.status == "completed", (view.stage, run.error, run.hint)
            else:
                await self.client.execute(c.Approve(page=self.page, anyway=True))
        await self.shows(to)

    async def shows(self, state: str) -> None:
        """Wait until the page stands at `state` on the screen."""
        watch = self.at.app.board
        await self.at.until(lambda: self.state == state and watch.build is not None and watch.build.state == state)

    @property
    def state(self) -> str:
        page = self.at.app.session.page
        return page.state if page is not None else ""

    @property
    def phase(self) -> str:
        page = self.at.app.session.page
        return page.phase if page is not None else ""

    async def drafted(self, stage: str) -> None:
        """Ask for the draft by its two keys and wait until it waits for the person."""
        await self.at.press("g")
        await self.at.until(lambda: self.at.app.pending)
        await self.at.press("g")
        await self.at.until(lambda: self.state == f"user_reviewing_{stage}", 40)

    async def opened(self, key: str, name: str, ready: Callable[[str], bool] = bool) -> None:
        """Press `key` and wait until the screen `name` shows its rows."""
        await self.at.press(key)
        await self.at.until(lambda: type(self.at.app.screen).__name__ == name)
        screen = self.at.app.screen
        await self.at.until(lambda: screen.loaded and ready(self.at.screen()))  # type: ignore[attr-defined]
        await self.at.pilot.pause()


@asynccontextmanager
async def shop(
    tmp_path: Path,
    *,
    roles: Roles | None = None,
    settings: str = "",
    check: str = "",
    size: tuple[int, int] = (120, 40),
    options: WorkbenchOptions | None = None,
    begin: bool = True,
    stands: str = "",
) -> AsyncIterator[Shop]:
    """A project of an application, with one change, which stands at the state `stands`, else is begun unless `begin` is False;
    `settings` and the `check` command go into studio.toml."""
    roles = roles or Roles(pause=0.0)
    root, page = await app_at(tmp_path, stands, roles) if stands else (make_app(tmp_path), "")
    toml = root / "studio.toml"
    written = toml.read_text().replace("[app]\n", f"[app]\ncheck = {check!r}\n" if check else "[app]\n", 1)
    toml.write_text(f"{written}\n{settings}\n", encoding="utf-8")
    async with (
        WireServer(respond=roles) as server,
        opened(root, environment(server, tmp_path), watch=False) as client,
    ):
        if begin and not page:
            page = await begun(client)
        async with bench(client, size=size, options=options) as at:
            made = Shop(at, client, server, root, page)
            if begin:
                await at.until(lambda: at.app.session.page)
            if stands:
                await made.shows(stands)
            yield made
