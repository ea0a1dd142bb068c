"""The board of a change: tasks are edited before work starts and not after it, findings are settled with a reason."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from studio.domain.build import TASKS_LIMIT, BuildTask, TaskStatus
from studio.domain.errors import BadInput, NotFound, Refused
from studio.domain.page import Page
from studio.domain.run import RunStatus
from studio.engine.handlers import board
from studio.engine.open_project import OpenProject
from studio.engine.texts import add_person_revision
from studio.engine.views.board import get_tasks
from studio.protocol import build_commands as b
from studio.protocol import build_queries as q
from studio.protocol.build_events import FindingChanged, TaskChanged
from studio.store import build_tasks, findings, journal, runs
from studio.store.transaction import Tx
from tests.engine import app_project as at
from tests.store import app_rows


@pytest.fixture
async def project(tmp_path: Path) -> AsyncIterator[OpenProject]:
    async with at.app_project(tmp_path) as opened:
        yield opened


@pytest.fixture
async def page(project: OpenProject) -> Page:
    made = await at.add_change(project)
    return await at.stand_at(project, made, "user_reviewing_planning")


@pytest.fixture
async def tasks(project: OpenProject, page: Page) -> list[BuildTask]:
    return await at.plan(project, page)


async def events(project: OpenProject, kind: type[TaskChanged | FindingChanged]) -> list[tuple[str, str]]:
    found = await project.store.read(lambda tx: journal.tail(tx, 0, 1000))
    return [
        (event.what, event.actor) if isinstance(event, TaskChanged) else (event.state, event.actor)
        for event in found
        if isinstance(event, kind) and isinstance(event, TaskChanged | FindingChanged)
    ]


async def listing(project: OpenProject, page: Page) -> list[BuildTask]:
    return await project.store.read(lambda tx: build_tasks.listing(tx, page.id))


async def test_only_what_is_given_of_a_task_changes(project: OpenProject, page: Page, tasks: list[BuildTask]) -> None:
    command = b.EditTask(
        task=tasks[2].id, title="  Test\x1b[31m all ", type="Test", priority=1, needs=("layout", " basket ")
    )
    done = await board.edit_task(project, command, at.ANA)
    task = (await listing(project, page))[2]
    assert (done.page, done.task) == (page.id, task.id)
    assert (task.title, task.type, task.priority, task.needs) == ("Test[31m all", "test", 1, ("layout", "basket"))
    assert (task.description, task.edited_by, task.key) == ("Make tests.", "ana", "tests")
    assert await events(project, TaskChanged) == [("edited", "ana")]
    whole = b.EditTask(
        task=task.id, title="Tests", type="test", description="Make tests.", priority=1, needs=task.needs
    )
    assert (await board.edit_task(project, whole, at.ANA)).message == "Task 'tests' changed: title."
    assert (await board.edit_task(project, whole, at.ANA)).message == "Task 'tests' is as it was."
    with pytest.raises(BadInput, match="Nothing"):
        await board.edit_task(project, b.EditTask(task=task.id), at.ANA)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"title": " \n"}, "needs a title"),
        ({"type": "logics"}, "Did you mean logic"),
        ({"priority": 4}, "not a priority"),
        ({"description": "x" * 8001}, "description has 8,001 characters; at most 8,000"),
        ({"title": "x" * 121}, "The title has 121 characters; at most 120 are allowed"),
        ({"needs": ("layuot",)}, "Did you mean layout"),
        ({"needs": ("layout", "basket")}, "cannot wait for itself"),
        ({"needs": ("tests",)}, "basket -> tests -> basket|tests -> basket -> tests"),
    ],
)
async def test_a_task_that_cannot_be_is_refused_in_words_and_left_as_it_was(
    project: OpenProject, page: Page, tasks: list[BuildTask], change: dict[str, object], words: str
) -> None:
    with pytest.raises(BadInput, match=words):
        await board.edit_task(project, b.EditTask(task=tasks[1].id, **change), at.ANA)  # type: ignore[arg-type]
    assert await listing(project, page) == tasks
    assert await events(project, TaskChanged) == []


async def test_a_reason_is_kept_whole_or_refused(project: OpenProject, page: Page) -> None:
    await project.store.transact(lambda tx: findings.insert(tx, [app_rows.finding(page.id, id="f1")]))
    long = "Because " + "it is so " * 200
    await board.settle_finding(project, b.SettleFinding(finding="f1", state="waived", reason=long), at.ANA)
    kept = await project.store.read(lambda tx: findings.get(tx, "f1"))
    assert kept.reason == long.strip()
    with pytest.raises(BadInput, match="The reason has 2,001 characters; at most 2,000 are allowed"):
        await board.settle_finding(project, b.SettleFinding(finding="f1", state="open", reason="x" * 2001), at.ANA)


async def test_a_task_is_named_by_its_id_or_by_page_and_number(project: OpenProject, tasks: list[BuildTask]) -> None:
    done = await board.edit_task(project, b.EditTask(task="1/1#2", title="Cart"), at.ANA)
    assert done.task == tasks[1].id
    assert (await board.edit_task(project, b.EditTask(task="basket#tests", title="T"), at.ANA)).task == tasks[2].id
    with pytest.raises(NotFound):
        await board.edit_task(project, b.EditTask(task="nobody", title="x"), at.ANA)


async def test_nothing_on_the_board_changes_while_workers_are_at_it(
    project: OpenProject, page: Page, tasks: list[BuildTask]
) -> None:
    await at.stand_at(project, page, "generating_implementation")
    run = await at.add_run(project, page, "implementation")
    assert not (await get_tasks(project, q.GetTasks(page=page.id), "ana")).editable
    for refused in (
        board.edit_task(project, b.EditTask(task=tasks[2].id, title="x"), at.ANA),
        board.add_task(project, b.AddTask(page=page.id, title="x"), at.ANA),
        board.drop_task(project, b.DropTask(task=tasks[2].id), at.ANA),
        board.move_task(project, b.MoveTask(task=tasks[2].id, position=1), at.ANA),
    ):
        with pytest.raises(Refused, match="Workers are at this change"):
            await refused
    await project.store.transact(lambda tx: runs.finish(tx, run.id, status=RunStatus.STOPPED))
    assert (await get_tasks(project, q.GetTasks(page=page.id), "ana")).editable
    await board.edit_task(project, b.EditTask(task=tasks[2].id, title="x"), at.ANA)


@pytest.mark.parametrize("columns", [{"status": TaskStatus.DONE}, {"status": TaskStatus.PLANNED, "attempts": 1}])
async def test_a_task_that_was_started_stays_as_it_is(
    project: OpenProject, tasks: list[BuildTask], columns: dict[str, object]
) -> None:
    await project.store.transact(lambda tx: build_tasks.update(tx, tasks[0].id, **columns))
    with pytest.raises(Refused, match="cannot be changed"):
        await board.drop_task(project, b.DropTask(task=tasks[0].id), at.ANA)
    await board.edit_task(project, b.EditTask(task=tasks[1].id, title="Still open"), at.ANA)


@pytest.mark.parametrize("state", ["generating_testing", "user_reviewing_deployment", "complete"])
async def test_the_board_of_a_change_past_its_implementation_is_closed(
    project: OpenProject, page: Page, tasks: list[BuildTask], state: str
) -> None:
    await at.stand_at(project, page, state)
    with pytest.raises(Refused, match="past its implementation|complete"):
        await board.add_task(project, b.AddTask(page=page.id, title="More"), at.ANA)


async def test_a_task_of_an_earlier_plan_is_refused(project: OpenProject, page: Page, tasks: list[BuildTask]) -> None:
    def replan(tx: Tx) -> None:
        made = add_person_revision(tx, page.id, "planning", "Another plan", parent=None)
        build_tasks.plan(tx, page.id, made.id, [app_rows.planned("fresh")])

    await project.store.transact(replan)
    with pytest.raises(Refused, match="earlier plan"):
        await board.edit_task(project, b.EditTask(task=tasks[0].id, title="x"), at.ANA)


async def test_a_task_is_added_with_a_key_of_its_own(project: OpenProject, page: Page, tasks: list[BuildTask]) -> None:
    first = await board.add_task(project, b.AddTask(page=page.id, title="Layout!", type="ui", needs=("tests",)), at.ANA)
    added = (await listing(project, page))[3]
    assert first.task == added.id
    assert (added.key, added.type, added.needs, added.position) == ("layout-2", "ui", ("tests",), 4)
    assert (added.edited_by, added.status) == ("ana", "planned")
    assert await events(project, TaskChanged) == [("planned", "ana")]


async def test_a_plan_holds_so_many_tasks_and_no_more(project: OpenProject, page: Page) -> None:
    await at.plan(project, page, *(app_rows.planned(f"t{number}") for number in range(TASKS_LIMIT)))
    with pytest.raises(Refused, match=f"at most {TASKS_LIMIT}"):
        await board.add_task(project, b.AddTask(page=page.id, title="One more"), at.ANA)


async def test_a_task_needs_a_plan_and_may_be_the_first_of_it(project: OpenProject, page: Page) -> None:
    with pytest.raises(Refused, match="no plan yet"):
        await board.add_task(project, b.AddTask(page=page.id, title="First"), at.ANA)

    def write_plan(tx: Tx) -> str:
        return add_person_revision(tx, page.id, "planning", "By hand", parent=None).id

    revision = await project.store.transact(write_plan)
    await board.add_task(project, b.AddTask(page=page.id, title="First"), at.ANA)
    assert [(task.key, task.plan_revision) for task in await listing(project, page)] == [("first", revision)]


async def test_a_task_is_left_out_and_taken_in_again(project: OpenProject, page: Page, tasks: list[BuildTask]) -> None:
    done = await board.drop_task(project, b.DropTask(task=tasks[0].id), at.ANA)
    assert "basket will not wait for it" in done.message
    assert (await listing(project, page))[0].status is TaskStatus.DROPPED
    await board.drop_task(project, b.DropTask(task=tasks[0].id, dropped=False), at.ANA)
    assert (await listing(project, page))[0].status is TaskStatus.PLANNED
    with pytest.raises(Refused, match="was not dropped"):
        await board.drop_task(project, b.DropTask(task=tasks[0].id, dropped=False), at.ANA)
    assert await events(project, TaskChanged) == [("dropped", "ana"), ("planned", "ana")]


@pytest.mark.parametrize("status", [TaskStatus.INTERRUPTED, TaskStatus.FAILED, TaskStatus.SKIPPED])
async def test_a_task_that_came_to_nothing_can_be_left_out_but_not_edited(
    project: OpenProject, page: Page, tasks: list[BuildTask], status: TaskStatus
) -> None:
    await project.store.transact(lambda tx: build_tasks.update(tx, tasks[0].id, status=status, attempts=1))
    with pytest.raises(Refused, match="cannot be changed"):
        await board.edit_task(project, b.EditTask(task=tasks[0].id, title="Other"), at.ANA)
    await board.drop_task(project, b.DropTask(task=tasks[0].id), at.ANA)
    assert (await project.store.read(lambda tx: build_tasks.get(tx, tasks[0].id))).status is TaskStatus.DROPPED
    await board.drop_task(project, b.DropTask(task=tasks[0].id, dropped=False), at.ANA)
    assert (await project.store.read(lambda tx: build_tasks.get(tx, tasks[0].id))).status is TaskStatus.PLANNED


@pytest.mark.parametrize(
    ("position", "order"),
    [(1, "tests layout basket"), (2, "layout tests basket"), (-5, "tests layout basket"), (99, "layout basket tests")],
)
async def test_a_task_is_moved_and_the_place_is_clamped(
    project: OpenProject, page: Page, tasks: list[BuildTask], position: int, order: str
) -> None:
    await board.move_task(project, b.MoveTask(task=tasks[2].id, position=position), at.ANA)
    found = await listing(project, page)
    assert " ".join(task.key for task in found) == order
    assert [task.position for task in found] == [1, 2, 3]
    assert await events(project, TaskChanged) == [("moved", "ana")]


async def test_a_finding_is_waived_only_with_a_reason_and_can_be_opened_again(project: OpenProject, page: Page) -> None:
    finding = app_rows.finding(page.id)
    await project.store.transact(lambda tx: findings.insert(tx, [finding]))
    for state in ("waived", "intended"):
        with pytest.raises(BadInput, match="Say why"):
            await board.settle_finding(project, b.SettleFinding(finding=finding.id, state=state, reason=" "), at.ANA)  # type: ignore[arg-type]
    await board.settle_finding(
        project, b.SettleFinding(finding=finding.id, state="waived", reason="It is old."), at.ANA
    )
    settled = await project.store.read(lambda tx: findings.get(tx, finding.id))
    assert (settled.state, settled.by, settled.reason) == ("waived", "ana", "It is old.")
    done = await board.settle_finding(project, b.SettleFinding(finding=finding.id, state="open"), at.ANA)
    assert "1 open" in done.message
    assert await events(project, FindingChanged) == [("waived", "ana"), ("open", "ana")]
    with pytest.raises(NotFound):
        await board.settle_finding(project, b.SettleFinding(finding="nobody", state="false"), at.ANA)
