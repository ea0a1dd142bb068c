"""The engine killed while workers write: no half-written file, consistent versions, no task done twice or lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from studio.config.files import is_part
from studio.protocol import build_queries as bq
from studio.protocol import commands as c
from studio.protocol import queries as q
from tests.fakes.app_at import app_at
from tests.fakes.app_roles import FILES, Roles
from tests.fakes.engine_process import attached, gone, kill_engine
from tests.fakes.project import environment, settled, until
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
