"""The writer's group commit, readers, listeners, cancellation and closing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from studio.domain.errors import BadInput, Conflict, NotFound, ProjectBusy, StorageError
from studio.protocol.events import AnyEvent, BookChanged, PageChanged
from studio.store import blobs, journal, meta
from studio.store.database import Store
from studio.store.transaction import Tx


def changed(what: str) -> BookChanged:
    return BookChanged(what=what)


async def hold_writer(store: Store) -> threading.Event:
    """Keep the writer busy until the event is set, so that what is queued meanwhile becomes one group."""
    entered, release = threading.Event(), threading.Event()

    def wait(tx: Tx) -> None:
        entered.set()
        release.wait(10)

    store_task = asyncio.ensure_future(store.transact(wait))
    store_task.add_done_callback(lambda _: None)
    await asyncio.to_thread(entered.wait, 10)
    return release


async def test_a_transaction_returns_what_the_work_returns_and_is_read_afterwards(store: Store) -> None:
    name = await store.transact(lambda tx: blobs.put(tx, "A text"))
    assert await store.read(lambda tx: blobs.get(tx, name)) == "A text"


async def test_works_queued_together_are_carried_out_in_order_in_one_commit(store: Store) -> None:
    groups: list[tuple[AnyEvent, ...]] = []
    store.on_commit(groups.append)
    release = await hold_writer(store)
    tasks = [asyncio.ensure_future(store.transact(lambda tx, n=n: tx.emit(changed(str(n))))) for n in range(10)]
    await asyncio.sleep(0)
    release.set()
    assert await asyncio.gather(*tasks) == list(range(1, 11))
    assert len(groups) == 1
    assert [event.what for event in groups[0] if isinstance(event, BookChanged)] == [str(n) for n in range(10)]


async def test_events_of_a_transaction_are_in_the_journal_as_soon_as_it_is_read_and_in_their_order(
    store: Store,
) -> None:
    def work(tx: Tx) -> tuple[int, int]:
        for number in range(3):
            tx.emit(changed(str(number)))
        seen = journal.count(tx)
        tx.emit(changed("one more"))
        return seen, tx.seq

    assert await store.transact(work) == (3, 4)
    told = await store.read(lambda tx: journal.tail(tx, 0, 10))
    assert [(one.seq, one.what) for one in told if isinstance(one, BookChanged)] == [
        (1, "0"), (2, "1"), (3, "2"), (4, "one more"),
    ]  # fmt: skip


async def test_a_failing_work_rolls_back_alone_and_the_others_of_its_group_are_kept(store: Store) -> None:
    def bad(tx: Tx) -> None:
        meta.put(tx, "bad", "1")
        tx.emit(changed("bad"))
        raise NotFound("There is no such page.")

    heard: list[AnyEvent] = []
    store.on_commit(heard.extend)
    release = await hold_writer(store)
    good = [asyncio.ensure_future(store.transact(lambda tx, n=n: tx.emit(changed(str(n))))) for n in range(3)]
    await asyncio.sleep(0)
    failing = asyncio.ensure_future(store.transact(bad))
    await asyncio.sleep(0)
    more = asyncio.ensure_future(store.transact(lambda tx: tx.emit(changed("3"))))
    await asyncio.sleep(0)
    release.set()
    assert await asyncio.gather(*good, more) == [1, 2, 3, 4]
    with pytest.raises(NotFound, match="no such page"):
        await failing
    assert await store.read(lambda tx: meta.get(tx, "bad")) is None
    assert [event.seq for event in heard] == [1, 2, 3, 4]


async def test_sequence_numbers_have_no_gap_after_a_rollback(store: Store) -> None:
    def bad(tx: Tx) -> None:
        tx.emit(changed("lost"))
        raise BadInput("No.")

    assert await store.transact(lambda tx: tx.emit(changed("a"))) == 1
    with pytest.raises(BadInput):
        await store.transact(bad)
    assert await store.transact(lambda tx: tx.emit(changed("b"))) == 2


async def test_sequence_numbers_go_on_after_reopening(store: Store, database: Path) -> None:
    await store.transact(lambda tx: [tx.emit(changed(str(n))) for n in range(3)])
    await store.aclose()
    again = await Store.open(database)
    assert await again.transact(lambda tx: tx.emit(changed("next"))) == 4
    await again.aclose()


async def test_a_statement_that_fails_inside_a_work_spoils_only_that_work(store: Store) -> None:
    await store.transact(lambda tx: tx.run("INSERT INTO project_meta VALUES ('a', '1')"))
    release = await hold_writer(store)
    first = asyncio.ensure_future(store.transact(lambda tx: meta.put(tx, "b", "2")))
    await asyncio.sleep(0)
    clash = asyncio.ensure_future(store.transact(lambda tx: tx.run("INSERT INTO project_meta VALUES ('a', '3')")))
    await asyncio.sleep(0)
    release.set()
    await first
    with pytest.raises(Conflict):
        await clash
    assert await store.read(lambda tx: (meta.get(tx, "a"), meta.get(tx, "b"))) == ("1", "2")


async def test_a_programming_error_reaches_the_caller_as_it_is_and_changes_nothing(store: Store) -> None:
    def broken(tx: Tx) -> None:
        meta.put(tx, "a", "1")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.transact(broken)
    assert await store.read(lambda tx: meta.get(tx, "a")) is None
    await store.transact(lambda tx: meta.put(tx, "a", "2"))


async def test_broken_sql_is_a_storage_error_without_a_driver_exception(store: Store) -> None:
    with pytest.raises(StorageError):
        await store.transact(lambda tx: tx.run("INSERT INTO nowhere VALUES (1)"))
    with pytest.raises(StorageError):
        await store.read(lambda tx: tx.all("SELEC"))


async def test_listeners_hear_after_the_commit_with_the_journals_own_numbers(store: Store) -> None:
    seen: list[tuple[AnyEvent, int]] = []

    def listen(events: tuple[AnyEvent, ...]) -> None:
        future = asyncio.run_coroutine_threadsafe(store.read(journal.head), loop)
        seen.extend((event, future.result(10)) for event in events)

    loop = asyncio.get_running_loop()
    store.on_commit(listen)
    event = PageChanged(page="p1", state="page_approved", what="approve")
    await store.transact(lambda tx: tx.emit(event), actor="ana")
    assert [(found.seq, head) for found, head in seen] == [(1, 1)]
    assert await store.read(lambda tx: journal.tail(tx, 0, 10)) == [seen[0][0]]
    assert await store.read(lambda tx: tx.one("SELECT page_id, actor FROM workflow_events")) == ("p1", "ana")


async def test_listeners_have_heard_before_the_caller_goes_on(store: Store) -> None:
    heard: list[AnyEvent] = []
    store.on_commit(heard.extend)
    for number in range(1, 20):
        await store.transact(lambda tx: tx.emit(changed("x")))
        assert len(heard) == number


async def test_a_listener_that_fails_does_not_fail_the_commit_nor_the_other_listeners(store: Store) -> None:
    def broken(events: tuple[AnyEvent, ...]) -> None:
        raise RuntimeError("listener")

    heard: list[AnyEvent] = []
    store.on_commit(broken)
    store.on_commit(heard.extend)
    assert await store.transact(lambda tx: tx.emit(changed("x"))) == 1
    assert len(heard) == 1


async def test_a_work_that_only_reads_tells_nobody(store: Store) -> None:
    heard: list[tuple[AnyEvent, ...]] = []
    store.on_commit(heard.append)
    await store.transact(lambda tx: tx.one("SELECT 1"))
    assert heard == []


async def test_cancelling_the_wait_does_not_lose_the_queued_write(store: Store) -> None:
    release = await hold_writer(store)
    task = asyncio.ensure_future(store.transact(lambda tx: meta.put(tx, "kept", "yes")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()
    await store.transact(lambda tx: None)
    assert await store.read(lambda tx: meta.get(tx, "kept")) == "yes"


async def test_a_loop_that_closes_before_its_write_is_done_loses_nothing(store: Store) -> None:
    release = await hold_writer(store)

    def other_thread() -> None:
        loop = asyncio.new_event_loop()
        task = loop.create_task(store.transact(lambda tx: meta.put(tx, "kept", "yes")))
        loop.call_soon(loop.stop)
        loop.run_forever()
        task.cancel()
        loop.run_until_complete(asyncio.wait([task]))
        loop.close()

    await asyncio.to_thread(other_thread)
    release.set()
    await store.transact(lambda tx: None)
    assert await store.read(lambda tx: meta.get(tx, "kept")) == "yes"


async def test_it_works_from_several_event_loops_at_once(store: Store) -> None:
    def elsewhere(number: int) -> None:
        async def write() -> None:
            for _ in range(10):
                await store.transact(lambda tx: tx.emit(changed(str(number))))

        asyncio.run(write())

    await asyncio.gather(*(asyncio.to_thread(elsewhere, number) for number in range(4)))
    rows = await store.read(lambda tx: tx.all("SELECT seq FROM workflow_events ORDER BY seq"))
    assert [row[0] for row in rows] == list(range(1, 41))


async def test_a_read_is_one_snapshot_even_while_a_commit_happens(store: Store) -> None:
    between, going = threading.Event(), threading.Event()

    def twice(tx: Tx) -> tuple[object, object]:
        first = meta.get(tx, "a")
        going.set()
        between.wait(10)
        return first, meta.get(tx, "a")

    reading = asyncio.ensure_future(store.read(twice))
    await asyncio.to_thread(going.wait, 10)
    await store.transact(lambda tx: meta.put(tx, "a", "new"))
    await store.checkpoint()
    between.set()
    assert await reading == (None, None)
    assert await store.read(lambda tx: meta.get(tx, "a")) == "new"


async def test_a_reading_transaction_refuses_to_write_by_any_way(store: Store) -> None:
    for work in (
        lambda tx: tx.run("INSERT INTO project_meta VALUES ('a', 'b')"),
        lambda tx: tx.emit(changed("x")),
        lambda tx: tx.all("INSERT INTO project_meta VALUES ('a', 'b') RETURNING key"),
    ):
        with pytest.raises(StorageError):
            await store.read(work)
    assert await store.read(lambda tx: meta.get(tx, "a")) is None


async def test_times_come_back_in_utc_whatever_the_clock_gives(database: Path) -> None:
    west = datetime(2026, 11, 21, 20, 0, tzinfo=timezone(timedelta(hours=-5)))
    store = await Store.open(database, clock=lambda: west)

    def write(tx: Tx) -> None:
        assert tx.now.isoformat() == "2026-11-22T01:00:00+00:00"
        tx.run("INSERT INTO blobs VALUES ('d', 't', $1)", west)
        pairs = "SELECT unnest($1::text[]), unnest($2::text[]), unnest($3::timestamp[])"
        tx.run(f"INSERT INTO blobs {pairs}", ["e", "f"], ["t", "t"], [west, datetime(2026, 1, 1, 12)])

    await store.transact(write)
    rows = await store.read(lambda tx: tx.all("SELECT created_at, digest FROM blobs ORDER BY digest"))
    assert [at.isoformat() for at, _ in rows] == [*["2026-11-22T01:00:00+00:00"] * 2, "2026-01-01T12:00:00+00:00"]
    await store.aclose()


HOSTILE = [
    "'; DROP TABLE blobs; --",
    '"$1" ? :a {x} %s',
    "[/red] \\n \x1b]52;c;aGk=\x07",
    "null\x00inside",
    "🜁𓀀é\u202e ﷽",
    "x" * 200_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_text_is_kept_as_it_is(store: Store, text: str) -> None:
    name = await store.transact(lambda tx: blobs.put(tx, text))
    assert await store.read(lambda tx: blobs.get(tx, name)) == text


async def test_a_lone_surrogate_is_bad_input_not_a_crash(store: Store) -> None:
    with pytest.raises(BadInput, match="Unicode"):
        await store.transact(lambda tx: blobs.put(tx, "a\ud800b"))


async def test_a_closed_store_refuses_with_words_and_closing_twice_is_harmless(store: Store) -> None:
    await store.aclose()
    await store.aclose()
    with pytest.raises(StorageError, match="closed"):
        await store.transact(lambda tx: None)
    with pytest.raises(StorageError, match="closed"):
        await store.read(lambda tx: None)


async def test_closing_carries_out_everything_queued_before(store: Store, database: Path) -> None:
    release = await hold_writer(store)
    writes = [asyncio.ensure_future(store.transact(lambda tx: tx.emit(changed("x")))) for _ in range(100)]
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(store.aclose())
    await asyncio.sleep(0)
    release.set()
    await closing
    assert await asyncio.gather(*writes) == list(range(1, 101))
    assert not database.with_name(database.name + ".wal").exists()


async def test_a_second_store_on_the_same_file_in_this_process_is_refused(store: Store, database: Path) -> None:
    with pytest.raises(ProjectBusy):
        await Store.open(database)
    await store.aclose()
    await (await Store.open(database)).aclose()


async def test_a_second_process_is_refused_with_the_pid_of_the_first(store: Store, database: Path) -> None:
    code = (
        "import asyncio, sys; from pathlib import Path; from studio.store.database import Store\n"
        "from studio.domain.errors import ProjectBusy\n"
        "try: asyncio.run(Store.open(Path(sys.argv[1])))\n"
        "except ProjectBusy as error: print(error.data['pid'])\n"
    )
    child = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code, str(database)], capture_output=True, text=True, timeout=60
    )
    import os

    assert (child.stdout.strip(), child.stderr) == (str(os.getpid()), "")


@pytest.mark.parametrize("ending", ["", "asyncio.run(store.aclose())", "raise SystemExit(3)"])
def test_a_program_that_ends_without_closing_loses_nothing_and_prints_nothing(database: Path, ending: str) -> None:
    code = f"""
import asyncio, sys
from pathlib import Path
from studio.store import meta
from studio.store.database import Store
async def main():
    store = await Store.open(Path(sys.argv[1]))
    await store.transact(lambda tx: meta.put(tx, "a", "1"))
    asyncio.ensure_future(store.transact(lambda tx: meta.put(tx, "b", "2")))
    await asyncio.sleep(0)
    return store
store = asyncio.run(main())
{ending}
"""
    child = subprocess.run([sys.executable, "-c", code, str(database)], capture_output=True, text=True, timeout=60)
    assert child.stderr == ""

    async def look() -> tuple[str | None, str | None]:
        store = await Store.open(database)
        found = await store.read(lambda tx: (meta.get(tx, "a"), meta.get(tx, "b")))
        await store.aclose()
        return found

    assert asyncio.run(look()) == ("1", "2")


def test_importing_the_store_does_not_import_duckdb() -> None:
    code = "import studio.store.database, studio.store.pages, sys; print('duckdb' in sys.modules)"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert child.stdout.strip() == "False"
