"""No file under `manuscript/` is replaced before its words are in the store or in a file of their own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from studio.engine.inprocess import InProcessClient
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol.events import Notice
from tests.fakes.project import add_page, draft, opened, until
from tests.fakes.wire_server import WireServer


async def approved(client: InProcessClient, page: str) -> None:
    await draft(client, page)
    await client.execute(c.Approve(page=page))


async def with_file(client: InProcessClient, root: Path) -> tuple[str, Path]:
    """A page with approved narration, and its file."""
    page = await add_page(client)
    await approved(client, page)
    return page, root / "manuscript/the-crossing/fog.md"


async def narrations(client: InProcessClient, page: str) -> list[str]:
    return [one.text for one in (await client.query(q.GetHistory(page=page, stage="narration"))).revisions]


async def noticed(client: InProcessClient, file: Path) -> None:
    """As the watch tells it."""
    told = client._engine._project.manuscript.noticed([file], "manuscript")
    await client._thread.call(told)


def kept(root: Path) -> bytes:
    """What stands in the files of conflicts."""
    return b"".join(path.read_bytes() for path in (root / "manuscript").rglob("*.conflict-*.md"))


@pytest.mark.parametrize(
    "words",
    [pytest.param("café\n".encode("latin-1"), id="not UTF-8"), pytest.param(b"long " * 500_000, id="too large")],
)
async def test_an_edit_that_cannot_be_read_is_kept_beside_the_page(
    client: InProcessClient, root: Path, words: bytes
) -> None:
    page, file = await with_file(client, root)
    edited = file.read_bytes() + words
    file.write_bytes(edited)
    await approved(client, page)
    assert kept(root) == edited
    assert "## Dialogue" in file.read_text()
    assert (await client.query(q.GetPage(page=page))).conflicts


async def test_a_file_that_lost_its_front_matter_is_still_the_page(client: InProcessClient, root: Path) -> None:
    page, file = await with_file(client, root)
    file.write_text("## Narration\n\nAll new words by hand.\n")
    await client.execute(c.SyncMirror())
    assert (await narrations(client, page))[0] == "All new words by hand."
    assert file.read_text().startswith("---\nid: ")


async def test_a_file_of_the_persons_own_that_stands_in_the_way_is_kept(client: InProcessClient, root: Path) -> None:
    own = root / "manuscript/the-crossing/fog.md"
    own.parent.mkdir(parents=True)
    own.write_text("My own notes.")
    await with_file(client, root)
    assert kept(root) == b"My own notes."
    assert "## Narration" in own.read_text()


async def test_a_moved_page_leaves_a_file_at_its_new_place_alone(client: InProcessClient, root: Path) -> None:
    page, file = await with_file(client, root)
    await client.execute(c.AddChapter(title="Two"))
    own = root / "manuscript/two/fog.md"
    own.parent.mkdir(parents=True)
    own.write_text("My own notes.")
    await client.execute(c.MovePage(page=page, position=1, chapter="two"))
    assert kept(root) == b"My own notes."
    assert "## Narration" in own.read_text()
    assert not file.exists()


async def test_an_edit_between_reading_and_writing_is_taken(
    client: InProcessClient, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, file = await with_file(client, root)
    await draft(client, page)
    manuscript = client._engine._project.manuscript
    write, late = manuscript._replace, ["A line typed just now."]

    async def replaced_late(page_id: str) -> None:
        if late:
            file.write_text(f"{file.read_text()}\n{late.pop()}\n")
        await write(page_id)

    monkeypatch.setattr(manuscript, "_replace", replaced_late)
    await client.execute(c.Approve(page=page))
    assert (await narrations(client, page))[0].endswith("A line typed just now.")
    assert "A line typed just now." in file.read_text()


async def test_a_file_that_is_being_written_is_neither_read_nor_replaced(client: InProcessClient, root: Path) -> None:
    """An editor that saves in place empties the file first."""
    page, file = await with_file(client, root)
    text, inode = file.read_text(), file.stat().st_ino
    with file.open("w") as handle:
        handle.write(text[:40])
        handle.flush()
        await asyncio.sleep(0.5)
        assert file.stat().st_ino == inode
        handle.write(text[40:] + "\nThe last line.\n")
    await client.execute(c.SyncMirror())
    texts = await narrations(client, page)
    assert len(texts) == 2
    assert texts[0].endswith("The last line.")
    assert kept(root) == b""


async def test_a_copy_beside_the_file_is_nobodys_edit(client: InProcessClient, root: Path) -> None:
    page, file = await with_file(client, root)
    copy = file.with_name("a copy.md")
    copy.write_text(f"{file.read_text()}\nOnly in the copy.\n")
    await client.execute(c.SyncMirror())
    await approved(client, page)
    assert len(await narrations(client, page)) == 1
    assert copy.read_text().endswith("Only in the copy.\n")
    assert "Only in the copy." not in file.read_text()


async def test_two_pages_of_one_slug_keep_a_file_each(client: InProcessClient, root: Path) -> None:
    first = await add_page(client)
    await client.execute(c.AddChapter(title="Two"))
    second = (await client.execute(c.AddPage(chapter="2", title="Fog", brief="Bram rows."))).page or ""
    for page in (first, second):
        await client.execute(c.Edit(page=page, stage="narration", text=f"The words of {page}."))
        await client.execute(c.Approve(page=page))
    await client.execute(c.MovePage(page=first, position=1, chapter="2"))
    found = {path.name: path.read_text() for path in (root / "manuscript/two").iterdir()}
    assert sorted(found) == ["fog-2.md", "fog.md"]
    assert f"The words of {first}." in found["fog-2.md"]
    assert f"The words of {second}." in found["fog.md"]


async def test_a_file_that_cannot_be_written_keeps_no_other_from_it(client: InProcessClient, root: Path) -> None:
    _, file = await with_file(client, root)
    other = (await client.execute(c.AddPage(chapter="1", title="Zinc", brief="Bram rows."))).page or ""
    file.unlink()
    file.symlink_to(root / "elsewhere.md")
    await client.execute(c.Edit(page=other, stage="narration", text="Still water."))
    await client.execute(c.Approve(page=other))
    assert "Still water." in (file.parent / "zinc.md").read_text()
    assert "written" in (await client.execute(c.SyncMirror())).message
    assert not (root / "elsewhere.md").exists()
    file.unlink()
    await client.execute(c.SyncMirror())
    assert "## Narration" in file.read_text()


async def test_new_titles_reach_the_files(client: InProcessClient, root: Path) -> None:
    page, file = await with_file(client, root)
    await client.execute(c.RenamePage(page=page, title="Mist"))
    await client.execute(c.RenameChapter(chapter="1", title="The Ford"))
    assert 'title: "Mist"\nchapter: "The Ford"\n' in file.read_text()


async def test_the_state_of_a_page_in_work_is_no_difference(client: InProcessClient, root: Path) -> None:
    page, file = await with_file(client, root)
    await draft(client, page)
    await until(lambda: 'state: "user_reviewing_dialogue"' in file.read_text())
    checks = {check.name: check.ok for check in (await client.query(q.GetDoctor())).checks}
    assert checks["manuscript"]


async def test_what_the_program_wrote_itself_is_not_read_back_and_what_a_person_saved_is(
    client: InProcessClient, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, file = await with_file(client, root)
    manuscript = client._engine._project.manuscript
    asked: list[str] = []
    sync = manuscript.sync

    async def counted(actor: str) -> str:
        asked.append(actor)
        return await sync(actor)

    monkeypatch.setattr(manuscript, "sync", counted)
    await noticed(client, file)
    assert asked == []
    file.write_text(f"{file.read_text()}\nA line by hand.\n")
    await noticed(client, file)
    assert (await narrations(client, page))[0].endswith("A line by hand.")
    file.unlink()
    await noticed(client, file)
    assert "A line by hand." in file.read_text()
    assert set(asked) == {"manuscript"}  # by this test and by the watch, whoever came first


async def test_a_file_saved_as_it_was_before_an_edit_is_written_again_and_the_person_told(
    client: InProcessClient, root: Path
) -> None:
    page, file = await with_file(client, root)
    before = file.read_text()
    file.write_text(f"{before.rstrip()} A line by hand.\n")
    await client.execute(c.SyncMirror())
    async with client.subscribe() as events:
        file.write_text(before)
        await client.execute(c.SyncMirror())
        async with asyncio.timeout(20):
            notice = await anext(event async for event in events if isinstance(event, Notice))
    assert "was saved with an older narration" in notice.message
    assert "restore it from the page's history" in notice.hint
    assert "A line by hand." in file.read_text()
    assert len(await narrations(client, page)) == 2


async def test_what_a_killed_write_left_in_the_manuscript_is_taken_away_at_the_next_start(
    root: Path, env: dict[str, str], server: WireServer
) -> None:
    async with opened(root, env) as client:
        _, file = await with_file(client, root)
    left = [file.with_name(".studio-0123456789ab.part"), root / "manuscript/.studio-aaaaaaaaaaaa.part"]
    own = file.with_name(".studio-mine.part")
    for path in (*left, own):
        path.write_text("half")
    async with opened(root, env) as client:
        await client.execute(c.SyncMirror())
    assert not any(path.exists() for path in left)
    assert own.exists()
