"""Runs, executions, money, jobs, requests and the journal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from studio.domain.errors import BadInput, Conflict, NotFound
from studio.domain.job import Job, JobStatus
from studio.domain.page import Page
from studio.domain.run import Outcome, Run, RunKind, RunStatus, Usage
from studio.protocol.events import BookChanged, PageChanged, RunEnded
from studio.protocol.views import CostRow
from studio.store import executions, jobs, journal, runs
from studio.store.database import Store
from studio.store.transaction import Tx
from tests.store import book


@pytest.fixture
async def page(store: Store) -> Page:
    return (await store.transact(book.small_book))["tide/morning"]


async def add(store: Store, run: Run) -> Run:
    await store.transact(lambda tx: runs.insert(tx, run))
    return run


async def test_a_run_comes_back_as_it_was_put_in(store: Store, page: Page) -> None:
    made = book.run(
        page, kind=RunKind.CONTINUE, status=RunStatus.FAILED, base_revision="b", feedback_id="f", template_digest="t",
        prompt_digest="p", revision_id="r", partial="Rai", outcome=Outcome.CUT_OFF, error_code="timed_out",
        error_message="No more bytes.", ended_at=book.later(9),
    )  # fmt: skip
    await add(store, made)
    assert await store.read(lambda tx: runs.get(tx, made.id)) == made
    assert await store.read(lambda tx: runs.by_job(tx, made.job_key)) == made
    assert await store.read(lambda tx: runs.by_job(tx, "another")) is None
    with pytest.raises(NotFound):
        await store.read(lambda tx: runs.get(tx, "nobody"))


async def test_a_run_goes_from_queued_to_running_to_its_end_once(store: Store, page: Page) -> None:
    made = await add(store, book.run(page))
    assert [run.id for run in await store.read(runs.live)] == [made.id]
    assert await store.transact(lambda tx: runs.start(tx, made.id))
    assert not await store.transact(lambda tx: runs.start(tx, made.id))
    await store.transact(lambda tx: runs.describe(tx, made.id, template_digest="t", prompt_digest="p"))
    assert await store.transact(lambda tx: runs.progress(tx, made.id, "Rain on"))
    ended = await store.transact(
        lambda tx: runs.finish(tx, made.id, status=RunStatus.COMPLETED, outcome=Outcome.COMPLETE, revision_id="r1")
    )
    assert ended
    found = await store.read(lambda tx: runs.get(tx, made.id))
    assert (found.status, found.outcome, found.partial, found.revision_id) == ("completed", "complete", "Rain on", "r1")
    assert (found.template_digest, found.prompt_digest) == ("t", "p")
    assert found.ended_at is not None
    assert await store.read(runs.live) == []


async def test_a_late_worker_changes_nothing_of_a_run_that_has_ended(store: Store, page: Page) -> None:
    made = await add(store, book.run(page))
    await store.transact(lambda tx: runs.finish(tx, made.id, status=RunStatus.STOPPED, partial="Rai"))
    before = await store.read(lambda tx: runs.get(tx, made.id))
    assert not await store.transact(lambda tx: runs.progress(tx, made.id, "Rain and more"))
    assert not await store.transact(lambda tx: runs.finish(tx, made.id, status=RunStatus.COMPLETED, revision_id="r9"))
    await store.transact(lambda tx: runs.describe(tx, made.id, template_digest="x", prompt_digest="x"))
    assert await store.read(lambda tx: runs.get(tx, made.id)) == before


async def test_runs_of_a_page_are_listed_newest_first(store: Store, page: Page) -> None:
    made = [await add(store, book.run(page, started_at=book.later(n))) for n in range(3)]
    assert await store.read(lambda tx: runs.listing(tx, page.id)) == made[::-1]
    assert await store.read(lambda tx: runs.listing(tx, "another")) == []


async def test_the_limit_counts_revisions_and_repeated_drafts_but_not_the_first_or_a_failure(
    store: Store, page: Page
) -> None:
    async def count() -> int:
        return await store.read(lambda tx: runs.revisions_count(tx, page.id, "narration"))

    assert await count() == 0
    done = RunStatus.COMPLETED
    await add(store, book.run(page, status=done))
    assert await count() == 0
    for kind, status, expected in (
        (RunKind.REVISE, done, 1),
        (RunKind.REVISE, RunStatus.FAILED, 1),
        (RunKind.REVISE, RunStatus.STOPPED, 1),
        (RunKind.DRAFT, done, 2),
        (RunKind.CONTINUE, done, 2),
        (RunKind.REVISE, done, 3),
    ):
        await add(store, book.run(page, kind=kind, status=status))
        assert await count() == expected
    await add(store, book.run(page, kind=RunKind.REVISE, status=done, stage="dialogue"))
    assert await count() == 3


async def test_an_execution_comes_back_as_it_was_put_in_and_is_replaced_by_an_update(store: Store, page: Page) -> None:
    run = await add(store, book.run(page))
    made = book.execution(run, status="running", cost_usd=None, usage=Usage(raw={"a": [1, None, "é\x00"]}))
    await store.transact(lambda tx: executions.insert(tx, made))
    assert await store.read(executions.listing) == [made]
    ended = replace(
        book.execution(run), id=made.id, cost_usd=0.000123, cost_source="price_table", price_version="v", latency_ms=812.5,
        first_token_ms=99.25, finish_reason="stop", error_code="x", error_message="y", prompt_digest="p", template_digest="t",
    )  # fmt: skip
    await store.transact(lambda tx: executions.update(tx, ended))
    assert await store.read(executions.listing) == [ended]


async def spending(store: Store, page: Page) -> tuple[Run, Run]:
    """Two runs on two pages: 0.25 and an unknown price; 0.50; a failed free call and one in flight."""
    other = await store.read(lambda tx: book_page(tx, "ebb"))
    first, second = await add(store, book.run(page)), await add(store, book.run(other, stage="dialogue"))
    calls = [
        book.execution(first),
        book.execution(first, cost_usd=None, started_at=book.later(1), attempt=2, model="mystery"),
        book.execution(second, cost_usd=0.5, started_at=book.later(86_400)),
        book.execution(second, cost_usd=0.0, status="failed", usage=Usage(), started_at=book.later(86_401)),
        book.execution(second, cost_usd=None, status="running", usage=Usage(), started_at=book.later(86_402)),
    ]

    def insert(tx: Tx) -> None:
        for call in calls:
            executions.insert(tx, call)

    await store.transact(insert)
    return first, second


def book_page(tx: Tx, chapter: str) -> Page:
    from studio.store import pages

    return pages.resolve(tx, f"{chapter}/noon")


async def test_what_was_spent_by_run_page_time_and_in_all(store: Store, page: Page) -> None:
    first, second = await spending(store, page)
    assert await store.read(executions.spent) == (0.75, 1)
    assert await store.read(lambda tx: executions.spent(tx, run_id=first.id)) == (0.25, 1)
    assert await store.read(lambda tx: executions.spent(tx, page_id=second.page_id)) == (0.5, 0)
    assert await store.read(lambda tx: executions.spent(tx, since=book.later(86_000))) == (0.5, 0)
    assert await store.read(lambda tx: executions.spent(tx, run_id="none")) == (0.0, 0)
    assert len(await store.read(lambda tx: executions.listing(tx, page=page.id))) == 2
    assert [call.attempt for call in await store.read(lambda tx: executions.listing(tx, run=first.id))] == [2, 1]


async def test_costs_by_each_way_sum_to_the_same(store: Store, page: Page) -> None:
    await spending(store, page)
    found = {
        by: await store.read(lambda tx, how=by: executions.costs(tx, how))
        for by in ("page", "chapter", "model", "day", "stage", "role", "task")
    }
    for rows in found.values():
        assert sum(row.cost_usd for row in rows) == 0.75
        assert sum(row.calls for row in rows) == 5
        assert sum(row.unknown for row in rows) == 1
    assert [row.key for row in found["page"]] == ["ebb/noon", "tide/morning"]
    assert [row.key for row in found["day"]] == ["2026-11-21", "2026-11-22"]
    assert {row.key for row in found["stage"]} == {"narration", "dialogue"}
    assert [(row.key, row.tasks) for row in found["task"]] == [("no task", 0)]
    only = await store.read(lambda tx: executions.costs(tx, "model", page.id))
    assert only == [
        CostRow(
            key="gpt-6", calls=1, input_tokens=1000, cached_tokens=800, output_tokens=250, cost_usd=0.25, unknown=0
        ),
        CostRow(
            key="mystery", calls=1, input_tokens=1000, cached_tokens=800, output_tokens=250, cost_usd=0.0, unknown=1
        ),
    ]
    with pytest.raises(BadInput):
        await store.read(lambda tx: executions.costs(tx, "colour'; DROP TABLE runs; --"))


def job(key: str = "draft:p1:narration:-:r1", kind: str = "draft") -> Job:
    return Job(key, kind, {"page": "p1", "stage": "narration"})


async def test_jobs_are_taken_oldest_first_by_kind_and_each_once(store: Store) -> None:
    for n in range(4):
        assert await store.transact(lambda tx, n=n: jobs.submit(tx, job(f"k{n}", "draft" if n % 2 == 0 else "mirror")))
    assert [one.key for one in await store.read(jobs.pending)] == ["k0", "k1", "k2", "k3"]
    assert [one.key for one in await store.transact(lambda tx: jobs.claim(tx, ["draft"], 1))] == ["k0"]
    taken = await store.transact(lambda tx: jobs.claim(tx, ["draft", "mirror"], 10))
    assert [one.key for one in taken] == ["k1", "k2", "k3"]
    assert taken[1] == job("k2")
    assert await store.transact(lambda tx: jobs.claim(tx, ["draft", "mirror"], 10)) == []
    assert await store.transact(lambda tx: jobs.finish(tx, "k0", JobStatus.DONE))
    back = await store.transact(jobs.reset_running)
    assert {one.key for one in back} == {"k1", "k2", "k3"}
    assert await store.read(lambda tx: jobs.status(tx, "k0")) is JobStatus.DONE
    assert await store.read(lambda tx: jobs.status(tx, "nobody")) is None


async def test_an_answer_is_remembered_by_request_and_never_replaced(store: Store) -> None:
    assert await store.read(lambda tx: journal.recall(tx, "req")) is None
    await store.transact(lambda tx: journal.remember(tx, "req", '{"seq": 1, "message": "é"}'.encode()))
    with pytest.raises(Conflict):
        await store.transact(lambda tx: journal.remember(tx, "req", b"{}"))
    assert await store.read(lambda tx: journal.recall(tx, "req")) == '{"seq": 1, "message": "é"}'.encode()


async def test_an_answer_is_forgotten_when_its_transaction_fails(store: Store) -> None:
    def work(tx: Tx) -> None:
        journal.remember(tx, "req", b"{}")
        raise BadInput("No.")

    with pytest.raises(BadInput):
        await store.transact(work)
    assert await store.read(lambda tx: journal.recall(tx, "req")) is None


async def test_the_journals_tail_gives_the_same_events_back_in_order(store: Store) -> None:
    events = [
        BookChanged(chapter="c1", what="added"),
        PageChanged(page="p1", state="x", what="approve", actor="[/b]\x00'"),
        RunEnded(run="r", page="p1", stage="narration", status="failed", error="“no”", cost_usd=0.1),
    ]

    def work(tx: Tx) -> datetime:
        for event in events:
            tx.emit(event)
        return tx.now.replace(tzinfo=UTC)

    at = await store.transact(work)
    numbered = [msgspec.structs.replace(event, seq=seq, at=at) for seq, event in enumerate(events, 1)]
    assert await store.read(lambda tx: journal.tail(tx, 0, 10)) == numbered
    assert await store.read(lambda tx: journal.tail(tx, 1, 1)) == numbered[1:2]
    assert await store.read(lambda tx: journal.tail(tx, 3, 10)) == []
    assert await store.read(lambda tx: (journal.head(tx), journal.count(tx))) == (3, 3)


async def test_an_entry_of_another_version_does_not_stop_a_reader(store: Store) -> None:
    await store.transact(lambda tx: [tx.emit(BookChanged(what=str(n))) for n in range(3)])
    await store.transact(
        lambda tx: tx.run("UPDATE workflow_events SET payload = $1 WHERE seq = 2", '{"ev": "page.sung"}')
    )
    found = await store.read(lambda tx: journal.tail(tx, 0, 10))
    assert [event.seq for event in found] == [1, 2, 3]
    assert isinstance(found[1], BookChanged)
