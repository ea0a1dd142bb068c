"""Caps, money, stops and what is left when a run ends early: tasks and versions stay consistent, and nothing is done twice."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from studio.domain.errors import Refused
from studio.engine.inprocess import InProcessClient
from studio.protocol import build_commands as b
from studio.protocol import build_queries as bq
from studio.protocol import build_views as v
from studio.protocol import commands as c
from studio.protocol import queries as q
from tests.fakes.app_at import app_at, begun, through
from tests.fakes.app_roles import FILES, Roles
from tests.fakes.project import draft, environment, opened, settled, until
from tests.fakes.wire_asked import Answering, Asked
from tests.fakes.wire_script import Call, Step
from tests.fakes.wire_server import WireServer


class Restless(Roles):
    """A team of whom one never ends its task."""

    def _write(self, asked: Asked, task: str) -> Answering:
        if task == "style":
            return Call("list_files", {"folder": None})
        return super()._write(asked, task)


class Refusing(Roles):
    """A service that refuses one task every time."""

    def _write(self, asked: Asked, task: str) -> Answering:
        return Step(status=400) if task == "data" else super()._write(asked, task)


async def tasks_of(client: InProcessClient, page: str) -> dict[str, v.TaskView]:
    return {one.key: one for one in (await client.query(bq.GetTasks(page=page))).tasks}


def settings(root: Path, table: str, lines: str) -> None:
    file = root / "studio.toml"
    text = file.read_text()
    head = f"[{table}]"
    file.write_text(text.replace(head, f"{head}\n{lines}", 1) if head in text else f"{text}\n{head}\n{lines}\n")


async def test_a_worker_that_never_ends_is_stopped_at_its_iterations_and_not_tried_again(tmp_path: Path) -> None:
    roles = Restless(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    settings(root, "app", "iterations = 4\ntask_tries = 2")
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        run = await draft(client, page)
        assert run.status == "completed"
        tasks = await tasks_of(client, page)
        assert (tasks["style"].status, tasks["style"].attempts) == ("failed", 1)
        assert "4 iterations" in tasks["style"].error
        log = await client.query(bq.GetToolLog(page=page))
        assert sum(1 for one in log.calls if one.task == "style") == 4
        assert {one.status for key, one in tasks.items() if key != "style"} == {"done"}
        view = await client.query(q.GetPage(page=page))
        cell = next(one for one in view.cells if one.name == "implementation")
        assert cell.head is not None
        assert cell.head.outcome == "incomplete"


async def test_tasks_that_need_a_failed_one_are_skipped_and_the_next_run_does_only_what_is_left(tmp_path: Path) -> None:
    roles = Refusing(failing="", pause=0.0)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    server = WireServer(respond=roles)
    async with server, opened(root, environment(server, tmp_path)) as client:
        await draft(client, page)
        tasks = await tasks_of(client, page)
        assert (tasks["data"].status, tasks["data"].attempts) == ("failed", 3)
        assert {tasks[key].status for key in ("cart", "list", "total", "check")} == {"skipped"}
        assert {tasks[key].status for key in ("page", "style", "readme")} == {"done"}
        stamps = {path: (root / "app" / path).stat().st_mtime_ns for path in ("index.html", "style.css")}

        server.respond = Roles(failing="", broken="", pause=0.0)
        run = await draft(client, page)
        assert run.status == "completed"
        assert {one.status for one in (await tasks_of(client, page)).values()} == {"done"}
        assert {path: (root / "app" / path).stat().st_mtime_ns for path in stamps} == stamps
        assert [one.status for one in (await client.query(bq.GetVersions())).versions] == ["completed", "completed"]


async def test_the_money_of_a_run_holds_also_for_workers_side_by_side(tmp_path: Path) -> None:
    roles = Roles(pause=0.0)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    settings(root, "limits", "run_usd = 0.09")
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        run = await draft(client, page)
        assert run.cost_usd is not None
        assert run.cost_usd <= 0.09
        tasks = await tasks_of(client, page)
        lost = [one for one in tasks.values() if one.status == "failed"]
        assert lost
        assert all("left for this run" in one.error for one in lost)
        assert all(one.attempts <= 1 for one in lost)  # none is tried again in vain; one may not have begun at all


class Wordy(Roles):
    """Workers that use nearly every token they are allowed."""

    def _write(self, asked: Asked, task: str) -> Answering:
        allowed = int(asked.body.get("max_completion_tokens") or asked.body.get("max_tokens") or 0)
        if asked.done("create_file"):
            return Call("finish_app", {"summary": task, "changelog": "", "follow_ups": None})
        if not asked.done("list_files"):
            return Call("list_files", {"folder": None})
        return Call("create_file", {"path": f"{task}.txt", "content": "word " * int(allowed * 0.7)}, piece=2_000)


async def test_answers_that_are_as_long_as_they_may_be_keep_to_the_money_too(tmp_path: Path) -> None:
    roles = Wordy(failing="", broken="", pause=0.05)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    settings(root, "limits", "run_usd = 0.18")
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        run = await draft(client, page)
        assert run.cost_usd is not None
        assert 0.03 < run.cost_usd <= 0.18


async def test_a_stopped_run_goes_on_with_the_tasks_that_are_left(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.3)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        started = await client.execute(c.Generate(page=page))
        await until(lambda: (root / "app" / "index.html").exists())
        stopped = await client.execute(c.Stop(page=page))
        assert stopped.message == "Stopped; the files written so far stay."
        run = await settled(client, started.run or "")
        assert (run.status, run.hint) == ("stopped", "Continue it or discard it.")
        with pytest.raises(Refused) as refused:
            await client.execute(c.Approve(page=page))
        assert refused.value.hint == "Continue it or discard it."
        before = await tasks_of(client, page)
        assert {one.status for one in before.values()} <= {"done", "interrupted", "planned"}
        (version,) = (await client.query(bq.GetVersions())).versions
        assert (version.status, version.error) == ("failed", "Stopped before it was finished.")
        done = {key: one.attempts for key, one in before.items() if one.status == "done"}

        roles.pause = 0.0
        again = await client.execute(c.Resume(page=page, action="continue"))
        assert (await settled(client, again.run or "")).status == "completed"
        tasks = await tasks_of(client, page)
        assert {one.status for one in tasks.values()} == {"done"}
        assert {key: tasks[key].attempts for key in done} == done
        for path, text in FILES.values():
            assert (root / "app" / path).read_text() == text
        assert [one.number for one in (await client.query(bq.GetVersions())).versions] == ["1.0.1", "1.0.0"]


async def asked(client: InProcessClient, page: str, *, feedback: str | None = None, goes_on: bool = False) -> str:
    """What is said before the key of a draft, a revision or going on."""
    return (await client.query(q.GetContext(page=page, feedback=feedback, goes_on=goes_on))).line


async def worked_at(client: InProcessClient, run: str) -> int:
    """How many tasks a run says it works at."""
    log = (await client.query(q.GetRun(run=run))).partial
    found = re.search(r"Version [\d.]+: (\d+) task", log)
    return int(found[1]) if found else 0


async def test_the_question_before_the_work_counts_the_tasks_that_will_run_and_says_what_all_may_cost(
    tmp_path: Path,
) -> None:
    roles = Roles(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        line = await asked(client, page)
        call = re.search(r"in all at most about \$([\d.]+); a call: .*at most \$([\d.]+)", line)
        assert call is not None, line
        assert float(call[1]) == pytest.approx(8 * 25 * float(call[2]), rel=0.02)
        assert "8 tasks, 3 at a time, at most 25 calls each" in line
        run = await draft(client, page)
        assert await worked_at(client, run.id) == 8

        assert "8 tasks" in await asked(client, page)  # all of them again
        assert ": 1 task, at most 25 calls each" in await asked(client, page, feedback="Warmer.")
        await client.execute(b.AddTask(page=page, title="Imprint"))
        with pytest.raises(Refused, match="1 of 9 tasks is not done: Imprint"):
            await client.execute(c.Approve(page=page))
        assert ": 1 task, at most 25 calls each" in await asked(client, page)
        assert ": 2 tasks, 2 at a time" in await asked(client, page, feedback="Warmer.")
        done = await client.execute(c.Revise(page=page, feedback="Warmer."))
        assert ": 2 tasks, 2 at a time" in done.message
        assert await worked_at(client, (await settled(client, done.run or "")).id) == 2


class Pausing(Roles):
    """A lead who is long at the review of the joined result the first time."""

    paused: bool = False

    async def __call__(self, asked: Asked) -> Answering:
        if self._role(asked) == "joined" and not self.paused:
            self.paused = True
            await asyncio.sleep(60)
        return await Roles.__call__(self, asked)


async def test_what_was_stopped_at_the_lead_s_review_goes_on_with_that_and_buys_no_task_again(tmp_path: Path) -> None:
    roles = Pausing(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        run = await client.execute(c.Generate(page=page))
        await until(lambda: roles.paused)
        await client.execute(c.Stop(page=page))
        assert (await settled(client, run.run or "")).status == "stopped"
        assert "only the review of the lead is left" in await asked(client, page, goes_on=True)
        seen = len(roles.seen)
        again = await client.execute(c.Resume(page=page, action="continue"))
        assert (await settled(client, again.run or "")).status == "completed"
        assert roles.seen[seen:] == ["joined"]
        assert {one.status for one in (await tasks_of(client, page)).values()} == {"done"}
        newest = (await client.query(bq.GetVersions())).versions[0]
        assert (newest.status, "Wrote index.html." in newest.summary) == ("completed", True)
        await client.execute(c.Approve(page=page))


async def test_what_all_may_cost_is_what_the_limits_leave(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    settings(root, "limits", "run_usd = 1.5\nday_usd = 9.0")
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        assert "calls each, in all at most $1.50 by the limits; a call" in await asked(client, page)


async def test_a_file_that_a_person_writes_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.3)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    settings(root, "app", "iterations = 3\ntask_tries = 1")
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        started = await client.execute(c.Generate(page=page))
        await until(lambda: (root / "app" / "data.js").exists())
        await asyncio.to_thread((root / "app" / "total.js").write_text, "// mine\n")
        await settled(client, started.run or "")
        assert (root / "app" / "total.js").read_text() == "// mine\n"
        found = (await client.query(bq.GetFindings(page=page))).findings
        conflict = next(one for one in found if one.source == "conflict")
        assert (conflict.path, conflict.state) == ("total.js", "open")
        kept = root / ".studio" / "objects" / conflict.quote[:2] / conflict.quote
        assert kept.read_text() == FILES["total"][1]


async def test_two_changes_that_are_built_at_the_same_time_take_turns(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.05)
    root, _ = await app_at(tmp_path, "complete", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        both = [await begun(client, "Say more."), await begun(client, "And more.")]
        for page in both:
            await through(client, page, to="generating_implementation")
        started = [await client.execute(c.Generate(page=page)) for page in both]
        for one in started:
            assert (await settled(client, one.run or "")).status == "completed"
        versions = (await client.query(bq.GetVersions())).versions
        assert [one.number for one in versions] == ["1.2.0", "1.1.0", "1.0.0"]
        assert not [one for one in (await client.query(bq.GetFindings())).findings if one.source == "conflict"]
        assert (root / "app" / "README.md").read_text().count("Changed:") == 2


async def test_an_approval_whose_next_draft_cannot_be_paid_for_is_an_approval_and_says_why(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "user_reviewing_planning", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        await client.execute(c.SetSpending(limit="project_usd", usd=0.0000001))
        done = await client.execute(c.Approve(page=page, draft=True))
        assert (done.state, done.run) == ("generating_implementation", None)
        assert done.message.startswith("Planning approved. The next draft was not started: This call may cost")
