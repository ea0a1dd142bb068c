"""Publishing again: what was there before and went away, nothing to do, and steps that no longer hold."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from studio.domain.errors import Conflict
from studio.engine.handlers.publishing import get_publish_plan, publish
from studio.engine.inprocess import InProcessClient
from studio.protocol import build_commands as b
from studio.protocol import build_queries as bq
from studio.protocol.commands import Done
from studio.publishers import folder
from studio.publishers.base import PublishPlan, Target
from studio.store import publications, versions
from studio.store.transaction import Tx
from tests.engine.app_project import ANA, reopened
from tests.engine.test_app_limits import settings
from tests.fakes.app_at import app_at
from tests.fakes.app_roles import Roles
from tests.fakes.project import environment, opened
from tests.fakes.wire_server import WireServer
from tests.store import app_rows


async def _shop(tmp_path: Path) -> Path:
    root, _ = await app_at(tmp_path, "complete", Roles())
    settings(root, "publish.here", 'publisher = "folder"\npath = "published/site"')
    return root


async def _publish(client: InProcessClient, version: str | None = None) -> Done:
    plan = await client.query(bq.GetPublishPlan(target="here", version=version))
    return await client.execute(b.Publish(target="here", plan=plan.digest, version=version))


async def _statuses(client: InProcessClient) -> list[tuple[str, str]]:
    found = (await client.query(bq.GetPublications())).publications
    return [(one.version, one.status) for one in reversed(found)]


async def test_a_version_goes_out_again_after_another_one_or_when_it_was_removed(tmp_path: Path) -> None:
    root = await _shop(tmp_path)
    style = root / "published" / "site" / "style.css"
    async with WireServer(respond=Roles()) as server, opened(root, environment(server, tmp_path)) as client:
        (root / "app" / "style.css").write_text("/* mine */\n")
        await client.execute(b.SaveVersion(summary="Warmer"))
        await client.execute(b.ApproveVersion(version="1.0.1"))
        for version in ("1.0.0", "1.0.1", "1.0.0", "1.0.1"):
            done = await _publish(client, version)
            assert f"Version {version} is published to here" in done.message
            assert (style.read_text() == "/* mine */\n") is (version == "1.0.1")
        shutil.rmtree(root / "published")
        plan = await client.query(bq.GetPublishPlan(target="here"))
        assert [step.done for step in plan.steps] == [False, False]
        await _publish(client)
        assert style.read_text() == "/* mine */\n"
        assert len(await _statuses(client)) == 5

        again = await _publish(client)
        assert again.message.endswith("already: nothing is left to do.")
        assert again.publication is None
        late = await client.execute(b.Publish(target="here", plan=plan.digest))
        assert late.message == again.message
        assert await _statuses(client) == [(version, "done") for version in ("1.0.0", "1.0.1") * 2 + ("1.0.1",)]


async def test_after_a_conflict_the_steps_that_were_done_count_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = await _shop(tmp_path)
    site = root / "published" / "site"
    async with WireServer(respond=Roles()) as server, opened(root, environment(server, tmp_path)) as client:

        def moved(*_: object) -> None:
            raise Conflict("It has changed since the plan.", hint="Plan again.")

        with monkeypatch.context() as patch:
            patch.setattr(folder, "_swap", moved)
            with pytest.raises(Conflict):
                await _publish(client)
        assert await _statuses(client) == [("1.0.0", "failed")]
        plan = await client.query(bq.GetPublishPlan(target="here"))
        assert [step.done for step in plan.steps] == [False, False]
        await client.execute(b.Publish(target="here", plan=plan.digest))
        assert (site / "style.css").exists()
        assert await _statuses(client) == [("1.0.0", "done")]


async def test_a_restored_version_that_was_undone_does_not_go_out_by_itself(tmp_path: Path) -> None:
    root = await _shop(tmp_path)
    async with WireServer(respond=Roles()) as server, opened(root, environment(server, tmp_path)) as client:
        (root / "app" / "style.css").write_text("/* mine */\n")
        await client.execute(b.SaveVersion(summary="Warmer"))
        await client.execute(b.ApproveVersion(version="1.0.1"))
        (root / "app" / "style.css").write_text("/* not yet */\n")
        await client.execute(b.SaveVersion(summary="Warmest"))
        await client.execute(b.RestoreVersion(version="1.0.0"))
        assert (await client.query(bq.GetPublishPlan(target="here"))).version == "1.0.3"
        await client.execute(b.UndoVersion())
        plan = await client.query(bq.GetPublishPlan(target="here"))
        assert plan.version == "1.0.1"
        assert any("1.0.4, which is not approved" in note for note in plan.warnings)


async def test_a_publication_that_a_kill_left_running_is_interrupted_from_the_next_start_on(tmp_path: Path) -> None:
    root = await _shop(tmp_path)
    async with WireServer(respond=Roles()) as server:
        env = environment(server, tmp_path)
        async with reopened(root, env) as project:
            await project.store.transact(_left_running)
        async with opened(root, env) as client:
            assert await _statuses(client) == [("1.0.0", "interrupted")]
            (one,) = (await client.query(bq.GetPublications())).publications
            assert one.error.startswith("The program ended while this was carried out.")
            await _publish(client)
            assert await _statuses(client) == [("1.0.0", "interrupted"), ("1.0.0", "done")]


async def test_a_publication_whose_end_could_not_be_recorded_is_closed_when_another_begins(tmp_path: Path) -> None:
    root = await _shop(tmp_path)
    async with WireServer(respond=Roles()) as server:
        env = environment(server, tmp_path)
        async with reopened(root, env) as project:
            await project.store.transact(_left_running)
            plan = await get_publish_plan(project, bq.GetPublishPlan(target="here"), "ana")
            await publish(project, b.Publish(target="here", plan=plan.digest), ANA)
            rows = await project.store.read(publications.listing)
            assert {one.plan_digest: one.status.value for one in rows} == {
                "another": "interrupted",
                plan.digest: "done",
            }


def _left_running(tx: Tx) -> None:
    """A publication as a kill leaves it, of a plan that is no more."""
    version = versions.resolve(tx, "1.0.0")
    plan = PublishPlan(Target("here", "folder", {}), "1.0.0", version.id, (), "", "")
    row = app_rows.publication(
        version.id, target="here", plan=msgspec.json.encode(plan).decode(), plan_digest="another"
    )
    publications.insert(tx, row)
