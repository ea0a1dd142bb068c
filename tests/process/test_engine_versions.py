"""Programs of different versions on one project: an idle engine is replaced, a busy one and a newer database are not touched."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from studio import __version__
from studio.client.attach import attach
from studio.domain.errors import ProjectBusy, StorageError
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol.client import LinkState
from tests.fakes.engine_process import attached, engine_pid, gone
from tests.fakes.project import settled, until
from tests.process.conftest import ONE_START, Desk

OTHER = "0.0.7"


def _other(desk: Desk, tmp_path: Path, more: str = "") -> dict[str, str]:
    """An environment whose engine takes itself for another version."""
    folder = tmp_path / "another version"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(f"import studio\nstudio.__version__ = {OTHER!r}\n{more}")
    return {**desk.env, "PYTHONPATH": str(folder)}


@pytest.fixture
def as_other(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """This program is that other version."""
    monkeypatch.setattr("studio.client.attach.__version__", OTHER)
    return monkeypatch


async def test_an_idle_engine_of_another_version_leaves_and_is_replaced(
    desk: Desk, tmp_path: Path, as_other: pytest.MonkeyPatch
) -> None:
    async with attached(desk.root, _other(desk, tmp_path), stays=True) as client:
        assert client.hello is not None
        assert client.hello.app == OTHER
        await client.execute(c.AddChapter(title="One"))
        other = engine_pid(desk.root)
    as_other.undo()
    async with attached(desk.root, desk.env, stays=True) as client:
        assert client.hello is not None
        assert client.hello.app == __version__
        assert engine_pid(desk.root) != other
        assert len((await client.query(q.GetProject())).chapters) == 1


async def test_a_terminal_of_the_old_version_says_so_and_does_not_take_the_engine_back(
    desk: Desk, tmp_path: Path, as_other: pytest.MonkeyPatch
) -> None:
    states: list[tuple[LinkState, str]] = []
    async with attached(desk.root, _other(desk, tmp_path), stays=True) as old:
        old.on_state = lambda state, words: states.append((state, words))
        done = await asyncio.create_subprocess_exec(sys.executable, "-c", ONE_START, str(desk.root), env=desk.env)
        assert await done.wait() == 0
        new = engine_pid(desk.root)
        with pytest.raises(ProjectBusy, match="taken this one's place"):
            await old.query(q.GetProject())
        assert engine_pid(desk.root) == new
        assert states[-1][0] is LinkState.FAILED


async def test_a_busy_engine_of_another_version_is_refused_with_words_and_its_draft_ends_well(
    desk: Desk, tmp_path: Path, as_other: pytest.MonkeyPatch
) -> None:
    whole = desk.words(200)
    async with attached(desk.root, _other(desk, tmp_path), stays=True) as client:
        _, run = await desk.start_draft(client)
        as_other.undo()
        with pytest.raises(ProjectBusy, match=f"studio {OTHER}.*a draft is running") as caught:
            await attach(desk.root, env=desk.env)
        assert caught.value.hint
        view = await settled(client, run)
        assert view.status == "completed"
        revision = await client.query(q.GetRevision(revision=view.revision or ""))
        assert revision.text.split() == whole.split()


async def test_an_engine_with_a_newer_database_is_left_alone(
    desk: Desk, tmp_path: Path, as_other: pytest.MonkeyPatch
) -> None:
    newer = _other(desk, tmp_path, "import studio.protocol.wire\nstudio.protocol.wire.SCHEMA = 99\n")
    as_other.setattr("studio.protocol.wire.SCHEMA", 99)
    async with attached(desk.root, newer, stays=True):
        pid = engine_pid(desk.root)
        as_other.undo()
        with pytest.raises(StorageError, match="newer than this program"):
            await attach(desk.root, env=desk.env)
        assert engine_pid(desk.root) == pid


async def test_a_drained_engine_takes_no_new_drafts_and_leaves_after_the_last(desk: Desk) -> None:
    desk.words(100)
    async with attached(desk.root, desk.env, stays=True) as client:
        page, run = await desk.start_draft(client)
        assert "once 1 draft has ended" in await client.drain()
        second = await client.execute(c.AddPage(chapter="1", title="Two", brief="Rain."))
        with pytest.raises(Exception, match="no new drafts"):
            await client.execute(c.Generate(page=second.page or ""))
        await gone(desk.root, 20)
        await until(lambda: client.state is LinkState.STOPPED)
        assert (await client.query(q.GetRun(run=run))).status == "completed"
        assert (await client.query(q.GetPage(page=page))).phase == "user_reviewing"
