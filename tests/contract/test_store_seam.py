"""The seam for a second backend and runner (jobs, transactions, compare-and-set), as a contract over a `Store`.

Every test goes through `transact` and `read` and the repositories only, so that another backend joins by one fixture parameter.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from studio.domain.errors import Conflict, Refused
from studio.domain.ids import new_id
from studio.domain.job import Job, JobStatus, job_key
from studio.domain.page import Page
from studio.domain.run import Outcome, RunStatus
from studio.protocol.events import AnyEvent, PageChanged
from studio.store import executions, jobs, journal, pages, revisions, runs
from studio.store.database import Store
from studio.store.transaction import Tx
from tests.store import book


@pytest.fixture(params=["duckdb"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    assert request.param == "duckdb"
    opened = await Store.open(tmp_path / "studio.duckdb")
    yield opened
    await opened.aclose()


@pytest.fixture
async def page(store: Store) -> Page:
    return (await store.transact(book.small_book))["tide/morning"]


def draft_job(page: Page, request: str) -> Job:
    return Job(job_key("draft", page.id, "narration", None, request), "draft", {"page": page.id, "stage": "narration"})


def deliver(tx: Tx, job: Job, text: str) -> str | None:
    """What a worker does at the end of a job: its effect, unique on the job's key; None when somebody was first."""
    run = runs.by_job(tx, job.key)
    assert run is not None
    page = pages.get(tx, job.payload["page"])
    if not runs.finish(tx, run.id, status=RunStatus.COMPLETED, outcome=Outcome.COMPLETE, partial=text):
        return None
    made = book.add_text(tx, page, text)
    pages.update(tx, page.id, state="user_reviewing_narration")
    jobs.finish(tx, job.key, JobStatus.DONE)
    tx.emit(PageChanged(page=page.id, state="user_reviewing_narration", what="draft_ready", revision=made.id))
    return made.id


def submit(tx: Tx, page: Page, job: Job) -> bool:
    """What a command does: queue the job and its run together, once per key."""
    if not jobs.submit(tx, job):
        return False
    runs.insert(tx, book.run(page, job_key=job.key))
    return True


def approve(tx: Tx, page_id: str, seen: str) -> int:
    """A decision on what the person saw: the head must still be that revision, and the page under review."""
    head = pages.heads(tx, page_id)["narration"]
    if head.revision_id != seen:
        raise Conflict("The text has changed.", data={"expected": seen, "actual": head.revision_id})
    page = pages.get(tx, page_id)
    if page.state != "user_reviewing_narration":
        raise Refused("There is nothing to approve.")
    pages.set_approved(tx, page_id, "narration", seen)
    pages.update(tx, page_id, state="generating_dialogue", expected_version=page.version)
    return tx.emit(PageChanged(page=page_id, state="generating_dialogue", what="approve", revision=seen))


async def texts(store: Store, page: Page) -> list[str]:
    return [one.text for one in await store.read(lambda tx: revisions.listing(tx, page.id))]


async def test_a_job_delivered_twice_is_recorded_and_acts_once(store: Store, page: Page) -> None:
    job = draft_job(page, "request-1")
    results = await asyncio.gather(*(store.transact(lambda tx: submit(tx, page, job)) for _ in range(8)))
    assert sorted(results) == [False] * 7 + [True]
    assert await store.read(lambda tx: jobs.deliveries(tx, job.key)) == 8
    assert len(await store.read(runs.live)) == 1
    assert [len(found) for found in await claims(store, 4)].count(1) == 1


async def claims(store: Store, workers: int) -> list[list[Job]]:
    return await asyncio.gather(*(store.transact(lambda tx: jobs.claim(tx, ["draft"], 1)) for _ in range(workers)))


async def test_a_new_key_press_is_a_new_job(store: Store, page: Page) -> None:
    assert await store.transact(lambda tx: submit(tx, page, draft_job(page, "one")))
    assert await store.transact(lambda tx: submit(tx, page, draft_job(page, "two")))


