"""A run of workers that broke off and is discarded: its files go back, a person's stay, and what is approved is what was reviewed."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from studio.domain.errors import Refused, StorageError
from studio.engine.apps import taking_back
from studio.engine.inprocess import InProcessClient
from studio.protocol import build_commands as b
from studio.protocol import build_queries as bq
from studio.protocol import build_views as v
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.store.transaction import Tx
from tests.engine.app_project import ANA, add_change, app_project
from tests.engine.test_app_limits import settings, tasks_of
from tests.fakes.app_at import app_at, begun, through
from tests.fakes.app_roles import FILES, Roles
from tests.fakes.project import draft, environment, opened, settled, until
from tests.fakes.wire_server import WireServer


@dataclass(slots=True)
class Workshop:
    """A change whose implementation can be begun and stopped."""

    client: InProcessClient
    root: Path
    page: str

    @property
    def app(self) -> Path:
        return self.root / "app"

    def lying(self) -> dict[str, str]:
        return {str(one.relative_to(self.app)): one.read_text() for one in self.app.rglob("*") if one.is_file()}

    async def break_off(self, command: c.AnyCommand, path: str, words: str = "") -> None:
        """Start a run and stop it once `path` holds `words`."""
        started = await self.client.execute(command)
        place = self.app / path
        await until(lambda: place.exists() and words in place.read_text())
        await self.client.execute(c.Stop(page=self.page))
        assert (await settled(self.client, started.run or "")).status == "stopped"

    async def discard(self) -> c.Done:
        return await self.client.execute(c.Resume(page=self.page, action="discard"))

    async def versions(self) -> dict[str, v.VersionView]:
        return {one.number: one for one in (await self.client.query(bq.GetVersions())).versions}

    async def head(self, stage: str) -> str:
        view = await self.client.query(q.GetPage(page=self.page))
        cell = next(one for one in view.cells if one.name == stage)
        assert cell.head is not None
        return (await self.client.query(q.GetRevision(revision=cell.head.id))).text


async def test_after_stop_and_discard_what_is_published_is_what_was_reviewed(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "user_reviewing_implementation", roles)
    settings(root, "publish.here", 'publisher = "folder"\npath = "published/site"')
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        shop = Workshop(client, root, page)
        reviewed = shop.lying()
        roles.pause = 0.2
        await shop.break_off(c.Revise(page=shop.page, feedback="Change the readme"), "README.md", "Changed:")
        done = await shop.discard()
        assert shop.lying() == reviewed
        assert "as version 1.0.2" in done.message
        assert "by hand" not in done.message
        made = await shop.versions()
        assert [(one.status, one.reason, one.origin) for one in made.values()] == [
            ("completed", "", "restore"), ("failed", "stopped", "run"), ("completed", "", "run"),
        ]  # fmt: skip
        assert made["1.0.2"].page == shop.page
        roles.pause = 0.0
        await through(client, shop.page)
        assert [number for number, one in (await shop.versions()).items() if one.approved] == ["1.0.0"]
        build = await client.query(bq.GetBuild(page=shop.page))
        assert build.version == "1.0.0"
        note = next(one.note for one in build.handoffs if one.from_stage == "implementation")
        assert "Version 1.0.0:" in note
        assert (await shop.head("implementation")).startswith("Version 1.0.0.")
        plan = await client.query(bq.GetPublishPlan(target="here"))
        assert plan.warnings == ()  # the newer version holds the same files
        await client.execute(b.Publish(target="here", plan=plan.digest))
        site = root / "published" / "site"
        assert {path: (site / path).read_text() for path in reviewed} == reviewed


async def test_a_first_run_that_is_discarded_leaves_no_file_and_its_tasks_are_open_again(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.2)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        shop = Workshop(client, root, page)
        await shop.break_off(c.Generate(page=shop.page), "total.js")
        assert "done" in {one.status for one in (await tasks_of(client, shop.page)).values()}
        done = await shop.discard()
        assert (done.state, shop.lying()) == ("generating_implementation", {})
        assert {one.status for one in (await tasks_of(client, shop.page)).values()} <= {"planned", "interrupted"}
        roles.pause = 0.0
        await through(client, shop.page)
        assert shop.lying() == dict(FILES.values())


async def test_a_run_that_went_on_with_a_broken_one_is_discarded_with_it(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.2)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        shop = Workshop(client, root, page)
        await shop.break_off(c.Generate(page=shop.page), "index.html")
        await shop.break_off(c.Resume(page=shop.page, action="continue"), "total.js")
        await shop.discard()
        assert shop.lying() == {}


async def test_what_a_person_changed_since_the_run_ended_stays_and_is_named(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.2)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        shop = Workshop(client, root, page)
        await shop.break_off(c.Generate(page=shop.page), "total.js")
        (shop.app / "data.js").write_text("// mine\n")
        done = await shop.discard()
        assert "not as the run wrote them: data.js." in done.message
        assert done.message.endswith(" What was changed by hand became version 1.0.1 first: data.js.")
        assert (await shop.versions())["1.0.1"].origin == "person"
        assert shop.lying() == {"data.js": "// mine\n"}
        assert [one.origin for one in (await shop.versions()).values()] == ["restore", "person", "run"]
        tasks = await tasks_of(client, shop.page)
        assert (tasks["data"].status, tasks["page"].status) == ("done", "planned")


async def test_a_file_that_a_kill_cut_off_from_its_record_stays_and_is_named(tmp_path: Path) -> None:
    async with app_project(tmp_path) as project:
        page = await add_change(project)
        build = await project.builds_open.ensure_build(page.id)
        await project.app.begin(page.id, "run-1", build.operation, "minor")
        project.app.files.write("half.js", b"let half = 1;\n", expected=None)
        await project.app.recover()
        seen: list[taking_back.TakenBack] = []

        def settle(tx: Tx, taken: taking_back.TakenBack) -> c.Done:
            seen.append(taken)
            return c.Done(seq=0)

        await taking_back.take_back(project, page.id, ANA, settle)
        assert [(taken.version, taken.kept) for taken in seen] == [(None, ("half.js",))]
        assert (project.app.root / "half.js").exists()


@pytest.mark.parametrize("first", ["discard", "continue"])
async def test_of_a_discard_and_a_run_at_the_same_time_one_is_carried_out_and_the_other_touches_nothing(
    tmp_path: Path, first: str
) -> None:
    roles = Roles(failing="", broken="", pause=0.2)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        shop = Workshop(client, root, page)
        await shop.break_off(c.Generate(page=page), "index.html")
        roles.pause = 0.0
        order = (first, "continue" if first == "discard" else "discard")
        came = await asyncio.gather(
            *(client.execute(c.Resume(page=page, action=one)) for one in order), return_exceptions=True
        )
        assert [type(one) for one in came] in ([c.Done, Refused], [Refused, c.Done])
        done = next(one for one in came if isinstance(one, c.Done))
        if done.run:
            assert (await settled(client, done.run)).status == "completed"
        assert _without_file(await tasks_of(client, page), shop.lying()) == []


def _without_file(tasks: dict[str, v.TaskView], lying: dict[str, str]) -> list[str]:
    return [key for key, task in tasks.items() if task.status == "done" and FILES[key][0] not in lying]


async def test_a_discard_that_cannot_be_recorded_leaves_files_and_tasks_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roles = Roles(failing="", broken="", pause=0.2)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        shop = Workshop(client, root, page)
        await shop.break_off(c.Generate(page=page), "index.html")
        lay, stood = shop.lying(), await tasks_of(client, page)

        def full(tx: Tx, page_id: str, taken: object) -> None:
            raise StorageError("The disk is full.")

        with monkeypatch.context() as patch:
            patch.setattr(taking_back, "open_again", full)
            with pytest.raises(StorageError):
                await shop.discard()
        assert (shop.lying(), await tasks_of(client, page)) == (lay, stood)
        await shop.discard()
        assert shop.lying() == {}
        assert {one.status for one in (await tasks_of(client, page)).values()} == {"planned"}


async def test_a_person_s_change_between_two_broken_runs_stays(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "user_reviewing_implementation", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        shop = Workshop(client, root, page)
        roles.pause = 0.2
        readme = shop.app / "README.md"
        await shop.break_off(c.Revise(page=shop.page, feedback="Change the readme"), "README.md", "Changed:")
        readme.write_text("# Mine\n\nOpen index.html.\n")
        await shop.break_off(c.Resume(page=shop.page, action="continue"), "README.md", "Changed:")
        await shop.discard()
        assert readme.read_text() == "# Mine\n\nOpen index.html.\n"


async def test_without_a_discard_the_next_run_goes_on_and_its_version_is_approved(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "user_reviewing_implementation", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        shop = Workshop(client, root, page)
        roles.pause = 0.2
        await shop.break_off(c.Revise(page=shop.page, feedback="Change the readme"), "README.md", "Changed:")
        roles.pause = 0.0
        assert (await draft(client, shop.page, c.Resume(page=shop.page, action="continue"))).status == "completed"
        assert (await shop.head("implementation")).startswith("Version 1.0.2.")
        await through(client, shop.page)
        assert [number for number, one in (await shop.versions()).items() if one.approved] == ["1.0.2"]


async def test_what_a_person_changed_before_the_approval_is_what_is_approved(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "user_reviewing_implementation", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        shop = Workshop(client, root, page)
        (shop.app / "style.css").write_text("/* mine */\n")
        await client.execute(c.Approve(page=shop.page))
        text = await shop.head("implementation")
        assert text.startswith("Version 1.0.1. Changes made by hand")
        assert "- changed style.css" in text
        assert "Version 1.0.0." in text
        await through(client, shop.page)
        made = await shop.versions()
        assert [number for number, one in made.items() if one.approved] == ["1.0.1"]
        build = await client.query(bq.GetBuild(page=shop.page))
        assert "Version 1.0.1:" in next(one.note for one in build.handoffs if one.from_stage == "implementation")
        assert build.version == "1.0.1"


async def test_files_lying_there_when_an_agent_outside_completes_the_phase_are_approved(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        shop = Workshop(client, root, page)
        shop.app.mkdir(exist_ok=True)
        (shop.app / "own.js").write_text("let own = 1;\n")
        files = json.dumps({"files": [{"path": "a.js", "content": "let a = 1;\n"}]})
        await client.execute(b.CompletePhase(page=shop.page, response="Done.", result=files))
        await through(client, shop.page)
        (approved,) = [one for one in (await shop.versions()).values() if one.approved]
        assert approved.files == 2


async def test_feedback_that_a_later_run_answered_after_a_discard_is_not_open_any_more(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "user_reviewing_implementation", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        shop = Workshop(client, root, page)
        roles.pause = 0.3
        await shop.break_off(c.Revise(page=shop.page, feedback="Change the readme"), "README.md", "Changed:")
        await shop.discard()
        roles.pause = 0.0
        (asked,) = (await client.query(q.GetHistory(page=shop.page))).feedback
        assert asked.state == "open"
        assert (await draft(client, shop.page)).status == "completed"
        assert "Changed:" in shop.lying()["README.md"]
        (asked,) = (await client.query(q.GetHistory(page=shop.page))).feedback
        assert asked.state != "open"
        approved = await client.execute(c.Approve(page=shop.page))
        assert "open" not in approved.message


async def test_a_person_s_own_text_of_the_files_names_what_differs_from_the_version_before(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.0)
    root, _ = await app_at(tmp_path, "complete", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        page = await begun(client, "Say more.")
        await through(client, page, to="generating_implementation")
        shop = Workshop(client, root, page)
        (shop.app / "style.css").write_text("/* mine */\n")
        await client.execute(c.Edit(page=page, stage="implementation", text="By hand."))
        await client.execute(c.Approve(page=page, anyway=True))
        text = await shop.head("implementation")
        assert "## Changed since version 1.0.0\n\n- changed style.css\n\nBy hand." in text
