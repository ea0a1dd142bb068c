"""The engine killed while workers write: no half-written file, consistent versions, no task done twice or lost."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from studio.config.files import is_part
from studio.protocol import build_commands as b
from studio.protocol import build_queries as bq
from studio.protocol import commands as c
from studio.protocol import queries as q
from tests.fakes.app_at import app_at
from tests.fakes.app_roles import FILES, Roles
from tests.fakes.engine_process import attached, gone, kill_engine, whole
from tests.fakes.project import environment, opened, settled, until
from tests.fakes.wire_server import running_wire_server


def others(root: Path) -> list[str]:
    """What lies in the application's folder and is no file of it."""
    return [one.name for one in (root / "app").iterdir() if one.name not in {path for path, _ in FILES.values()}]


@pytest.mark.parametrize("moment", [1, 4])
async def test_a_killed_engine_leaves_tasks_and_versions_that_a_next_run_goes_on_from(
    tmp_path: Path, moment: int
) -> None:
    roles = Roles(failing="", broken="", pause=0.25)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    with running_wire_server(respond=roles) as server:
        env = environment(server, tmp_path)
        async with attached(root, env, stays=True) as client:
            await client.execute(c.Generate(page=page))
            await until(lambda: sum((root / "app" / path).exists() for path, _ in FILES.values()) >= moment)
            kill_engine(root)
        await gone(root)
        for path, text in FILES.values():
            file = root / "app" / path
            assert not file.exists() or file.read_text() == text
        # A write that was cut short lies beside its file until the project is opened again, under a name of the program's own.
        assert all(is_part(name) for name in others(root))

        (root / "app" / "notes.md").write_text("By hand, while nothing ran.\n")
        async with attached(root, env) as client:
            assert others(root) == ["notes.md"]
            view = await client.query(q.GetPage(page=page))
            assert view.phase == "interrupted"
            by_hand, version = (await client.query(bq.GetVersions())).versions
            assert (version.status, version.reason, by_hand.origin) == ("failed", "interrupted", "person")
            figures = await client.query(bq.GetMetrics())
            assert (figures.versions_failed, figures.versions_interrupted, figures.success_rate) == (0, 1, None)
            assert [one.path for one in (await client.query(bq.GetFiles(version=by_hand.id))).files if one.mark] == [
                "notes.md"
            ]
            before = {one.key: one for one in (await client.query(bq.GetTasks(page=page))).tasks}
            assert {one.status for one in before.values()} <= {"done", "interrupted", "planned"}
            done = {key: one.attempts for key, one in before.items() if one.status == "done"}

            roles.pause = 0.0
            started = await client.execute(c.Resume(page=page, action="continue"))
            assert (await settled(client, started.run or "")).status == "completed"
            tasks = {one.key: one for one in (await client.query(bq.GetTasks(page=page))).tasks}
            assert {one.status for one in tasks.values()} == {"done"}
            assert {key: tasks[key].attempts for key in done} == done
            numbers = [(one.number, one.status) for one in (await client.query(bq.GetVersions())).versions]
            assert numbers == [("1.0.2", "completed"), ("1.0.1", "completed"), ("1.0.0", "failed")]
        for path, text in FILES.values():
            assert await asyncio.to_thread((root / "app" / path).read_text) == text


async def killed_act(root: Path, env: dict[str, str], *args: str) -> None:
    """Begin an act in a process of its own, which is killed in the middle of it."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.process.child_killed_act", str(root), *args, env=whole(env)
    )
    assert await child.wait() == -signal.SIGKILL


def lying(root: Path) -> dict[str, str]:
    return {one.name: one.read_text() for one in (root / "app").iterdir() if not is_part(one.name)}


@pytest.mark.parametrize("moment", ["files", "record"])
async def test_a_discard_that_is_killed_is_undone_when_the_project_opens_and_the_work_goes_on(
    tmp_path: Path, moment: str
) -> None:
    roles = Roles(failing="", broken="", pause=0.2)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    with running_wire_server(respond=roles) as server:
        env = environment(server, tmp_path)
        async with opened(root, env) as client:
            started = await client.execute(c.Generate(page=page))
            await until(lambda: len(lying(root)) >= 3)
            await client.execute(c.Stop(page=page))
            assert (await settled(client, started.run or "")).status == "stopped"
            stood = (await client.query(bq.GetTasks(page=page))).tasks
            made = (await client.query(bq.GetVersions())).versions
        lay = lying(root)
        await killed_act(root, env, "discard", page, moment)
        assert len(lying(root)) < len(lay)
        roles.pause = 0.0
        async with opened(root, env) as client:
            assert lying(root) == lay
            assert (await client.query(bq.GetTasks(page=page))).tasks == stood
            assert (await client.query(bq.GetVersions())).versions == made
            started = await client.execute(c.Resume(page=page, action="continue"))
            assert (await settled(client, started.run or "")).status == "completed"
            assert lying(root) == dict(FILES.values())


@pytest.mark.parametrize("moment", ["files", "record"])
async def test_a_restoring_that_is_killed_is_undone_when_the_project_opens(tmp_path: Path, moment: str) -> None:
    root, _page = await app_at(tmp_path, "user_reviewing_implementation", Roles(failing="", broken=""))
    with running_wire_server(respond=Roles()) as server:
        env = environment(server, tmp_path)
        async with opened(root, env) as client:
            for name in ("one.md", "two.md", "three.md"):
                (root / "app" / name).write_text(f"{name}, by hand.\n")
            await client.execute(b.SaveVersion())
            first = (await client.query(bq.GetVersions())).versions[-1]
            made = (await client.query(bq.GetVersions())).versions
        lay = lying(root)
        await killed_act(root, env, "restore", first.number, moment)
        assert len(lying(root)) < len(lay)
        async with opened(root, env) as client:
            assert lying(root) == lay
            assert (await client.query(bq.GetVersions())).versions == made
            await client.execute(b.RestoreVersion(version=first.number))
            assert lying(root) == {
                name: text for name, text in lay.items() if not name.endswith(".md") or "hand" not in text
            }
