"""Gates that open by themselves: a change that runs from its request to a version without a key, and one that is sent back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from studio.domain.errors import BudgetExceeded, Refused
from studio.domain.finding import FindingSource, FindingState
from studio.engine.apps.purse import Purse
from studio.protocol import build_commands as b
from studio.protocol import build_queries as bq
from studio.protocol import commands as c
from studio.protocol import queries as q
from tests.engine.test_app_limits import settings, tasks_of
from tests.fakes.app_at import app_at, begun, make_app
from tests.fakes.app_roles import FAULT, Roles
from tests.fakes.project import draft, environment, opened
from tests.fakes.wire_asked import Answering, Asked
from tests.fakes.wire_script import Call
from tests.fakes.wire_server import WireServer

ALL = '["discovery", "planning", "implementation", "testing", "verification", "deployment"]'


async def test_with_open_gates_a_change_goes_its_whole_way_and_back_once_by_itself(tmp_path: Path) -> None:
    root = make_app(tmp_path)
    settings(root, "workflow", f"auto_draft = true\nauto_gates = {ALL}")
    roles = Roles(verdicts=["return", "pass"], pause=0.0)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        page = await begun(client)
        await client.execute(c.Generate(page=page))
        async with asyncio.timeout(60):
            while (view := await client.query(q.GetPage(page=page))).state != "complete":
                await asyncio.sleep(0.05)
        build = await client.query(bq.GetBuild(page=page))
        assert (build.returns, build.complete, view.phase) == (1, True, "approved")
        states = [(one.number, one.approved) for one in (await client.query(bq.GetVersions())).versions]
        assert states == [("1.0.1", True), ("1.0.0", False)]
        tasks = {one.key: one.status for one in (await client.query(bq.GetTasks(page=page))).tasks}
        assert tasks["return-1-1"] == "done"


class Loud(Roles):
    """A worker that writes what the standards forbid, until it is told."""

    def _write(self, asked: Asked, task: str) -> Answering:
        if task == "data" and not asked.done("create_file") and not asked.results:
            return Call("create_file", {"path": "data.js", "content": 'console.log("hello");\n'})
        return super()._write(asked, task)


RULES = """---
name: Ours
type: standards
---
```rules
[[forbid]]
id = "no-console"
pattern = 'console\\.log'
in = ["**/*.js"]
message = "Nothing is logged to the console."
```
"""


async def test_a_standard_binds_at_the_write_and_a_waived_one_no_longer(tmp_path: Path) -> None:
    roles = Loud(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    (root / "canon" / "standards").mkdir(parents=True, exist_ok=True)
    (root / "canon" / "standards" / "ours.md").write_text(RULES)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        assert (await draft(client, page)).status == "completed"
        assert "console" not in (root / "app" / "data.js").read_text()
        found = (await client.query(bq.GetFindings(page=page))).findings
        blocked = next(one for one in found if one.rule == "no-console")
        assert (blocked.source, blocked.state, blocked.path, blocked.line) == (
            FindingSource.RULE, FindingState.BLOCKED, "data.js", 1,
        )  # fmt: skip
        refusals = [one for one in (await client.query(bq.GetToolLog(page=page))).calls if one.status == "refused"]
        assert [one.path for one in refusals] == ["data.js"]
        await client.execute(b.SettleFinding(finding=blocked.id, state="waived", reason="While we look for a fault."))
        (root / "app" / "data.js").unlink()
        await client.execute(b.SaveVersion(summary="Away with it"))
        with pytest.raises(Refused, match="Every task is done"):
            await client.execute(c.Generate(page=page))
        cells = (await client.query(q.GetPage(page=page))).cells
        seen = next(cell.head.id for cell in cells if cell.name == "implementation" and cell.head)
        await client.execute(c.Generate(page=page, revision=seen))
        async with asyncio.timeout(60):
            while (await client.query(q.GetPage(page=page))).phase == "generating":
                await asyncio.sleep(0.05)
        assert "console" in (root / "app" / "data.js").read_text()


class Stubborn(Roles):
    """A team of whom one writes what a rule forbids, however often it is told."""

    told: str = ""

    def _write(self, asked: Asked, task: str) -> Answering:
        if task != "data":
            return super()._write(asked, task)
        if "It will not get through" in asked.text:
            self.told = asked.text
        return Call("create_file", {"path": "data.js", "content": 'console.log("hello");\n'})


async def test_a_worker_that_is_refused_again_and_again_is_told_once_and_ends_with_the_cause(tmp_path: Path) -> None:
    roles = Stubborn(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    standards = root / "canon" / "standards"
    standards.mkdir(parents=True, exist_ok=True)
    (standards / "ours.md").write_text(RULES)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        run = await draft(client, page)
        assert run.status == "completed"
        assert "refused 3 times for the same reason: data.js: blocked by no-console" in roles.told
        data = (await tasks_of(client, page))["data"]
        assert (data.status, data.attempts) == ("failed", 1)
        assert "was refused 4 times for the same reason: data.js: blocked by no-console." in data.error
        calls = (await client.query(bq.GetToolLog(page=page))).calls
        assert sum(one.task == "data" or one.path == "data.js" for one in calls if one.status == "refused") == 4
        (version,) = (await client.query(bq.GetVersions())).versions
        assert version.summary.startswith("5 of 8 tasks are not done: Write data, Write cart, Write list and 2 more. ")
        head = next(cell.head for cell in (await client.query(q.GetPage(page=page))).cells if cell.output == "code")
        assert head is not None
        assert "blocked by no-console" in head.text
        assert "5 of 8 tasks are not done" in (await client.query(bq.GetBuild(page=page))).next_action


async def test_a_share_waits_while_another_holds_the_money_and_is_refused_when_nobody_does() -> None:
    purse = Purse(1.0)
    await purse.take("one", 0.8)
    waiting = asyncio.create_task(purse.take("two", 0.5))
    await asyncio.sleep(0)
    assert not waiting.done()
    purse.pay("one", 0.3)
    purse.close("one")
    await asyncio.wait_for(waiting, 1)
    assert purse.free == 1.0 - 0.3 - 0.5


async def test_two_who_would_wait_for_each_other_do_not() -> None:
    purse = Purse(1.0)
    await purse.take("one", 0.4)
    await purse.take("two", 0.4)
    waiting = asyncio.create_task(purse.take("one", 0.7))
    await asyncio.sleep(0)
    with pytest.raises(BudgetExceeded):
        await purse.take("two", 0.7)
    purse.close("two")
    await asyncio.wait_for(waiting, 1)


class Unhappy(Roles):
    """A test auditor who asks to send the work back, which only the overseer can."""

    async def __call__(self, asked: Asked) -> Answering:
        return (
            self._report(asked, "return", [FAULT]) if self._role(asked) == "testing" else await super().__call__(asked)
        )


async def test_a_test_report_that_asks_to_send_back_is_not_approved_unread(tmp_path: Path) -> None:
    roles = Unhappy(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "user_reviewing_implementation", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        await client.execute(c.Approve(page=page, draft=False))
        await draft(client, page)
        with pytest.raises(Refused, match="asks to send the work back") as refused:
            await client.execute(c.Approve(page=page, draft=False))
        assert "the verification can send the work back" in refused.value.hint
        assert (await client.query(q.GetPage(page=page))).state == "user_reviewing_testing"
        done = await client.execute(c.Approve(page=page, draft=False, anyway=True))
        assert done.state == "generating_verification"
