"""Versions that a person saves: whose they are, and how they go out."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.domain.errors import Refused
from studio.protocol import build_commands as b
from studio.protocol import build_queries as bq
from studio.protocol import commands as c
from tests.engine.test_app_discard import Workshop
from tests.engine.test_app_limits import settings
from tests.fakes.app_at import app_at, through
from tests.fakes.app_roles import Roles
from tests.fakes.project import AUTHOR, environment, opened
from tests.fakes.wire_server import WireServer
from tests.publishers.making import git


async def test_what_is_saved_after_a_complete_change_goes_out_once_it_is_approved(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "complete", roles)
    settings(root, "publish.here", 'publisher = "folder"\npath = "published/site"')
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        shop = Workshop(client, root, page)
        (shop.app / "style.css").write_text("/* mine */\n")
        plan = await client.query(bq.GetPublishPlan(target="here"))
        assert "changes that are in no version and do not go out: style.css" in plan.warnings[-1]

        done = await client.execute(b.SaveVersion(summary="Warmer"))
        assert "studio versions approve 1.0.1" in done.message
        assert (await shop.versions())["1.0.1"].page == ""
        plan = await client.query(bq.GetPublishPlan(target="here"))
        assert (plan.version, plan.warnings[-1]) == (
            "1.0.0",
            "The newest version is 1.0.1, which is not approved and does not go out. Approve it: studio versions approve 1.0.1",
        )
        with pytest.raises(Refused) as refusal:
            await client.query(bq.GetPublishPlan(target="here", version="1.0.1"))
        assert refusal.value.hint == "Approve it: `studio versions approve 1.0.1`."

        done = await client.execute(b.ApproveVersion(version="1.0.1"))
        assert done.message == "Version 1.0.1 is approved: it goes out next."
        with pytest.raises(Refused, match="approved already"):
            await client.execute(b.ApproveVersion(version="1.0.1"))
        plan = await client.query(bq.GetPublishPlan(target="here"))
        assert (plan.version, plan.warnings) == ("1.0.1", ())
        await client.execute(b.Publish(target="here", plan=plan.digest))
        assert (root / "published" / "site" / "style.css").read_text() == "/* mine */\n"


async def test_what_is_saved_in_a_change_at_work_belongs_to_it_and_is_approved_with_it(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "user_reviewing_implementation", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        shop = Workshop(client, root, page)
        (shop.app / "style.css").write_text("/* mine */\n")
        done = await client.execute(b.SaveVersion(summary="Warmer"))
        assert done.message == "Saved as version 1.0.1."
        with pytest.raises(Refused, match="belongs to 'The shop', which is not complete"):
            await client.execute(b.ApproveVersion(version="1.0.1"))
        await through(client, shop.page, to="user_reviewing_testing")
        (shop.app / "style.css").write_text("/* too late */\n")
        done = await client.execute(b.SaveVersion(summary="Late"))
        assert "goes on with version 1.0.1: reopen the implementation" in done.message
        await through(client, shop.page)
        assert [number for number, one in (await shop.versions()).items() if one.approved] == ["1.0.1"]
        await client.execute(b.ApproveVersion(version="1.0.2"))
        assert (await shop.versions())["1.0.2"].approved


async def test_a_failed_version_is_not_approved(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.3)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        shop = Workshop(client, root, page)
        await shop.break_off(c.Generate(page=shop.page), "index.html")
        with pytest.raises(Refused, match="is failed"):
            await client.execute(b.ApproveVersion(version="1.0.0"))


@pytest.mark.parametrize("own", [True, False], ids=["the person whose engine it is", "another one"])
async def test_a_commit_is_by_whom_the_person_s_git_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: bool
) -> None:
    roles = Roles(failing="", broken="", pause=0.0)
    root, _ = await app_at(tmp_path, "complete", roles)
    settings(root, "publish.repo", 'publisher = "git"')
    config = tmp_path / "xdg" / "STUDIO_CONFIG_HOME" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'[ui]\nauthor = "{AUTHOR if own else "ben"}"\n')
    (tmp_path / ".gitconfig").write_text("[user]\nname = Ana Example\nemail = ana@example.org\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        plan = await client.query(bq.GetPublishPlan(target="repo"))
        await client.execute(b.Publish(target="repo", plan=plan.digest))
        who = "Ana Example <ana@example.org>" if own else f"{AUTHOR} <{AUTHOR}@localhost>"
        assert any(step.detail.endswith(f"by {who}") for step in plan.steps)
        assert git(root / "app", "log", "-1", "--format=%an <%ae>") == who
        assert git(root / "app", "status", "--porcelain") == ""