async def test_every_job_is_taken_by_exactly_one_of_many_workers(store: Store, page: Page) -> None:
    wanted = [draft_job(page, str(n)) for n in range(24)]
    await store.transact(lambda tx: [jobs.submit(tx, job) for job in wanted])

    async def worker() -> list[str]:
        done = []
        while taken := await store.transact(lambda tx: jobs.claim(tx, ["draft"], 1)):
            done.append(taken[0].key)
            await store.transact(lambda tx, key=taken[0].key: jobs.finish(tx, key, JobStatus.DONE))
        return done

    done = [key for keys in await asyncio.gather(*(worker() for _ in range(3))) for key in keys]
    assert sorted(done) == sorted(job.key for job in wanted)


async def test_the_effect_of_a_job_done_by_two_workers_is_there_once_and_both_calls_are_paid_for(
    store: Store, page: Page
) -> None:
    job = draft_job(page, "request-1")
    await store.transact(lambda tx: submit(tx, page, job))
    run = await store.read(lambda tx: runs.by_job(tx, job.key))
    assert run is not None
    await store.transact(lambda tx: executions.insert(tx, book.execution(run)))
    await store.transact(lambda tx: executions.insert(tx, book.execution(run, attempt=2)))
    made = await asyncio.gather(*(store.transact(lambda tx, n=n: deliver(tx, job, f"by worker {n}")) for n in range(2)))
    assert [one is None for one in made].count(True) == 1
    assert len(await texts(store, page)) == 1
    assert await store.read(lambda tx: executions.spent(tx, run_id=run.id)) == (0.5, 0)


async def test_a_zombie_worker_that_comes_back_after_its_job_was_given_away_changes_nothing(
    store: Store, page: Page
) -> None:
    job = draft_job(page, "request-1")
    await store.transact(lambda tx: submit(tx, page, job))
    assert await store.transact(lambda tx: jobs.claim(tx, ["draft"], 1)) == [job]
    assert await store.transact(jobs.reset_running) == [job]
    assert await store.transact(lambda tx: jobs.claim(tx, ["draft"], 1)) == [job]
    assert await store.transact(lambda tx: deliver(tx, job, "by the second")) is not None
    head = await store.read(journal.head)
    assert await store.transact(lambda tx: deliver(tx, job, "by the zombie")) is None
    assert not await store.transact(lambda tx: jobs.finish(tx, job.key, JobStatus.FAILED))
    assert await texts(store, page) == ["by the second"]
    assert await store.read(lambda tx: jobs.status(tx, job.key)) is JobStatus.DONE
    assert await store.read(journal.head) == head


async def test_a_job_that_has_ended_is_not_queued_again_by_a_redelivery(store: Store, page: Page) -> None:
    job = draft_job(page, "request-1")
    await store.transact(lambda tx: submit(tx, page, job))
    await store.transact(lambda tx: deliver(tx, job, "text"))
    assert not await store.transact(lambda tx: submit(tx, page, job))
    assert await store.read(jobs.pending) == []
    assert await store.transact(jobs.reset_running) == []


async def test_a_job_is_queued_together_with_its_state_change_or_not_at_all(store: Store, page: Page) -> None:
    job = draft_job(page, "request-1")

    def both(tx: Tx) -> None:
        submit(tx, page, job)
        pages.update(tx, page.id, state="generating_narration", expected_version=99)

    with pytest.raises(Conflict):
        await store.transact(both)
    assert await store.read(jobs.pending) == []
    assert await store.read(lambda tx: runs.by_job(tx, job.key)) is None


async def reviewed(store: Store, page: Page) -> str:
    job = draft_job(page, new_id())
    await store.transact(lambda tx: submit(tx, page, job))
    made = await store.transact(lambda tx: deliver(tx, job, "Rain."))
    assert made is not None
    return made


async def test_approving_a_text_that_has_been_replaced_is_a_conflict_that_carries_both(
    store: Store, page: Page
) -> None:
    seen = await reviewed(store, page)
    newer = await store.transact(lambda tx: book.add_text(tx, page, "Snow."))
    with pytest.raises(Conflict) as caught:
        await store.transact(lambda tx: approve(tx, page.id, seen))
    assert caught.value.data == {"expected": seen, "actual": newer.id}
    assert (await store.read(lambda tx: pages.heads(tx, page.id)))["narration"].approved_id is None


