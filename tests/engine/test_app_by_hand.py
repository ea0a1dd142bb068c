"""What a person changes while workers write: it is theirs in the versions, and no later run writes it before they have decided."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from studio.domain.build import AppVersion, Operation
from studio.domain.errors import Conflict, NotFound, Refused
from studio.engine.apps.room import Bump
from studio.engine.handlers import app_versions
from studio.engine.views.kept import get_kept
from studio.protocol import build_commands as b
from studio.protocol import build_queries as bq
from studio.protocol import build_views as v
from studio.protocol import commands as c
from studio.store import findings, versions
from tests.engine.app_project import ANA, add_change, add_conflict, app_project, stand_at, write
from tests.engine.test_app_collisions import HANDED_IN, Agents, tree
from tests.engine.test_app_discard import Workshop
from tests.engine.test_app_limits import settings
from tests.fakes.app_at import app_at
from tests.fakes.app_roles import Roles
from tests.fakes.project import draft, environment, opened, settled, until
from tests.fakes.wire_asked import Answering, Asked
from tests.fakes.wire_script import Call
from tests.fakes.wire_server import WireServer

MINE = "/* my style */\n"


class Restyling(Roles):
    """Workers who answer feedback by writing one file anew."""

    @staticmethod
    def _change(asked: Asked, task: str) -> Answering:
        told = asked.last.text if asked.last else ""
        if asked.done("create_file") or "the person's to decide" in told:
            return Call("finish_app", {"summary": f"Did {task}.", "changelog": "", "follow_ups": None})
        if not asked.done("read_file"):
            return Call("read_file", {"path": "check.js", "start_line": None, "end_line": None})
        return Call("create_file", {"path": "check.js", "content": "export const red = 1;\n"})


async def write_meanwhile(shop: Workshop, path: str, words: str) -> None:
    """Run the implementation, and have a person write a file as soon as the first worker has written one."""
    started = await shop.client.execute(c.Generate(page=shop.page))
    await until(lambda: (shop.app / "index.html").exists() or (shop.app / "data.js").exists())
    await asyncio.to_thread((shop.app / path).write_text, words)
    await settled(shop.client, started.run or "")


async def conflicts(shop: Workshop) -> list[v.FindingView]:
    found = (await shop.client.query(bq.GetFindings(page=shop.page))).findings
    return [one for one in found if one.source == "conflict"]


async def test_a_person_s_file_is_not_credited_to_the_run_and_follows_as_a_version_by_hand(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.3)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    settings(root, "app", "iterations = 4\ntask_tries = 1")
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        shop = Workshop(client, root, page)
        await write_meanwhile(shop, "total.js", MINE)
        assert shop.lying()["total.js"] == MINE
        made = await shop.versions()
        newest = next(iter(made.values()))
        assert (newest.number, newest.origin, newest.summary) == ("1.0.1", "person", "Changes made by hand")
        run = {one.path for one in (await client.query(bq.GetVersionDiff(version="1.0.0"))).files}
        assert "total.js" not in run
        assert "index.html" in run
        assert [one.path for one in (await client.query(bq.GetVersionDiff(version="1.0.1"))).files] == ["total.js"]


async def test_a_file_that_a_person_changed_after_the_worker_wrote_it_is_the_person_s(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.3)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        shop = Workshop(client, root, page)
        started = await client.execute(c.Generate(page=shop.page))
        await until(lambda: "README.md" in shop.lying() and (shop.app / "total.js").exists())
        await asyncio.to_thread((shop.app / "README.md").write_text, MINE)
        assert (await settled(client, started.run or "")).status == "completed"
        diff = await client.query(bq.GetVersionDiff(version="1.0.0"))
        assert "README.md" not in {one.path for one in diff.files}
        assert shop.lying()["README.md"] == MINE
        assert list(await shop.versions()) == ["1.0.1", "1.0.0"]


async def test_while_a_conflict_is_open_no_later_run_writes_the_file_and_afterwards_it_may(tmp_path: Path) -> None:
    roles = Restyling(failing="", broken="", pause=0.3)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    settings(root, "app", "iterations = 4\ntask_tries = 1")
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        shop = Workshop(client, root, page)
        await write_meanwhile(shop, "check.js", MINE)
        assert await conflicts(shop)
        roles.pause = 0.0
        await draft(client, shop.page, c.Revise(page=shop.page, feedback="Red, please."))
        assert shop.lying()["check.js"] == MINE
        calls = (await client.query(bq.GetToolLog(page=shop.page))).calls
        assert any("has still to choose between two texts" in one.line for one in calls)

        for one in await conflicts(shop):
            await client.execute(b.SettleFinding(finding=one.id, state="intended", reason="Mine it is."))
        await draft(client, shop.page, c.Revise(page=shop.page, feedback="Red, please."))
        assert shop.lying()["check.js"] != MINE  # of that worker, or of the task that was left


async def test_what_a_person_writes_while_files_are_handed_in_and_refused_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app_project(tmp_path) as project:
        page = await stand_at(project, await add_change(project), "generating_implementation")
        begin = project.app.begin

        async def begun_meanwhile(
            page_id: str, run_id: str, operation: Operation, bump: Bump, *, files: Mapping[str, str]
        ) -> AppVersion:
            version = await begin(page_id, run_id, operation, bump, files=files)
            write(project, "mine.js", MINE)
            return version

        monkeypatch.setattr(project.app, "begin", begun_meanwhile)
        with pytest.raises(Refused):
            await Agents(project).hand_in(page.id, "Done.", HANDED_IN)
        assert tree(project.root) == {"mine.js": MINE.encode()}
        made = await project.store.read(versions.listing)
        assert [(one.origin, one.status.value) for one in made] == [("person", "completed"), ("run", "failed")]


async def test_a_kept_text_is_compared_and_taken_as_the_person_s_act(tmp_path: Path) -> None:
    async with app_project(tmp_path) as project:
        page = await stand_at(project, await add_change(project), "user_reviewing_implementation")
        write(project, "a.js", "let mine = 1;\n")
        one = await add_conflict(project, page, "a.js", "let theirs = 2;\n")
        digest = one.problem.quote
        view = await get_kept(project, bq.GetKept(path="a.js", kept=digest[:12]), "ana")
        assert (view.text, view.finding, view.state) == ("let theirs = 2;\n", one.id, "open")
        assert view.diff is not None
        assert "-let mine = 1;\n+let theirs = 2;" in view.diff.unified

        write(project, "a.js", "let mine = 3;\n")
        with pytest.raises(Conflict, match="since you compared it"):
            await app_versions.take_kept(project, b.TakeKept(path="a.js", seen=view.lying), ANA)
        done = await app_versions.take_kept(project, b.TakeKept(path="a.js", kept=digest), ANA)
        assert done.message == "a.js has the worker's text, as version 1.0.1."
        assert tree(project.root) == {"a.js": b"let theirs = 2;\n"}
        made = await project.store.read(versions.listing)
        assert [(one.number, one.page_id == page.id) for one in made] == [("1.0.1", True), ("1.0.0", True)]
        mine = await project.store.read(lambda tx: versions.files(tx, made[1].id))
        assert project.app.objects.get(mine[0].digest) == b"let mine = 3;\n"
        settled = await project.store.read(lambda tx: findings.get(tx, one.id))
        assert (settled.state.value, settled.by) == ("fixed", "ana")
        assert "version 1.0.1" in settled.reason


async def test_what_is_saved_while_a_kept_text_is_taken_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app_project(tmp_path) as project:
        page = await stand_at(project, await add_change(project), "user_reviewing_implementation")
        write(project, "a.js", "let mine = 1;\n")
        await add_conflict(project, page, "a.js", "let theirs = 2;\n")
        save = project.app.save_person

        async def then_saved(page_id: str | None, summary: str = "", actor: str = "person") -> object:
            made = await save(page_id, actor=actor)
            write(project, "a.js", "let mine = 3;\n")
            return made

        monkeypatch.setattr(project.app, "save_person", then_saved)
        with pytest.raises(Conflict):
            await app_versions.take_kept(project, b.TakeKept(path="a.js"), ANA)
        assert tree(project.root) == {"a.js": b"let mine = 3;\n"}


async def test_a_kept_text_that_is_not_there_is_said_with_what_there_is(tmp_path: Path) -> None:
    async with app_project(tmp_path) as project:
        page = await add_change(project)
        with pytest.raises(NotFound, match="No worker's text of 'b.js' is kept"):
            await get_kept(project, bq.GetKept(path="b.js"), "ana")
        one = await add_conflict(project, page, "a.js", "theirs\n")
        with pytest.raises(NotFound) as error:
            await get_kept(project, bq.GetKept(path="a.js", kept="0000ffff0000"), "ana")
        assert one.problem.quote[:12] in error.value.hint
