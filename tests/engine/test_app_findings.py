"""Findings that come more than once: each is listed once, and what a person decided about stays decided."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from studio.domain.finding import Finding, FindingSource, FindingState, Problem
from studio.engine.apps import fix_tasks, recording
from studio.engine.apps.gate import Place, finding
from studio.engine.open_project import OpenProject
from studio.engine.views.findings import get_findings
from studio.protocol import build_commands as b
from studio.protocol import build_queries as bq
from studio.protocol import commands as c
from studio.store import build_tasks, findings, pages
from tests.engine.app_project import add_change, app_project
from tests.fakes.app_at import app_at, begun, make_app, through
from tests.fakes.app_roles import FAULT, NOTE, Roles
from tests.fakes.project import draft, environment, opened
from tests.fakes.wire_server import WireServer
from tests.store import app_rows

OPEN, BLOCKED = FindingState.OPEN, FindingState.BLOCKED


def told(page: str, message: str, state: FindingState = OPEN, task: str | None = None) -> Finding:
    place = Place(page, "testing", "run-1", "", task)
    return finding(place, Problem("naming", "index.html", 1, message), FindingSource.REVIEWER, state)


async def added(project: OpenProject, *rows: Finding) -> int:
    return len(await project.store.transact(lambda tx: recording.add(tx, rows)))


async def test_the_same_words_in_other_case_and_spacing_are_one_finding(tmp_path: Path) -> None:
    async with app_project(tmp_path) as project:
        page = (await add_change(project)).id
        one = told(page, "The title could say more.")
        assert await added(project, one, told(page, "the title  could\nsay more.")) == 1
        assert await added(project, told(page, "The title could say more.")) == 0
        assert await added(project, told(page, "The title could say less.")) == 1
        assert await added(project, told(page, "Not so.", BLOCKED), told(page, "Not so.", BLOCKED)) == 1
        assert await added(project, told(page, "Not so.")) == 1  # a refused write does not hide what is in the file
        assert await added(project, told(page, "Not so.", BLOCKED)) == 0
        other = (await add_change(project, "More.", "More")).id
        assert await added(project, told(other, "The title could say more.")) == 1


async def test_a_fixed_one_may_come_again_and_a_decided_one_does_not(tmp_path: Path) -> None:
    async with app_project(tmp_path) as project:
        page = (await add_change(project)).id
        one = told(page, "The title could say more.")
        await added(project, one)
        for state, again in (("fixed", 1), ("waived", 0), ("intended", 0), ("false", 0)):
            await project.store.transact(
                lambda tx, state=state: findings.settle_open(tx, page, FindingState(state), "ana", "Because.")
            )
            assert await added(project, told(page, "the title could say more.")) == again, state


async def test_a_worker_s_tries_at_a_person_s_file_leave_one_conflict_open(tmp_path: Path) -> None:
    async with app_project(tmp_path) as project:
        page = (await add_change(project)).id

        def conflict(digest: str, task: str) -> Finding:
            problem = Problem("person-changed-it", "a.js", 0, f"Kept as {digest}.", quote=digest)
            return finding(Place(page, "implementation", "run-1", "", task), problem, FindingSource.CONFLICT, OPEN)

        for digest, task in (("1" * 64, "t1"), ("1" * 64, "t1"), ("2" * 64, "t1"), ("3" * 64, "t2")):
            await added(project, conflict(digest, task))
        every = await project.store.read(lambda tx: findings.listing(tx, page))
        assert [(one.problem.quote[0], one.state.value) for one in every] == [
            ("1", "fixed"), ("2", "open"), ("3", "open"),
        ]  # fmt: skip
        assert "later text" in every[0].reason


async def test_what_was_waived_is_not_reported_as_open_by_the_next_reviewer_and_the_audit_says_so(
    tmp_path: Path,
) -> None:
    roles = Roles(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "user_reviewing_implementation", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        (one,) = (await client.query(bq.GetFindings(page=page, open_only=True))).findings
        assert one.message == NOTE["message"]
        await client.execute(b.SettleFinding(finding=one.id, state="waived", reason="Named elsewhere."))
        await through(client, page, to="user_reviewing_testing")
        assert (await client.query(bq.GetFindings(page=page))).open == 0
        lines = [line.line for line in (await client.query(bq.GetAudit(page=page))).lines]
        assert any("found again, still waived" in line for line in lines)


async def test_a_fix_task_lists_each_line_once(tmp_path: Path) -> None:
    async with app_project(tmp_path) as project:
        page = await add_change(project)
        one = told(page.id, "The title could say more.")
        other = replace(one, id="other", problem=replace(one.problem, rule="requirement"))
        await added(project, one, other)
        await project.store.transact(lambda tx: fix_tasks.add(tx, page.id, "", 1))
        (task,) = await project.store.read(lambda tx: build_tasks.listing(tx, page.id))
        assert task.description == "- line 1: The title could say more."


async def test_a_report_that_repeats_itself_keeps_its_finding(tmp_path: Path) -> None:
    root = make_app(tmp_path)
    roles = Roles(failing="", broken="", pause=0.0, verdicts=["return", "return", "pass"])
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        page = await begun(client)
        await through(client, page, to="user_reviewing_verification")
        await draft(client, page, c.Generate(page=page))
        found = (await client.query(bq.GetFindings(page=page))).findings
        assert [one.state for one in found if one.message == FAULT["message"]] == ["open"]


async def test_findings_of_several_changes_name_theirs(tmp_path: Path) -> None:
    async with app_project(tmp_path) as project:
        made = [await add_change(project, title=title) for title in ("Basket", "Gone", "Later")]
        await project.store.transact(lambda tx: pages.update(tx, made[1].id, archived=True))
        rows = [app_rows.finding(one.id, second=n) for n, one in enumerate(made)]
        await project.store.transact(lambda tx: findings.insert(tx, rows))
        view = await get_findings(project, bq.GetFindings(), "ana")
        found = [(one.change, one.title) for one in view.findings]
        assert found == [("1/1", "Basket"), ("gone", "Gone"), ("1/2", "Later")]
