"""A disk that takes no more: what a model has sent is kept and saved as soon as there is room, also by the next start."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from studio.domain.errors import StorageError
from studio.engine import drafting
from studio.engine.inprocess import InProcessClient
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.store import runs
from studio.workspace import streams
from tests.fakes.project import add_page, draft, opened, until
from tests.fakes.wire_script import Step
from tests.fakes.wire_server import WireServer


class FullDisk:
    """Refuses to end a run `times` times."""

    def __init__(self, patch: pytest.MonkeyPatch, times: int) -> None:
        self.left, self.refused, self._finish = times, 0, runs.finish
        patch.setattr(runs, "finish", self)

    def __call__(self, *given: Any, **named: Any) -> bool:
        if self.left:
            self.left -= 1
            self.refused += 1
            raise StorageError("The change could not be saved: the disk is full.")
        return self._finish(*given, **named)


async def test_a_finished_draft_is_saved_once_there_is_room(
    client: InProcessClient, root: Path, server: WireServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafting, "RETRY_SECONDS", 0.02)
    page = await add_page(client)
    disk = FullDisk(monkeypatch, times=3)
    server.play(Step(text="All of it."))
    run = await draft(client, page)
    assert (run.status, disk.refused) == ("completed", 3)
    assert (await client.query(q.GetPage(page=page))).state == "user_reviewing_narration"
    assert len(server.calls) == 1
    assert streams.left_over(root) == ()


async def test_a_draft_that_could_never_be_saved_is_there_at_the_next_start(
    root: Path, env: dict[str, str], server: WireServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafting, "LAST_SECONDS", 0.1)
    server.play(Step(text="All of it is there."))
    with monkeypatch.context() as patch:
        disk = FullDisk(patch, times=1_000)
        async with opened(root, env) as client:
            page = await add_page(client)
            await client.execute(c.Generate(page=page))
            await until(lambda: disk.refused)
    async with opened(root, env) as client:
        view = await client.query(q.GetPage(page=page))
        assert view.state == "interrupted_narration"
        assert view.cells[0].partial is not None
        assert view.cells[0].partial.text == "All of it is there."


async def test_the_token_that_found_the_disk_full_is_kept(
    client: InProcessClient, server: WireServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await add_page(client)
    write, count = streams.StreamFile._write, 0

    def full(stream: streams.StreamFile, data: bytes) -> None:
        nonlocal count
        count += 1
        if count > 3:
            raise StorageError("The text that is arriving could not be kept: the disk is full.")
        write(stream, data)

    monkeypatch.setattr(streams.StreamFile, "_write", full)
    server.play(Step(deltas=tuple(f"word{number} " for number in range(20))))
    run = await draft(client, page)
    assert (run.status, run.error_code) == ("failed", "storage")
    assert run.partial.startswith("word0 word1 word2 word3 ")


async def test_a_draft_without_a_place_for_its_text_fails_and_the_page_goes_on(
    client: InProcessClient, root: Path
) -> None:
    page = await add_page(client)
    folder = root / ".studio" / streams.FOLDER
    shutil.rmtree(folder)
    folder.write_text("in the way")
    assert (await draft(client, page)).status == "failed"
    folder.unlink()
    assert (await draft(client, page)).status == "completed"


async def test_odd_things_among_the_streams_do_not_keep_the_book_shut(root: Path, env: dict[str, str]) -> None:
    import os

    folder = root / ".studio" / streams.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "bytes").write_bytes(b"\xff\xfe\x00")
    async with asyncio.timeout(30), opened(root, env) as client:
        await add_page(client)
    assert (folder / "bytes").exists()
