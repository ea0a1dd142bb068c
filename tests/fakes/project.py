"""A real project in a temporary folder, opened in process, with the scripted server behind both SDKs."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

from studio.engine.inprocess import InProcessClient
from studio.engine.opening import DATABASE, open_engine
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.store.migrate import packaged_steps
from studio.store.opening import open_database
from studio.store.transaction import utc_now
from studio.workspace import scaffold
from tests.fakes.wire_server import WireServer

AUTHOR = "ana"


def environment(server: WireServer, tmp_path: Path, api: str = "chat") -> dict[str, str]:
    """Variables that send one of the SDKs to the server, and every XDG folder into the test's own."""
    folders = {
        name: str(tmp_path / "xdg" / name)
        for name in ("STUDIO_CONFIG_HOME", "STUDIO_STATE_HOME", "STUDIO_CACHE_HOME", "STUDIO_DATA_HOME")
    }
    if api == "messages":
        keys = {"ANTHROPIC_API_KEY": "sk-ant-test-0123456789", "ANTHROPIC_BASE_URL": server.url}
    else:
        keys = {"OPENAI_API_KEY": "sk-test-0123456789", "OPENAI_BASE_URL": server.openai_url}
    # An engine process that a test forgets leaves by itself, 6 s after its last client.
    return {**folders, **keys, "STUDIO_MODELS_DIR": str(tmp_path / "models"), "STUDIO_ENGINE_IDLE_MINUTES": "0.1"}


def make_project(
    tmp_path: Path, name: str = "book", *, title: str = "The Lantern Ferry", workflow: str = "story"
) -> Path:
    """A new project, with the database that its first opening would make: that takes 40 ms of the processor, for each test."""
    root = tmp_path / name
    scaffold.create(root, title=title, workflow=workflow)
    database = scaffold.ensure_state(root) / DATABASE
    database.write_bytes(_empty_database())
    database.chmod(0o600)
    return root


@cache
def _empty_database() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / DATABASE
        open_database(path, packaged_steps(), utc_now).close()
        return path.read_bytes()


@asynccontextmanager
async def opened(
    root: Path, env: Mapping[str, str], actor: str = AUTHOR, *, watch: bool = True
) -> AsyncIterator[InProcessClient]:
    client = await InProcessClient.connect(lambda: open_engine(root, env=env, watch=watch), actor)
    try:
        yield client
    finally:
        await client.aclose()


async def add_page(client: InProcessClient, brief: str = "Ilse counts the rings. Bram drops the pole.") -> str:
    """A chapter with one page that has a brief; returns the page's id."""
    project = await client.query(q.GetProject())
    if not project.chapters:
        await client.execute(c.AddChapter(title="The Crossing"))
    done = await client.execute(c.AddPage(chapter="1", title="Fog", brief=brief))
    assert done.page is not None
    return done.page


async def draft(client: InProcessClient, page: str, command: c.AnyCommand | None = None) -> v.RunView:
    """Start a run (generate, unless another command is given) and wait for its end."""
    done = await client.execute(command or c.Generate(page=page))
    assert done.run is not None
    return await settled(client, done.run)


async def settled(client: InProcessClient, run: str, seconds: float = 120.0) -> v.RunView:
    """The run once it has ended."""
    wait = 0.02
    async with asyncio.timeout(seconds):
        while (view := await client.query(q.GetRun(run=run))).ended_at is None:
            await asyncio.sleep(wait)
            wait = min(wait * 1.3, 0.15)  # each question takes 3 ms of the processor that the run is waiting for
    return view


async def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until `condition()` holds."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)
