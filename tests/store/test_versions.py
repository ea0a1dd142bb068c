"""Versions with their trees, findings, publications."""

from __future__ import annotations

from dataclasses import replace

import pytest

from studio.domain.build import Operation, PublicationStatus, VersionFile, VersionStatus
from studio.domain.errors import NotFound
from studio.domain.finding import FindingSource, FindingState
from studio.domain.tooling import ChangeKind
from studio.store import findings, publications, versions
from studio.store.database import Store
from studio.store.transaction import Tx
from tests.store import app_rows, book

DONE = VersionStatus.COMPLETED


async def ended(store: Store, number: str, *files: VersionFile, **changes: object) -> str:
    made = app_rows.version(number, **changes)

    def work(tx: Tx) -> None:
        versions.insert(tx, made)
        assert versions.finish(tx, made.id, status=DONE, summary="Made.", changelog="- made", files=files)

    await store.transact(work)
    return made.id


async def test_a_version_comes_back_as_it_was_put_in(store: Store) -> None:
    made = app_rows.version(
        page_id="p1", run_id="r1", parent_id="v0", operation=Operation.UPDATE, restored_from="v9", origin="restore",
        finished_at=book.later(5), summary="s", changelog="c", error="e", cost_usd=0.5, approved=True,
        status=VersionStatus.FAILED,
    )  # fmt: skip
    await store.transact(lambda tx: versions.insert(tx, made))
    assert await store.read(lambda tx: versions.get(tx, made.id)) == made


async def test_a_version_ends_once_with_its_whole_tree(store: Store) -> None:
    made = app_rows.version()
    tree = [
        app_rows.file("index.html", change=ChangeKind.ADDED),
        app_rows.file("old.js", change=ChangeKind.DELETED),
        app_rows.file("bin/run", mode=0o755),
    ]
    await store.transact(lambda tx: versions.insert(tx, made))
    assert await store.read(versions.newest) is None
    assert [one.id for one in await store.read(versions.open)] == [made.id]
    first = await store.transact(
        lambda tx: versions.finish(tx, made.id, status=DONE, summary="All", cost_usd=0.1, files=tree)
    )
    second = await store.transact(
        lambda tx: versions.finish(tx, made.id, status=VersionStatus.FAILED, error="late", files=[app_rows.file("x")])
    )
    found = await store.read(lambda tx: versions.get(tx, made.id))
    assert (first, second) == (found, found)
    assert (found.status, found.summary, found.error, found.cost_usd) == (DONE, "All", "", 0.1)
    assert found.finished_at is not None
    assert await store.read(lambda tx: versions.files(tx, made.id)) == [tree[2], tree[0]]
    assert await store.read(lambda tx: versions.changes(tx, made.id)) == [tree[0], tree[1]]
    assert await store.read(versions.open) == []
    assert await store.read(versions.counts) == {made.id: {"files": 2, "added": 1, "deleted": 1}}


async def test_a_version_is_named_by_id_number_or_newest(store: Store) -> None:
    with pytest.raises(NotFound, match="none yet"):
        await store.read(lambda tx: versions.resolve(tx, "newest"))
    first, second = await ended(store, "1.0.0"), await ended(store, "1.1.0")
    for ref, wanted in ((first, first), ("1.0.0", first), ("v1.1.0", second), ("newest", second)):
        assert (await store.read(lambda tx, ref=ref: versions.resolve(tx, ref))).id == wanted
    with pytest.raises(NotFound, match=r"There are 1\.1\.0, 1\.0\.0\."):
        await store.read(lambda tx: versions.resolve(tx, "2.0.0"))
    with pytest.raises(NotFound):
        await store.transact(lambda tx: versions.approve(tx, "nobody"))
    await store.transact(lambda tx: versions.approve(tx, first))
    assert (await store.read(lambda tx: versions.get(tx, first))).approved


