"""A project's folder that is renamed while an engine in this process has it open: nothing is written at its old path."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from studio.domain.errors import StorageError
from studio.engine.inprocess import InProcessClient
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol.events import Notice
from studio.workspace import edits, mirror, streams
from studio.workspace.app_files import AppFiles
from studio.workspace.canon_files import CanonScan
from studio.workspace.snapshots import Objects
from tests.fakes.project import add_page, opened, settled, until
from tests.fakes.wire_script import Step
from tests.fakes.wire_server import WireServer


async def test_commands_are_refused_in_one_sentence_and_the_running_draft_ends_at_the_new_place(
    client: InProcessClient, server: WireServer, root: Path, env: dict[str, str]
) -> None:
    page = await add_page(client)
    server.play(Step(deltas=tuple(f"word{n} " for n in range(60)), first_byte_delay=0.5, delta_delay=0.01))
    done = await client.execute(c.Generate(page=page))
    await until(lambda: server.calls)
    moved = root.rename(root.with_name("moved book"))
    for command in (c.AddChapter(title="lost"), c.Deliver(page=page, stage="narration", text="Fog.")):
        with pytest.raises(StorageError, match="moved or removed"):
            await client.execute(command)
    kept = "Typed before anybody noticed."
    await client.execute(c.KeepWords(page=page, place="brief", text=kept))
    assert (await settled(client, done.run or "")).ended_at is not None
    await client.aclose()
    assert not root.exists()
    async with opened(moved, env) as again:
        view = await again.query(q.GetPage(page=page))
        assert [words.text for words in view.kept] == [kept]
        assert [chapter.title for chapter in (await again.query(q.GetProject())).chapters] == ["The Crossing"]


async def test_settings_and_canon_stay_as_they_were_and_the_move_is_told(client: InProcessClient, root: Path) -> None:
    await client.execute(c.CopyCanon(name="craft/page-craft.md"))
    async with client.subscribe() as events:
        moved = root.rename(root.with_name("moved book"))
        async with asyncio.timeout(60):
            async for event in events:
                if isinstance(event, Notice):
                    break
    assert "moved or removed" in event.message
    assert (await client.query(q.GetProject())).title == "The Lantern Ferry"
    assert len((await client.query(q.GetCanon())).documents) == 1
    assert moved.exists()
    assert not root.exists()


async def test_another_folder_at_the_old_path_stays_as_it_is(
    client: InProcessClient, root: Path, env: dict[str, str]
) -> None:
    page = await add_page(client)
    await client.execute(c.Deliver(page=page, stage="narration", text="Fog lay on the Throat."))
    await client.execute(c.Approve(page=page))
    moved = root.rename(root.with_name("moved book"))
    (root / ".studio").mkdir(parents=True)
    (root / mirror.FOLDER).mkdir()
    with pytest.raises(StorageError, match="moved or removed"):
        await client.execute(c.SyncMirror())
    await client.aclose()
    assert sorted(path.name for path in root.rglob("*")) == [".studio", mirror.FOLDER]
    assert (moved / mirror.FOLDER / "the-crossing" / "fog.md").exists()
    async with opened(moved, env) as again:
        assert (await again.query(q.GetPage(page=page))).state == "generating_dialogue"


def test_nothing_makes_the_folder_of_a_project_again(tmp_path: Path) -> None:
    gone = tmp_path / "book"
    with pytest.raises(StorageError):
        streams.StreamFile.open(gone, "run-1")
    with pytest.raises(StorageError):
        edits.write(gone, page_id="1", page_slug="fog", stage="brief", revision_id="", title="Fog", text="")
    with pytest.raises(StorageError):
        Objects(gone).put(b"kept")
    with pytest.raises(StorageError):
        AppFiles(gone / "app", Objects(gone)).write("index.html", b"<p>", expected=None)
    assert not gone.exists()


async def test_a_deleted_state_folder_is_written_back_as_before(client: InProcessClient, root: Path) -> None:
    """Moved is not deleted: what is open of a deleted book is saved where it was."""
    page = await add_page(client)
    shutil.rmtree(root / ".studio")
    await client.execute(c.SetBrief(page=page, text="Written after the folder was gone."))
    assert (root / ".studio" / "studio.duckdb").exists()


async def test_canon_that_is_read_while_the_project_moves_stays_as_it_was(client: InProcessClient, root: Path) -> None:
    await client.execute(c.CopyCanon(name="craft/page-craft.md"))
    shelf = client._engine._project.canon
    scan = shelf._folder.scan
    moved = root.with_name("moved book")

    def scan_late() -> CanonScan:
        root.rename(moved)
        return scan()

    shelf._folder.scan = scan_late  # type: ignore[method-assign]
    with pytest.raises(StorageError):
        await client._thread.call(shelf.rescan())
    assert [one.path for one in shelf.documents] == ["craft/page-craft.md"]
