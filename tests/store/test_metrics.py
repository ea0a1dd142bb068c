"""Figures about changes, and the journal of one page."""

from __future__ import annotations

from dataclasses import replace

from studio.domain.build import TaskStatus, VersionStatus
from studio.domain.finding import FindingState
from studio.domain.page import Page
from studio.domain.run import RunStatus
from studio.domain.tooling import CallStatus, ChangeKind
from studio.protocol.build_events import BuildProgress, TaskChanged
from studio.protocol.events import BookChanged
from studio.store import (
    blobs,
    build_tasks,
    executions,
    findings,
    metrics,
    page_events,
    pages,
    runs,
    tool_uses,
    versions,
)
from studio.store.database import Store
from studio.store.transaction import Tx
from tests.store import app_rows, book


async def test_a_project_without_changes_has_no_means(store: Store) -> None:
    found = await store.read(lambda tx: metrics.figures(tx, "complete"))
    assert (found.changes, found.versions, found.tasks, found.cost_usd) == (0, 0, 0, 0.0)
    assert (found.seconds, found.files, found.versions_each, found.iterations) == (None, None, None, None)
    assert (found.tools, found.pairs, found.findings) == ((), (), {})


def two_changes(tx: Tx, *, by_person: bool = False) -> list[Page]:
    """Two changes of four pages at work: the first complete after two versions, the second with a version that failed,
    or that was stopped by the person."""
    first, second, *_ = book.small_book(tx).values()
    pages.update(tx, first.id, state="complete")
    for page, seconds in ((first, 30), (first, 10), (second, 60)):
        run = book.run(page, status=RunStatus.COMPLETED, ended_at=book.later(seconds))
        runs.insert(tx, run)
        executions.insert(tx, book.execution(run, cost_usd=0.25))
    runs.insert(tx, book.run(second, status=RunStatus.RUNNING))
    stopped = book.run(second, status=RunStatus.STOPPED)
    runs.insert(tx, stopped)
    run_of = {"1.2.0": stopped.id} if by_person else {}
    made = (
        (first, "1.0.0", VersionStatus.COMPLETED, ("a.js", "b.js")),
        (first, "1.1.0", VersionStatus.COMPLETED, ("b.js",)),
        (second, "1.2.0", VersionStatus.FAILED, ("c.js", "d.js", "e.js", "f.js")),
    )
    for page, number, status, paths in made:
        version = app_rows.version(number, page_id=page.id, run_id=run_of.get(number))
        versions.insert(tx, version)
        changed = [app_rows.file(path, change=ChangeKind.ADDED) for path in paths]
        versions.finish(tx, version.id, status=status, files=[*changed, app_rows.file("same.css")])
    by_hand = app_rows.version("1.2.1", page_id=first.id, origin="person")
    versions.insert(tx, by_hand)
    versions.finish(tx, by_hand.id, status=VersionStatus.COMPLETED, files=[])
    return [first, second]


async def test_changes_versions_and_money_are_counted(store: Store) -> None:
    await store.transact(two_changes)
    found = await store.read(lambda tx: metrics.figures(tx, "complete"))
    assert (found.changes, found.completed) == (4, 1)
    assert (found.versions, found.versions_completed, found.versions_failed) == (3, 2, 1)
    assert (found.rated, found.rated_completed) == (2, 2)
    assert (found.seconds, found.files, found.versions_each) == (40, 2, 2)  # of the complete change alone
    assert found.cost_usd == 0.75


async def test_a_change_counts_in_rates_and_means_once_it_is_complete(store: Store) -> None:
    def complete(tx: Tx) -> None:
        _, second = two_changes(tx)
        pages.update(tx, second.id, state="complete")

    await store.transact(complete)
    found = await store.read(lambda tx: metrics.figures(tx, "complete"))
    assert (found.completed, found.rated, found.rated_completed) == (2, 3, 2)
    assert (found.seconds, found.files, found.versions_each) == ((40 + 60) / 2, (2 + 4) / 2, 3 / 2)


async def test_a_version_that_a_person_stopped_has_not_failed(store: Store) -> None:
    def stopped(tx: Tx) -> None:
        _, second = two_changes(tx, by_person=True)
        pages.update(tx, second.id, state="complete")

    await store.transact(stopped)
    found = await store.read(lambda tx: metrics.figures(tx, "complete"))
    assert (found.versions_completed, found.versions_failed, found.versions_stopped) == (2, 0, 1)
    assert (found.rated, found.rated_completed) == (2, 2)


async def test_tasks_count_once_they_were_worked_on(store: Store) -> None:
    def work(tx: Tx) -> None:
        made = build_tasks.plan(tx, "p1", "plan", [app_rows.planned(key) for key in ("a", "b", "c", "d")])
        build_tasks.update(tx, made[0].id, status=TaskStatus.DONE, attempts=2)
        build_tasks.update(tx, made[1].id, status=TaskStatus.FAILED, attempts=3)
        build_tasks.update(tx, made[2].id, status=TaskStatus.SKIPPED)

    await store.transact(work)
    found = await store.read(lambda tx: metrics.figures(tx, "complete"))
    assert (found.tasks, found.tasks_done, found.tasks_failed, found.tasks_retried) == (3, 1, 1, 2)


