"""Acts on an application's files that break off between folder and database: they are undone before anything else is done."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from studio.domain.build import VersionStatus
from studio.domain.errors import Refused, StorageError
from studio.engine.apps import outside
from studio.engine.handlers import app_versions
from studio.engine.open_project import OpenProject
from studio.protocol import build_commands as b
from studio.store import versions
from studio.workspace.app_files import AppFiles
from studio.workspace.snapshots import digest_of
from tests.engine.app_project import ANA, add_change, app_project
from tests.engine.test_app_collisions import PLANNED, Agents

OLD = {"a.md": "a, old\n", "b.md": "b, old\n", "c.md": "c, old\n"}
NEW = {"a.md": "a, new\n", "b.md": "b, new\n", "d.md": "d, new\n"}


def lying(project: OpenProject) -> dict[str, str]:
    return {one.name: one.read_text() for one in project.app.root.iterdir()} if project.app.root.exists() else {}


async def saved(project: OpenProject, files: dict[str, str]) -> None:
    project.app.root.mkdir(exist_ok=True)
    for name in lying(project).keys() - files.keys():
        (project.app.root / name).unlink()
    for name, text in files.items():
        (project.app.root / name).write_text(text)
    await app_versions.save_version(project, b.SaveVersion(), ANA)


async def numbers(project: OpenProject) -> list[tuple[str, str]]:
    return [(one.number, one.origin) for one in await project.store.read(versions.listing)]


def refusing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The disk is full for a method of the folder."""

    def full(*_: object, **__: object) -> None:
        raise StorageError("There is no room left on the disk.")

    monkeypatch.setattr(AppFiles, name, full)


async def test_a_restoring_that_could_not_even_be_undone_is_undone_before_the_next_act(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app_project(tmp_path) as project:
        await saved(project, OLD)
        await saved(project, NEW)
        made = await numbers(project)
        with monkeypatch.context() as full:
            refusing(full, "put_back")
            refusing(full, "_restore_one")  # files that go have gone by then
            with pytest.raises(StorageError):
                await project.app.restore(made[-1][0], anyway=False, actor="ana")
        assert "d.md" not in lying(project)
        await project.app.restore(made[-1][0], anyway=False, actor="ana")
        assert lying(project) == OLD
        assert [origin for _, origin in await numbers(project)] == ["restore", "person", "import"]
        await project.app.recover()
        assert lying(project) == OLD


async def test_a_second_hand_in_does_not_bring_back_what_the_first_was_refused_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app_project(tmp_path) as project:
        agents = Agents(project)
        page = (await add_change(project)).id
        for words, result in (("Wanted.", "{}"), ("Plan.", PLANNED)):
            await agents.hand_in(page, words, result)
        await saved(project, {"keep.md": "Original.\n"})
        for number in (1, 2):
            given = [{"path": "keep.md", "content": f"Hand-in {number}.\n"}, {"path": ".env", "content": "A=1"}]
            with monkeypatch.context() as full:
                if number == 1:
                    refusing(full, "put_back")
                with pytest.raises(Refused):
                    await agents.hand_in(page, "Files.", json.dumps({"files": given}))
        assert lying(project) == {"keep.md": "Original.\n"}
        listed = await project.store.read(versions.listing)
        assert [(one.origin, one.status) for one in listed] == [
            ("run", VersionStatus.FAILED), ("run", VersionStatus.FAILED), ("import", VersionStatus.COMPLETED),
        ]  # fmt: skip


async def test_an_error_that_nobody_foresaw_leaves_no_file_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    async with app_project(tmp_path) as project:
        agents = Agents(project)
        page = (await add_change(project)).id
        for words, result in (("Wanted.", "{}"), ("Plan.", PLANNED)):
            await agents.hand_in(page, words, result)
        await saved(project, OLD)
        await saved(project, NEW)
        with monkeypatch.context() as bug:
            bug.setattr(outside, "settle_tasks", broken)
            bug.setattr(project.app, "_restored", broken)
            with pytest.raises(RuntimeError):
                await agents.hand_in(page, "Files.", json.dumps({"files": [{"path": "z.js", "content": "1;\n"}]}))
            assert lying(project) == NEW
            with pytest.raises(RuntimeError):
                await project.app.restore("1.0.0", anyway=False, actor="ana")
        assert lying(project) == NEW
        assert await project.store.read(versions.open) == []


async def test_a_restoring_that_nobody_waits_for_any_more_ends_before_it_is_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore = AppFiles.restore

    def slow(self: AppFiles, *args: object, **named: object) -> object:
        time.sleep(0.3)
        return restore(self, *args, **named)  # type: ignore[arg-type]  # passed on as they came

    async with app_project(tmp_path) as project:
        await saved(project, OLD)
        await saved(project, NEW)
        monkeypatch.setattr(AppFiles, "restore", slow)
        task = asyncio.create_task(project.app.restore("1.0.0", anyway=False, actor="ana"))
        await asyncio.sleep(0.15)
        task.cancel()
        await asyncio.sleep(0)
        await project.app.rest()
        assert task.done()
        assert lying(project) in (OLD, NEW)
        lay, made = lying(project), await numbers(project)
        assert (lay == OLD) == (made[0][1] == "restore")
        await asyncio.sleep(0.4)
        assert lying(project) == lay


async def test_a_kept_text_that_is_damaged_costs_its_own_file_alone_and_modes_go_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app_project(tmp_path) as project:
        await saved(project, OLD)
        await saved(project, NEW | {"c.md": OLD["c.md"]})
        (project.app.root / "c.md").chmod(0o755)
        with monkeypatch.context() as full:
            refusing(full, "put_back")
            full.setattr(project.app, "_restored", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                await project.app.restore("1.0.0", anyway=True, actor="ana")
        assert lying(project) == OLD
        kept = next(project.app.objects.folder.rglob(digest_of(NEW["a.md"].encode())))
        kept.chmod(0o600)
        kept.write_bytes(b"damaged")
        await project.app.recover()
        assert lying(project) == {**NEW, "c.md": OLD["c.md"], "a.md": OLD["a.md"]}
        assert (project.app.root / "c.md").stat().st_mode & 0o100