async def test_the_newest_is_the_one_whose_tree_was_recorded_last(store: Store) -> None:
    early, late = app_rows.version("1.0.0", page_id="p1"), app_rows.version("1.1.0", started_at=book.later(60))

    def work(tx: Tx) -> None:
        versions.insert(tx, early)
        versions.insert(tx, late)
        versions.finish(tx, late.id, status=DONE, files=[])
        versions.finish(tx, early.id, status=VersionStatus.FAILED, files=[])

    await store.transact(work)
    newest = await store.read(versions.newest)
    assert newest is not None
    assert newest.id == early.id
    working = app_rows.version("1.2.0")
    await store.transact(lambda tx: versions.insert(tx, working))
    assert [one.id for one in await store.read(versions.listing)] == [working.id, early.id, late.id]
    assert [one.id for one in await store.read(lambda tx: versions.listing(tx, "p1"))] == [early.id]


async def test_the_newest_and_those_at_work_come_in_one_read(store: Store) -> None:
    assert await store.read(versions.latest) == (None, [])
    await ended(store, "1.0.0")
    newest = await ended(store, "1.1.0")
    working = app_rows.version("1.2.0", page_id="p1")
    await store.transact(lambda tx: versions.insert(tx, working))
    found, at_work = await store.read(versions.latest)
    assert found is not None
    assert (found.id, [one.id for one in at_work]) == (newest, [working.id])
    assert await store.read(lambda tx: (versions.any_of(tx, "p1"), versions.any_of(tx, "p2"))) == (True, False)


async def test_a_clock_that_was_set_back_does_not_make_an_old_version_the_newest(store: Store) -> None:
    before = await ended(store, "1.0.0")
    await store.transact(
        lambda tx: tx.run("UPDATE app_versions SET finished_at = $1", tx.now.replace(year=tx.now.year + 1))
    )
    after = await ended(store, "1.1.0")
    assert [one.id for one in await store.read(versions.listing)] == [after, before]


async def test_numbers_go_above_every_number_there_is(store: Store) -> None:
    assert await store.read(lambda tx: versions.next_number(tx, "patch")) == "1.0.0"
    for number in ("1.9.3", "1.10.0", "not a number"):
        await ended(store, number)
    assert await store.read(lambda tx: versions.next_number(tx, "patch")) == "1.10.1"
    assert await store.read(lambda tx: versions.next_number(tx, "minor")) == "1.11.0"
    assert await store.read(lambda tx: versions.next_number(tx, "major")) == "2.0.0"


async def test_a_tree_of_a_thousand_files_is_kept_whole(store: Store) -> None:
    tree = [app_rows.file(f"src/{number:04}.js", f"let a = {number}\n") for number in range(1000)]
    made = await ended(store, "1.0.0", *tree)
    assert await store.read(lambda tx: versions.files(tx, made)) == tree


async def test_findings_come_back_and_can_be_settled_one_by_one(store: Store) -> None:
    first = app_rows.finding("p1", run_id="r1", task_id="t1", version_id="v1", stage="testing")
    second = app_rows.finding("p1", "app.js", 1, source=FindingSource.REVIEWER, stage="verification")
    other = app_rows.finding("p2", second=2)
    await store.transact(lambda tx: findings.insert(tx, [second, first, other]))
    await store.transact(lambda tx: findings.insert(tx, []))
    assert await store.read(findings.listing) == [first, second, other]
    assert await store.read(lambda tx: findings.listing(tx, "p1", stage="testing")) == [first]
    assert await store.read(lambda tx: findings.listing(tx, run_id="r1")) == [first]
    assert await store.read(lambda tx: findings.listing(tx, task_id="t1")) == [first]
    settled = await store.transact(lambda tx: findings.settle(tx, first.id, FindingState.WAIVED, "ana", "It is old."))
    assert settled == replace(first, state=FindingState.WAIVED, by="ana", reason="It is old.")
    assert await store.read(lambda tx: findings.get(tx, first.id)) == settled
    assert await store.read(lambda tx: findings.listing(tx, "p1", open_only=True)) == [second]
    assert await store.read(lambda tx: findings.open_count(tx, "p1")) == 1
    assert await store.read(findings.open_paths) == {"app.js": 1, "index.html": 1}
    with pytest.raises(NotFound):
        await store.transact(lambda tx: findings.settle(tx, "nobody", FindingState.FIXED, "", ""))