async def test_tools_are_counted_with_what_follows_what_within_one_worker(store: Store) -> None:
    def work(tx: Tx) -> None:
        steps = (
            ("t1", "read_file", CallStatus.OK, 1), ("t1", "update_file", CallStatus.ERROR, 2),
            ("t1", "read_file", CallStatus.OK, 3), ("t1", "update_file", CallStatus.OK, 4),
            ("t2", "create_file", CallStatus.REFUSED, 1), ("t2", "read_file", CallStatus.OK, 2),
        )  # fmt: skip
        for second, (task, name, status, iteration) in enumerate(steps):
            use = app_rows.use("p1", second, task_id=task, name=name, status=status, iteration=iteration)
            tool_uses.insert(tx, replace(use, elapsed_ms=float(10 * iteration)))
        states = (FindingState.OPEN, FindingState.FIXED, FindingState.FIXED)
        findings.insert(tx, [app_rows.finding("p1", second=n, state=state) for n, state in enumerate(states)])

    await store.transact(work)
    found = await store.read(lambda tx: metrics.figures(tx, "complete"))
    assert [(one.name, one.calls, one.errors, one.refused, one.mean_ms) for one in found.tools] == [
        ("read_file", 3, 0, 0, 20.0),
        ("update_file", 2, 1, 0, 30.0),
        ("create_file", 1, 0, 1, 10.0),
    ]
    assert found.pairs == (
        ("read_file", "update_file", 2),
        ("create_file", "read_file", 1),
        ("update_file", "read_file", 1),
    )
    assert found.iterations == (4 + 2) / 2
    assert found.findings == {"fixed": 2, "open": 1}


async def test_a_task_costs_what_the_calls_that_asked_for_its_tools_cost(store: Store) -> None:
    def work(tx: Tx) -> str:
        page = book.small_book(tx)["tide/morning"]
        run = book.run(page)
        runs.insert(tx, run)
        calls = [book.execution(run, attempt=number, cost_usd=cost) for number, cost in enumerate((0.25, 0.5, None))]
        for call in calls:
            executions.insert(tx, call)
        for task, call in (("t1", calls[0]), ("t1", calls[0]), ("t1", calls[1]), ("t2", calls[1]), ("t2", calls[2])):
            tool_uses.insert(tx, app_rows.use(page.id, task_id=task, execution_id=call.id))
        return page.id

    page_id = await store.transact(work)
    assert await store.read(lambda tx: tool_uses.costs_of_tasks(tx, page_id)) == {"t1": 0.75}


async def test_costs_by_task_are_those_of_its_type_with_how_many_there_were(store: Store) -> None:
    def work(tx: Tx) -> None:
        page = book.small_book(tx)["tide/morning"]
        run = book.run(page)
        runs.insert(tx, run)
        planned = [app_rows.planned("a"), app_rows.planned("b"), app_rows.planned("c", type="style")]
        tasks = build_tasks.plan(tx, page.id, "plan", planned)
        for number, task in enumerate((*tasks, tasks[0], None)):
            call = book.execution(run, attempt=number, role="code_writer" if task else "lead", cost_usd=0.25)
            executions.insert(tx, call)
            for _ in range(2 if task else 0):  # two tools in one answer
                tool_uses.insert(tx, app_rows.use(page.id, task_id=task.id, execution_id=call.id))

    await store.transact(work)
    found = await store.read(lambda tx: executions.costs(tx, "task"))
    assert [(one.key, one.tasks, one.calls, one.cost_usd) for one in found] == [
        ("logic", 2, 3, 0.75), ("no task", 0, 1, 0.25), ("style", 1, 1, 0.25),
    ]  # fmt: skip
    roles = await store.read(lambda tx: executions.costs(tx, "role"))
    assert [(one.key, one.calls) for one in roles] == [("code_writer", 4), ("lead", 1)]


async def test_arguments_are_read_by_their_digest_and_cut(store: Store) -> None:
    def work(tx: Tx) -> list[str]:
        return [blobs.put(tx, '{"path": "a.js"}'), blobs.put(tx, "y" * 100)]

    short, long = await store.transact(work)
    uses = [app_rows.use("p1", arguments_digest=name) for name in (short, long, long, "missing")]
    found = await store.read(lambda tx: tool_uses.arguments(tx, uses, 20))
    assert found == {short: '{"path": "a.js"}', long: "y" * 20}


async def test_the_journal_of_a_page_is_read_by_kind_newest_kept_oldest_first(store: Store) -> None:
    def work(tx: Tx) -> None:
        for percent in (10, 20, 30):
            tx.emit(BuildProgress(page="p1", stage="coding", percent=percent, message=f"{percent}"))
        tx.emit(BuildProgress(page="p2", stage="coding", percent=99, message="another page"))
        tx.emit(TaskChanged(page="p1", task="t1", what="started", actor="engine"))
        tx.emit(BookChanged(page="p1", what="page.add"))

    await store.transact(work, actor="ana")
    newest = await store.read(lambda tx: page_events.newest(tx, "p1", "build.progress"))
    assert newest is not None
    assert isinstance(newest.event, BuildProgress)
    assert (newest.event.percent, newest.seq, newest.actor) == (30, 3, "ana")
    assert await store.read(lambda tx: page_events.newest(tx, "p3", "build.progress")) is None
    kinds = ("build.progress", "task.changed")
    found = await store.read(lambda tx: page_events.listing(tx, "p1", kinds, 2))
    assert [one.seq for one in found] == [3, 5]
    assert await store.read(lambda tx: page_events.count(tx, "p1", kinds)) == 4


async def test_an_event_of_another_version_of_the_program_is_passed_over(store: Store) -> None:
    def work(tx: Tx) -> None:
        tx.emit(TaskChanged(page="p1", task="t1", what="started"))
        tx.emit(TaskChanged(page="p1", task="t1", what="done"))
        tx.run('UPDATE workflow_events SET payload = \'{"type": "unheard.of"}\' WHERE seq = 1')

    await store.transact(work)
    found = await store.read(lambda tx: page_events.listing(tx, "p1", ["task.changed"], 10))
    assert [one.seq for one in found] == [2]