async def test_two_approvals_at_once_approve_once(store: Store, page: Page) -> None:
    seen = await reviewed(store, page)
    heard: list[AnyEvent] = []
    store.on_commit(heard.extend)
    answers = await asyncio.gather(
        *(store.transact(lambda tx: approve(tx, page.id, seen)) for _ in range(6)), return_exceptions=True
    )
    assert sum(isinstance(answer, int) for answer in answers) == 1
    assert sum(isinstance(answer, Refused) for answer in answers) == 5
    assert [event.what for event in heard if isinstance(event, PageChanged)] == ["approve"]


async def test_a_decision_on_an_old_version_of_the_page_is_a_conflict(store: Store, page: Page) -> None:
    async def decide(title: str) -> Page:
        return await store.transact(lambda tx: pages.update(tx, page.id, title=title, expected_version=page.version))

    answers = await asyncio.gather(*(decide(f"title {n}") for n in range(5)), return_exceptions=True)
    assert [isinstance(answer, Conflict) for answer in answers].count(True) == 4
    assert (await store.read(lambda tx: pages.get(tx, page.id))).version == page.version + 1


async def test_a_request_that_is_resent_acts_once_and_answers_the_same(store: Store, page: Page) -> None:
    def command(tx: Tx) -> bytes:
        if (known := journal.recall(tx, "req-7")) is not None:
            return known
        seq = tx.emit(PageChanged(page=page.id, state="x", what="rename"))
        journal.remember(tx, "req-7", f'{{"seq": {seq}}}'.encode())
        return f'{{"seq": {seq}}}'.encode()

    answers = await asyncio.gather(*(store.transact(command) for _ in range(5)))
    assert set(answers) == {b'{"seq": 1}'}
    assert await store.read(journal.head) == 1


async def test_a_work_that_is_run_again_because_its_neighbour_failed_acts_once(store: Store, page: Page) -> None:
    calls: list[int] = []

    def good(tx: Tx) -> int:
        calls.append(1)
        book.add_text(tx, page, "Rain.")
        return tx.emit(PageChanged(page=page.id, state="x", what="edit"))

    def bad(tx: Tx) -> None:
        raise Refused("No.")

    heard: list[AnyEvent] = []
    store.on_commit(heard.extend)
    works = [good, good, bad, good] * 10
    answers = await asyncio.gather(*(store.transact(work) for work in works), return_exceptions=True)
    assert [answer for answer in answers if isinstance(answer, int)] == list(range(1, 31))
    assert [event.seq for event in heard] == list(range(1, 31))
    assert len(await texts(store, page)) == 30
    numbers = sorted(one.number for one in await store.read(lambda tx: revisions.listing(tx, page.id)))
    assert numbers == list(range(1, 31))
    assert len(calls) >= 30


def test_the_sql_of_the_repositories_has_nothing_that_only_one_database_knows() -> None:
    """DuckDB-only words (types, functions, clauses) must not creep into the repositories or the domain tables."""
    only_duckdb = re.compile(
        r"\b(STRUCT|MAP|UNION_VALUE|VARIANT|HUGEINT|UTINYINT|BLOB|QUALIFY|EXCLUDE|REPLACE INTO|INSERT OR|PIVOT|ASOF|list_\w+|"
        r"string_split|struct_pack|epoch_ms|strftime|now\(\)|current_timestamp|READ_\w+|PRAGMA|LIST\(|ANY_VALUE|ARG_MAX)\b",
    )
    folder = Path(revisions.__file__).parent
    machinery = {"opening.py", "migrate.py", "writer.py", "readers.py", "failures.py", "database.py", "transaction.py"}
    files = [file for file in sorted(folder.glob("*.py")) if file.name not in machinery]
    files += [*sorted((folder / "migrations").glob("*.sql")), folder / "views.sql"]
    assert len(files) > 20
    found = {file.name: only_duckdb.findall(file.read_text(encoding="utf-8")) for file in files}
    assert {name: words for name, words in found.items() if words} == {}