async def test_what_is_open_is_settled_at_once_by_source_or_path_and_nothing_else(store: Store) -> None:
    made = [
        app_rows.finding("p1", "a.js"),
        app_rows.finding("p1", "b.js", 1, source=FindingSource.RULE),
        app_rows.finding("p1", "c.js", 2, state=FindingState.WAIVED, by="ana"),
        app_rows.finding("p2", "a.js", 3),
    ]

    def settle(tx: Tx) -> tuple[int, int, int]:
        return (
            findings.settle_open(tx, "p1", FindingState.FIXED, "code_writer", "", paths=[]),
            findings.settle_open(tx, "p1", FindingState.FIXED, "code_writer", "", source=FindingSource.RULE),
            findings.settle_open(tx, "p1", FindingState.FIXED, "code_writer", "", paths=["a.js", "c.js"]),
        )

    await store.transact(lambda tx: findings.insert(tx, made))
    assert await store.transact(settle) == (0, 1, 1)
    states = [one.state for one in await store.read(findings.listing)]
    assert states == ["fixed", "fixed", "waived", "open"]


async def test_a_publication_goes_on_where_its_steps_ended(store: Store) -> None:
    made = app_rows.publication("v1")
    again = app_rows.publication("v1", 5)
    await store.transact(lambda tx: publications.insert(tx, made))
    changed = await store.transact(
        lambda tx: publications.update(
            tx, made.id, status=PublicationStatus.DONE, steps={"push": {"commit": "abc"}}, url="https://x.test"
        )
    )
    assert (changed.status, changed.steps, changed.url) == ("done", {"push": {"commit": "abc"}}, "https://x.test")
    assert changed.updated_at > made.updated_at
    assert await store.read(lambda tx: publications.get(tx, made.id)) == changed
    await store.transact(lambda tx: publications.insert(tx, again))
    assert await store.read(publications.listing) == [again, changed]
    assert await store.read(lambda tx: publications.unfinished(tx, "site", "v1", "d1")) == again
    assert await store.read(lambda tx: publications.unfinished(tx, "site", "v1", "d2")) is None
    await store.transact(lambda tx: publications.update(tx, again.id, status=PublicationStatus.DONE))
    assert await store.read(lambda tx: publications.unfinished(tx, "site", "v1", "d1")) is None
    with pytest.raises(NotFound):
        await store.transact(lambda tx: publications.update(tx, "nobody", url=""))
    with pytest.raises(ValueError, match="target"):
        await store.transact(lambda tx: publications.update(tx, made.id, target="x"))


async def test_a_person_s_text_is_known_as_theirs_after_it_was_taken_back_and_put_there_again(store: Store) -> None:
    def readme(text: str, change: ChangeKind | None = ChangeKind.MODIFIED) -> VersionFile:
        return app_rows.file("README.md", text, change=change)

    other = app_rows.file("a.js", change=ChangeKind.ADDED)
    by_run = await ended(store, "1.0.0", readme("run", ChangeKind.ADDED), other)
    mine = await ended(store, "1.0.1", readme("mine"), origin="person", parent_id=by_run)
    back = await ended(store, "1.0.2", readme("run"), origin="restore", parent_id=mine)
    again = await ended(store, "1.0.3", readme("mine"), origin="restore", parent_id=back)
    later = await ended(store, "1.1.0", readme("mine", None), origin="run", parent_id=again)

    async def by_hand(parent: str | None) -> dict[str, str]:
        return await store.read(lambda tx: versions.by_hand_before(tx, app_rows.version(parent_id=parent)))

    assert [await by_hand(one) for one in (None, by_run, back)] == [{}, {}, {}]
    assert [await by_hand(one) for one in (mine, again, later)] == [{"README.md": "1.0.1"}] * 3
