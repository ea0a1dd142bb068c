"""The plain-text mirror: written on approval, edited by any program, read back; nothing is overwritten before it is kept."""

from __future__ import annotations

from pathlib import Path

from studio.engine.inprocess import InProcessClient
from studio.protocol import commands as c
from studio.protocol import queries as q
from tests.fakes.project import add_page, draft, opened
from tests.fakes.wire_script import Step
from tests.fakes.wire_server import WireServer


async def approved(client: InProcessClient, server: WireServer, text: str = "Fog lay on the Throat.") -> str:
    page = await add_page(client)
    server.play(Step(text=text))
    await draft(client, page)
    await client.execute(c.Approve(page=page))
    await draft(client, page)
    await client.execute(c.Approve(page=page))
    return page


async def file_of(client: InProcessClient, root: Path, page: str) -> Path:
    return root / (await client.query(q.GetPage(page=page))).mirror


async def test_an_edit_while_the_studio_is_closed_becomes_a_revision(
    root: Path, env: dict[str, str], server: WireServer
) -> None:
    async with opened(root, env) as client:
        page = await approved(client, server)
        path = await file_of(client, root, page)
    path.write_text(path.read_text().replace("Fog lay", "Thick fog lay"))
    async with opened(root, env) as client:
        await client.query(q.GetCanon())  # the first answer after the files were read
        view = await client.query(q.GetPage(page=page))
        assert view.state == "page_approved"
        head = view.cells[0].head
        assert head is not None
        assert (head.text, head.origin, head.number) == ("Thick fog lay on the Throat.", "mirror", 2)
        assert view.cells[0].approved == head.id
        assert "Thick fog lay" in path.read_text()
        assert (await client.query(q.GetDoctor())).checks[3].ok


async def test_an_edit_while_it_is_open_is_taken_too(client: InProcessClient, root: Path, server: WireServer) -> None:
    page = await approved(client, server)
    path = await file_of(client, root, page)
    path.write_text(path.read_text().replace("Throat", "river"))

    async def text() -> str:
        head = (await client.query(q.GetPage(page=page))).cells[0].head
        return head.text if head else ""

    import asyncio

    async with asyncio.timeout(15):
        while await text() != "Fog lay on the river.":
            await asyncio.sleep(0.05)


async def test_two_different_edits_are_both_kept_and_shown(root: Path, env: dict[str, str], server: WireServer) -> None:
    async with opened(root, env) as client:
        page = await approved(client, server)
        path = await file_of(client, root, page)
        old = path.read_text()
        await client.execute(c.Edit(page=page, stage="narration", text="The studio's own words."))
    path.write_text(old.replace("Fog lay", "A file's fog lay"))
    async with opened(root, env) as client:
        await client.query(q.GetCanon())  # the first answer after the files were read
        view = await client.query(q.GetPage(page=page))
        assert view.conflicts
        texts = {one.text for one in (await client.query(q.GetHistory(page=page, stage="narration"))).revisions}
        assert {"The studio's own words.", "A file's fog lay on the Throat."} <= texts
        head = view.cells[0].head
        assert head is not None
        assert head.text == "The studio's own words."
        assert list(path.parent.glob("*.conflict-*.md"))


async def test_a_lost_file_is_reported_and_written_again(root: Path, env: dict[str, str], server: WireServer) -> None:
    async with opened(root, env, watch=False) as client:
        page = await approved(client, server)
        path = await file_of(client, root, page)
        path.unlink()
        checks = {check.name: check for check in (await client.query(q.GetDoctor())).checks}
        assert checks["manuscript"].ok is False
        assert "missing" in checks["manuscript"].message
        await client.execute(c.SyncMirror())
        assert "Fog lay on the Throat." in path.read_text()


async def test_a_deleted_heading_does_not_run_two_sections_into_one(
    root: Path, env: dict[str, str], server: WireServer
) -> None:
    async with opened(root, env) as client:
        page = await approved(client, server)
        path = await file_of(client, root, page)
    edited = path.read_text().replace("## Dialogue\n", "")
    path.write_text(edited)
    async with opened(root, env) as client:
        await client.query(q.GetCanon())
        view = await client.query(q.GetPage(page=page))
        head = view.cells[0].head
        assert head is not None
        assert head.text == "Fog lay on the Throat."
        assert "heading of its dialogue" in view.conflicts[0]
        assert [kept.read_text() for kept in path.parent.glob("*.conflict-*.md")] == [edited]
        assert path.read_text().count("## Dialogue") == 1
