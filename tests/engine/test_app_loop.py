"""An application built from a request to an approved version, by scripted roles over real wires, with real files."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.protocol import build_queries as bq
from studio.protocol import commands as c
from studio.protocol import queries as q
from tests.fakes.app_at import begun, make_app, through
from tests.fakes.app_roles import FILES, Roles
from tests.fakes.project import environment, opened
from tests.fakes.wire_server import WireServer


@pytest.mark.parametrize("api", ["chat", "messages"])
async def test_an_application_is_built_by_parallel_workers_one_retried_and_one_repaired(
    tmp_path: Path, api: str
) -> None:
    roles = Roles()
    async with (
        WireServer(respond=roles) as server,
        opened(make_app(tmp_path), environment(server, tmp_path, api)) as client,
    ):
        page = await begun(client)
        await through(client, page)

        build = await client.query(bq.GetBuild(page=page))
        assert (build.phase, build.complete, build.operation) == ("COMPLETE", True, "create")
        assert (build.tasks_total, build.tasks_done, build.tasks_failed) == (8, 8, 0)
        assert roles.most == 3
        tasks = {one.key: one for one in (await client.query(bq.GetTasks(page=page))).tasks}
        assert tasks["list"].attempts == 2
        assert (tasks["list"].status, bool(tasks["list"].error)) == ("done", True)
        assert tasks["total"].attempts == 1
        for path, text in FILES.values():
            assert (tmp_path / "shop" / "app" / path).read_text() == text
        found = (await client.query(bq.GetFindings(page=page))).findings
        assert any(one.path == "total.js" and one.state == "fixed" for one in found)
        (version,) = (await client.query(bq.GetVersions())).versions
        assert (version.number, version.status, version.approved) == ("1.0.0", "completed", True)
        assert version.added == 8
        assert [one.to_role for one in build.handoffs][-1] == "person"
        assert len(build.handoffs) == 6


async def test_an_earlier_request_is_restored(tmp_path: Path) -> None:
    async with (
        WireServer(respond=Roles()) as server,
        opened(make_app(tmp_path), environment(server, tmp_path), watch=False) as client,
    ):
        page = await begun(client)
        await client.execute(c.SetBrief(page=page, text="Something else."))
        history = await client.query(q.GetHistory(page=page))
        first = next(one for one in history.revisions if one.stage == "brief" and one.number == 1)
        await client.execute(c.Restore(revision=first.id))
        assert (await client.query(q.GetPage(page=page))).brief.text == "A corner shop with a cart."
