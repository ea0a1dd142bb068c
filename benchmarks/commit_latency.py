"""Durable commit latency of `Store.transact` against a bare DuckDB insert, interleaved on the same disk.

    python benchmarks/commit_latency.py [--rounds 300] [--clients 8]

A save is what the program does for one revision: the revision's row, the head of its stage, the page's state in two tables, one
journal entry; a bare insert is one autocommitted row of the same text. Prints p50 and p99 in milliseconds and the ratio of each
to the bare insert, then the same for saves that several clients make at once (group commit), per save.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import duckdb

from studio.domain.ids import new_id
from studio.domain.page import Chapter, Origin, Page, Revision
from studio.domain.text import digest
from studio.protocol.events import PageChanged
from studio.store import chapters, pages, revisions
from studio.store.database import Store
from studio.store.transaction import Tx

TEXT = "The rain went on over the harbour, and nobody in the house had slept. " * 14


def first_page(tx: Tx) -> Page:
    chapter = Chapter(new_id(), "one", 1, "One", tx.now)
    page = Page(new_id(), chapter.id, "one", 1, "One", "generating_narration", 1, tx.now, tx.now)
    chapters.insert(tx, chapter)
    pages.insert(tx, page)
    return page


def save(tx: Tx, page: Page) -> None:
    number = revisions.next_number(tx, page.id, "narration")
    made = Revision(
        new_id(), page.id, "narration", number, TEXT, digest(TEXT), Origin.AGENT, "bench", tx.now, model="fake:model"
    )
    revisions.insert(tx, made)
    pages.set_head(tx, page.id, "narration", made.id)
    pages.update(tx, page.id, state="user_reviewing_narration")
    tx.emit(PageChanged(page=page.id, state="user_reviewing_narration", what="draft_ready", revision=made.id))


def touch(tx: Tx) -> None:
    tx.run("INSERT INTO blobs VALUES ($1, $2, $3)", new_id(), TEXT, tx.now)


class Bare:
    """One table, one connection, one row a commit: the least that a durable insert costs."""

    def __init__(self, folder: Path) -> None:
        self.connection = duckdb.connect(str(folder / "bare.duckdb"), config={"threads": 1})
        self.connection.execute("CREATE TABLE t (id TEXT PRIMARY KEY, text TEXT, at_time TIMESTAMP)")

    def insert(self) -> None:
        now = datetime.now(UTC).replace(tzinfo=None)
        self.connection.execute("INSERT INTO t VALUES ($1, $2, $3)", [new_id(), TEXT, now])


async def measure(folder: Path, rounds: int, clients: int) -> dict[str, list[float]]:
    """Milliseconds of every operation, by name."""
    store, bare = await Store.open(folder / "studio.duckdb"), Bare(folder)
    page = await store.transact(first_page)
    found: dict[str, list[float]] = {
        "bare insert": [],
        "transact, one row": [],
        "transact, a save": [],
        "a save, grouped": [],
    }
    for _ in range(rounds):
        started = time.perf_counter()
        bare.insert()
        found["bare insert"].append((time.perf_counter() - started) * 1000)
        started = time.perf_counter()
        await store.transact(touch)
        found["transact, one row"].append((time.perf_counter() - started) * 1000)
        started = time.perf_counter()
        await store.transact(partial(save, page=page))
        found["transact, a save"].append((time.perf_counter() - started) * 1000)
    for _ in range(max(1, rounds // clients)):
        started = time.perf_counter()
        await asyncio.gather(*(store.transact(partial(save, page=page)) for _ in range(clients)))
        found["a save, grouped"].append((time.perf_counter() - started) * 1000 / clients)
    await store.aclose()
    bare.connection.close()
    return found


def report(found: dict[str, list[float]], clients: int) -> None:
    base = statistics.quantiles(found["bare insert"], n=100)
    for name, values in found.items():
        marks = statistics.quantiles(values, n=100)
        label = f"{name} by {clients}" if "grouped" in name else name
        print(
            f"{label:24} p50 {marks[49]:6.2f} ms  p99 {marks[98]:6.2f} ms   "
            f"ratio p50 {marks[49] / base[49]:5.2f}  p99 {marks[98] / base[98]:5.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--clients", type=int, default=8)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        report(asyncio.run(measure(Path(folder), max(2, given.rounds), max(1, given.clients))), given.clients)


if __name__ == "__main__":
    main()
