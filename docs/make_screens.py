"""Makes the pictures under `docs/screens/`: the real program over the example book, with the scripted server as its model.

python docs/make_screens.py
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from studio.engine.inprocess import InProcessClient
from studio.engine.opening import open_engine
from studio.protocol import build_commands as b
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.tui.app import StudioApp
from studio.tui.options import WorkbenchOptions
from studio.workspace import scaffold
from tests.fakes.app_roles import Roles
from tests.fakes.project import draft, environment, settled
from tests.fakes.wire_script import Step
from tests.fakes.wire_server import WireServer

PAGE = """\
Caul Steps came up out of the fog one stair at a time. On the lowest dry one a man stood under the green lantern, \
with no servant and no lamp of his own, and did not move when the Wren's bow touched the stone.

Ilse laid the plank. She held out her left hand. Teodor Caul looked at it for as long as it takes to read a price, \
and came aboard without it.

Bram bowed lower than he needed to and found work in the bow.

"How long," said Teodor, "is the stand?"

He stayed on his feet amidships, both gloves on, while the water drew its rings around the boat and let them go."""
SECOND = PAGE.replace(
    "He stayed on his feet amidships, both gloves on, while the water drew its rings around the boat and let them go.",
    "He stayed on his feet amidships, both gloves on. Ilse took up the cord and began to count.",
)
SIZES = ((80, 24), (120, 40), (160, 48))


async def book(root: Path, server: WireServer, folder: Path) -> InProcessClient:
    """The example, with a third page whose narration was drafted, commented and revised."""
    scaffold.copy_sample("lantern-ferry", root)
    env = environment(server, folder)
    client = await InProcessClient.connect(lambda: open_engine(root, env=env), "ana")
    await client.execute(c.ImportBook(path="book.toml"))
    server.play(Step(text=PAGE))
    await draft(client, "1/3")
    head = (await client.query(q.GetPage(page="1/3"))).cells[0].head
    assert head is not None
    await client.execute(c.Comment(revision=head.id, text="Keep this line.", quote='"How long," said Teodor'))
    server.play(Step(text=SECOND))
    await draft(client, "1/3", c.Revise(page="1/3", feedback="End on something a person does."))
    return client


async def settle(app: StudioApp, pilot: object) -> None:
    for _ in range(100):
        await asyncio.sleep(0.05)
        if app.session.page is not None and app.focused is not None:
            break
    await asyncio.sleep(1.0)


async def picture(
    name: str, client: InProcessClient, root: Path, size: tuple[int, int], *keys: str, page: str = "1/3"
) -> None:
    async def connect() -> InProcessClient:
        return client

    app = StudioApp(connect, WorkbenchOptions(root=root, page=page))
    async with app.run_test(size=size) as pilot:
        await settle(app, pilot)
        for key in keys:
            await pilot.press(key)
            await asyncio.sleep(0.6)
        svg = app.export_screenshot(title="studio")
    path = HERE / "screens" / f"{name}-{size[0]}x{size[1]}.svg"
    path.write_text(svg.replace("<text ", '<text xml:space="preserve" '), encoding="utf-8")
    print(path.relative_to(HERE.parent))


async def shop(root: Path, server: WireServer, folder: Path) -> InProcessClient:
    """An application whose plan is approved, so that the work on its files comes next."""
    scaffold.create(root, title="Corner shop", workflow="app")
    client = await InProcessClient.connect(lambda: open_engine(root, env=environment(server, folder)), "ana")
    await client.execute(b.StartBuild(requirements="A corner shop with a cart and its total.", title="The shop"))
    for _ in range(2):
        await draft(client, "1/1")
        await client.execute(c.Approve(page="1/1"))
    return client


async def application(folder: Path) -> None:
    """The board with workers at it, then files, findings and versions of what they made."""
    root = folder / "shop"
    async with WireServer(respond=Roles(pause=1.0)) as server:
        client = await shop(root, server, folder)
        try:
            run = (await client.execute(c.Generate(page="1/1"))).run or ""
            await asyncio.sleep(2.2)
            await picture("board", client, root, (120, 40), page="1/1")
            await settled(client, run, 60.0)
            await picture("files", client, root, (120, 40), "f", "j", page="1/1")
            await picture("tool-log", client, root, (120, 40), "T", "k", page="1/1")
            await picture("versions", client, root, (80, 24), "V", page="1/1")
        finally:
            await client.aclose()


async def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        await application(folder)
        root = folder / "lantern-ferry"
        async with WireServer() as server:
            client = await book(root, server, folder)
            try:
                for size in SIZES:
                    await picture("workbench", client, root, size)
                await picture("revise", client, root, (120, 40), "r")
                await picture("diff", client, root, (120, 40), "d")
                await picture("context", client, root, (120, 40), "1", "enter")
            finally:
                await client.aclose()


if __name__ == "__main__":
    asyncio.run(main())
