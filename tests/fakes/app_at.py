"""Applications whose first change has come to a certain state: made once per test run, and copied by each test that begins there."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from studio.engine.inprocess import InProcessClient
from studio.protocol import build_commands as b
from studio.protocol import commands as c
from studio.protocol import queries as q
from tests.fakes.app_roles import Roles
from tests.fakes.project import draft, environment, make_project, opened
from tests.fakes.wire_server import WireServer

STATES = (
    "user_reviewing_planning",
    "generating_implementation",
    "user_reviewing_implementation",
    "user_reviewing_testing",
    "user_reviewing_verification",
    "complete",
)
"""Those that can be begun at, in the order in which a change comes to them."""


def make_app(tmp_path: Path) -> Path:
    """A new, empty application."""
    return make_project(tmp_path, "shop", title="Corner shop", workflow="app")


async def begun(client: InProcessClient, request: str = "A corner shop with a cart.") -> str:
    done = await client.execute(b.StartBuild(requirements=request, title="The shop"))
    assert done.page is not None
    return done.page


async def through(client: InProcessClient, page: str, *, to: str = "complete") -> None:
    """Draft and approve stage by stage until the page is in state `to`."""
    for _ in range(20):
        view = await client.query(q.GetPage(page=page))
        if view.state == to:
            return
        if view.phase == "generating":
            run = await draft(client, page)
            assert run.status == "completed", (view.stage, run.error, run.hint)
        else:
            await client.execute(c.Approve(page=page, anyway=True))
    raise AssertionError("it never came to its end")


async def app_at(tmp_path: Path, state: str, roles: Roles) -> tuple[Path, str]:
    """A project in `tmp_path`, and the id of its change, which stands at `state`. `roles` then know what they have done already.

    Taken there by roles of the same kind, of which `list` fails once and `total` is broken once unless `roles` say otherwise.
    """
    shared = (tmp_path.parent.parent if os.environ.get("PYTEST_XDIST_WORKER") else tmp_path.parent) / "applications"
    kind = shared / ("mishaps" if roles.failing else "smooth")
    await asyncio.to_thread(kind.mkdir, parents=True, exist_ok=True)
    async with _alone(kind):
        made = await _made(kind, STATES.index(state))
    root = tmp_path / "shop"
    await asyncio.to_thread(shutil.copytree, made / "shop", root, symlinks=True)
    roles.failed = roles.broke = STATES.index(state) > STATES.index("generating_implementation")
    return root, (made / "page").read_text()


async def _made(kind: Path, number: int) -> Path:
    """The folder that is copied for the state of this number, made from the one before where it is not there yet."""
    place = kind / STATES[number]
    if place.exists():
        return place
    before = await _made(kind, number - 1) if number else None
    making = kind / "making"
    shutil.rmtree(making, ignore_errors=True)  # left by a test that was broken off
    if before is None:
        making.mkdir()
        root = make_app(making)
    else:
        await asyncio.to_thread(shutil.copytree, before, making, symlinks=True)
        root = making / "shop"
    roles = Roles(pause=0.0) if kind.name == "mishaps" else Roles(failing="", broken="", pause=0.0)
    async with (
        WireServer(respond=roles) as server,
        opened(root, environment(server, making), watch=False) as client,
    ):
        page = (making / "page").read_text() if before else await begun(client)
        await through(client, page, to=STATES[number])
    (making / "page").write_text(page)
    making.rename(place)
    return place


@asynccontextmanager
async def _alone(folder: Path) -> AsyncIterator[None]:
    """While no other process of the test run is in here."""
    with (folder / "lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(0.1)
        yield
