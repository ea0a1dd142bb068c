"""Changes to an application that exists: sent back and mended, published into a bare repository, an earlier version restored."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from studio.domain.errors import Conflict, LimitReached, Refused
from studio.engine.inprocess import InProcessClient
from studio.protocol import build_commands as b
from studio.protocol import build_queries as bq
from studio.protocol import commands as c
from studio.protocol import queries as q
from tests.fakes.app_at import app_at, begun, make_app, through
from tests.fakes.app_roles import Roles
from tests.fakes.project import draft, environment, opened
from tests.fakes.wire_server import WireServer


def git(*words: str, at: Path) -> str:
    return subprocess.run(["git", *words], cwd=at, check=True, capture_output=True, text=True).stdout


async def published(client: InProcessClient) -> str:
    plan = await client.query(bq.GetPublishPlan(target="shop"))
    done = await client.execute(b.Publish(target="shop", plan=plan.digest))
    return done.message


async def test_created_updated_twice_published_and_version_one_restored(tmp_path: Path) -> None:
    root, bare = make_app(tmp_path), tmp_path / "bare.git"
    git("init", "-q", "--bare", str(bare), at=tmp_path)
    with (root / "studio.toml").open("a") as settings:
        settings.write(f'\n[publish.shop]\npublisher = "git"\nremote = "{bare}"\n')
    roles = Roles(verdicts=["pass", "return", "pass"])
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        first = await begun(client)
        await through(client, first)
        await published(client)
        offers = {one.title: one for one in (await client.query(bq.GetPublications())).follow_ups}
        assert offers["Deploy it"].why == "Nobody can visit it yet."  # the release manager's own
        assert "deployment" not in {one.id for one in offers.values()}  # a target is there
        for request in ("Say more in the readme.", "And more."):
            page = await begun(client, request)
            await through(client, page, to="user_reviewing_verification")
            report = await client.query(q.GetPage(page=page))
            if "Verdict: return" in next(one for one in report.cells if one.name == "verification").head.text:  # type: ignore[union-attr]
                with pytest.raises(Refused, match="asks to send the work back"):
                    await client.execute(c.Approve(page=page))
                sent = await client.execute(b.SendBack(page=page, note="Mind the cart."))
                assert sent.state == "generating_implementation"
            await through(client, page)
            await published(client)

        versions = (await client.query(bq.GetVersions())).versions
        assert [one.number for one in versions if one.approved] == ["1.2.0", "1.1.1", "1.0.0"]
        assert {one.status for one in versions} == {"completed"}
        assert all(one.operation == "update" for one in versions[:-1])
        tags = git("tag", "--list", at=bare).split()
        assert tags == ["v1.0.0", "v1.1.1", "v1.2.0"]
        assert git("fsck", "--strict", "--full", at=bare) == ""
        assert "Open the corner shop" in git("log", "-1", "--format=%B", "v1.0.0", at=bare)

        restored = await client.execute(b.RestoreVersion(version="1.0.0"))
        assert (root / "app" / "README.md").read_text() == "# Corner shop\n\nOpen index.html.\n"
        now = (await client.query(bq.GetVersions())).versions[0]
        assert (now.id, now.origin, now.restored_from) == (restored.version, "restore", "1.0.0")
        diff = await client.query(bq.GetVersionDiff(base="1.0.0", version="newest"))
        assert diff.files == ()

        assert now.approved
        await published(client)
        assert git("log", "-1", "--format=%s", "v1.2.1", at=bare).strip() == "Restored version 1.0.0"
        approved = git("log", "-1", "--format=%B", "v1.0.0", at=bare).partition("\n\nStudio-Version:")[0]
        said = git("log", "-1", "--format=%b", "v1.2.1", at=bare).partition("\n\nStudio-Version:")[0]
        assert "Open the corner shop" in approved
        assert said == f"{approved}\n\nRestored from version 1.0.0."
        words = [git("tag", "--list", "--format=%(contents)", tag, at=bare) for tag in ("v1.0.0", "v1.2.1")]
        assert words[0] == words[1]

        await client.execute(b.RestoreVersion(version="1.1.1"))
        await client.execute(b.RestoreVersion(version="1.2.1"))
        await published(client)
        body = git("log", "-1", "--format=%B", "v1.2.3", at=bare)
        assert body.startswith("Restored version 1.2.1\n\n")
        assert f"{approved}\n\nRestored from version 1.0.0.\n" in body
        assert git("show", "v1.2.1:README.md", at=bare) == "# Corner shop\n\nOpen index.html.\n"
        assert git("merge-base", "v1.2.0", "v1.2.1", at=bare) == git("rev-parse", "v1.2.0^{commit}", at=bare)
        audit = await client.query(bq.GetAudit(page=page))
        kinds = {one.kind for one in audit.lines}
        assert kinds >= {"transition", "handoff", "message", "result", "tool", "version"}


async def test_a_review_sends_back_no_more_often_than_the_workflow_allows(tmp_path: Path) -> None:
    roles = Roles(verdicts=["return"])
    async with WireServer(respond=roles) as server, opened(make_app(tmp_path), environment(server, tmp_path)) as client:
        page = await begun(client)
        for _ in range(2):
            await through(client, page, to="user_reviewing_verification")
            await client.execute(b.SendBack(page=page))
        await through(client, page, to="user_reviewing_verification")
        with pytest.raises(LimitReached, match="sent this change back 2 times"):
            await client.execute(b.SendBack(page=page))
        build = await client.query(bq.GetBuild(page=page))
        assert (build.returns, build.returns_limit) == (2, 2)
        assert "it was sent back 2 times, which is the limit: settle the " in build.next_action


async def test_what_a_person_changed_is_kept_as_a_version_before_another_is_restored(tmp_path: Path) -> None:
    roles = Roles()
    root, _ = await app_at(tmp_path, "complete", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        (root / "app" / "README.md").write_text("# Mine\n")
        (root / "app" / "notes.txt").write_text("by hand\n")
        with pytest.raises(Conflict, match=r"README\.md, notes\.txt"):
            await client.execute(b.RestoreVersion(version="1.0.0"))
        assert (root / "app" / "README.md").read_text() == "# Mine\n"

        await client.execute(b.RestoreVersion(version="1.0.0", anyway=True))
        assert not (root / "app" / "notes.txt").exists()
        mine = next(one for one in (await client.query(bq.GetVersions())).versions if one.origin == "person")
        await client.execute(b.RestoreVersion(version=mine.number))
        assert (root / "app" / "notes.txt").read_text() == "by hand\n"


async def test_undo_takes_the_newest_version_back(tmp_path: Path) -> None:
    roles = Roles()
    root, _ = await app_at(tmp_path, "complete", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        await through(client, await begun(client, "Say more."))
        assert "Changed:" in (root / "app" / "README.md").read_text()
        await client.execute(b.UndoVersion())
        assert "Changed:" not in (root / "app" / "README.md").read_text()


async def test_a_revision_of_the_files_answers_the_feedback_and_runs_no_other_task(tmp_path: Path) -> None:
    roles = Roles()
    root, page = await app_at(tmp_path, "user_reviewing_implementation", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        before = {one.key: one.attempts for one in (await client.query(bq.GetTasks(page=page))).tasks}
        run = await draft(client, page, c.Revise(page=page, feedback="Say in the readme how to start."))
        assert run.status == "completed", run.error
        tasks = {one.key: one for one in (await client.query(bq.GetTasks(page=page))).tasks}
        assert tasks["feedback-1"].status == "done"
        assert "how to start" in tasks["feedback-1"].description
        assert {key: tasks[key].attempts for key in before} == before
        assert [one.number for one in (await client.query(bq.GetVersions())).versions] == ["1.0.1", "1.0.0"]
