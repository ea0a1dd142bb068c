"""Several workers and a person at one folder: nobody's words are overwritten unseen, and a person's not at all."""

import asyncio
from pathlib import Path

import pytest

from studio.domain.tooling import CallStatus, ChangeKind, FileChange, ToolOutcome
from studio.tools.base import Claims, Gated
from studio.workspace.snapshots import digest_of
from tests.tools.bench import Bench

OK, REFUSED = CallStatus.OK, CallStatus.REFUSED
A = "one\ntwo\nthree\n"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, {"a.js": A})


def digest(text: str) -> str:
    return digest_of(text.encode())


async def test_a_file_that_was_not_read_is_shown_and_not_replaced_and_then_it_may_be(bench: Bench) -> None:
    worker = bench.worker()
    for name, given in (
        ("create_file", {"content": "new\n"}),
        ("update_file", {"old": "two", "new": "2"}),
        ("delete_file", {}),
    ):
        worker.box.seen.clear()
        outcome = await worker.call(name, path="a.js", **given)
        assert outcome.status is REFUSED
        assert "exists and you have not read it" in outcome.text
        assert outcome.text.endswith(A)
        assert bench.text("a.js") == A
    assert (await worker.call("create_file", path="a.js", content="new\n")).text == "Replaced a.js (1 line)."
    assert bench.kept(digest(A)) == A


async def test_a_long_or_binary_file_is_not_shown_and_has_to_be_read(bench: Bench) -> None:
    bench.save("long.js", "x" * 9_000)
    bench.claims.base["long.js"] = bench.files.digest("long.js") or ""
    worker = bench.worker()
    outcome = await worker.call("create_file", path="long.js", content="new\n")
    assert "Call read_file first" in outcome.text
    assert (await worker.call("create_file", path="long.js", content="new\n")).status is REFUSED
    await worker.call("read_file", path="long.js")
    assert (await worker.call("create_file", path="long.js", content="new\n")).status is OK


async def test_a_worker_rebases_on_what_another_wrote(bench: Bench) -> None:
    ann, bob = bench.worker(), bench.worker()
    await ann.call("read_file", path="a.js")
    await bob.call("read_file", path="a.js")
    assert (await ann.call("update_file", path="a.js", old="one", new="1")).status is OK
    stale = await bob.call("update_file", path="a.js", old="three", new="3")
    assert stale.status is REFUSED
    assert "has changed since you read it" in stale.text
    assert stale.text.endswith("1\ntwo\nthree\n")
    assert (await bob.call("update_file", path="a.js", old="three", new="3")).status is OK
    assert bench.text("a.js") == "1\ntwo\n3\n"
    assert bench.hooks.conflicts == []


async def test_two_workers_at_one_file_at_once_take_turns_and_lose_nothing(bench: Bench) -> None:
    workers = [bench.worker() for _ in range(6)]

    async def add(number: int) -> None:
        worker = workers[number]
        while True:
            outcome = await worker.call("update_file", path="a.js", old="three\n", new=f"three\nworker {number}\n")
            if outcome.status is OK:
                return
            assert outcome.data["reason"] == "unread"

    await asyncio.gather(*(add(number) for number in range(6)))
    text = bench.text("a.js")
    assert sorted(text.splitlines()[3:]) == [f"worker {number}" for number in range(6)]
    assert bench.hooks.conflicts == []


async def test_two_workers_that_make_the_same_file_do_not_replace_each_others(bench: Bench) -> None:
    outcomes = await asyncio.gather(
        bench.worker().call("create_file", path="new.js", content="ann\n"),
        bench.worker().call("create_file", path="New.js", content="bob\n"),
        bench.worker().call("create_file", path="new.js", content="cem\n"),
    )
    assert sorted(outcome.status for outcome in outcomes) == [OK, REFUSED, REFUSED]
    assert len(list(bench.app.iterdir())) == 2


def conflict(outcome: ToolOutcome) -> None:
    assert outcome.status is REFUSED
    assert outcome.data["reason"] == "conflict"
    assert outcome.changes == ()


async def test_a_file_that_a_person_changed_is_never_overwritten_whole_and_both_texts_are_kept(bench: Bench) -> None:
    worker = bench.worker()
    await worker.call("read_file", path="a.js")
    bench.save("a.js", "mine\n")
    for _ in range(2):  # also not after it was read again
        conflict(await worker.call("create_file", path="a.js", content="the model's\n"))
        await worker.call("read_file", path="a.js")
    conflict(await worker.call("delete_file", path="a.js"))
    conflict(await worker.call("rename_file", path="a.js", new_path="b.js"))
    assert bench.text("a.js") == "mine\n"
    assert bench.hooks.conflicts[0] == ("a.js", digest("mine\n"), digest("the model's\n"))
    assert bench.hooks.conflicts[-1] == ("a.js", digest("mine\n"), None)
    assert bench.kept(digest("the model's\n")) == "the model's\n"
    assert bench.hooks.planned == []


async def test_passages_of_a_persons_file_may_be_changed_after_reading_and_it_stays_theirs(bench: Bench) -> None:
    worker = bench.worker()
    await worker.call("read_file", path="a.js")
    bench.save("a.js", A + "mine\n")
    assert (await worker.call("update_file", path="a.js", old="two", new="2")).status is REFUSED
    assert (await worker.call("update_file", path="a.js", old="two", new="2")).status is OK
    assert bench.text("a.js") == "one\n2\nthree\nmine\n"
    conflict(await worker.call("create_file", path="a.js", content="all new\n"))
    assert bench.text("a.js") == "one\n2\nthree\nmine\n"


async def test_the_gate_mends_nothing_in_a_persons_file(bench: Bench) -> None:
    worker = bench.worker(gate=lambda path, text: Gated(text.upper()))
    bench.save("a.js", "mine\ntwo\n")
    await worker.call("read_file", path="a.js")
    assert (await worker.call("update_file", path="a.js", old="two", new="2b")).status is OK
    assert bench.text("a.js") == "mine\n2b\n"


async def test_a_file_that_a_person_made_meanwhile_is_not_replaced(bench: Bench) -> None:
    bench.save("new.js", "mine\n")
    conflict(await bench.worker().call("create_file", path="new.js", content="the model's\n"))
    assert bench.text("new.js") == "mine\n"


async def test_a_file_that_a_person_removed_is_not_brought_back(bench: Bench) -> None:
    (bench.app / "a.js").unlink()
    outcome = await bench.worker().call("create_file", path="a.js", content="again\n")
    conflict(outcome)
    assert "the person removed a.js" in outcome.text
    assert bench.hooks.conflicts == [("a.js", None, digest("again\n"))]
    assert not (bench.app / "a.js").exists()


async def test_a_file_that_the_person_has_still_to_decide_about_is_written_by_no_tool(bench: Bench) -> None:
    worker = bench.worker()
    await worker.call("read_file", path="a.js")
    bench.hooks.left.add("a.js")
    for name, given in (
        ("create_file", {"content": "new\n"}),
        ("update_file", {"old": "two", "new": "2"}),
        ("delete_file", {}),
        ("rename_file", {"new_path": "b.js"}),
    ):
        outcome = await worker.call(name, path="a.js", **given)
        assert (outcome.status, outcome.data["reason"]) == (REFUSED, "undecided")
        assert "Leave a.js as it is" in outcome.text
    assert bench.text("a.js") == A
    bench.hooks.left.clear()
    assert (await worker.call("update_file", path="a.js", old="two", new="2")).status is OK


async def test_a_text_that_the_person_wrote_just_so_is_no_conflict(bench: Bench) -> None:
    bench.save("a.js", "same\n")
    outcome = await bench.worker().call("create_file", path="a.js", content="same\n")
    assert (outcome.status, outcome.changes) == (OK, ())
    assert bench.hooks.conflicts == []


async def test_a_person_who_saves_in_the_middle_of_a_write_wins_and_the_models_text_is_kept(bench: Bench) -> None:
    def saving(path: str, text: str) -> Gated:
        bench.save(path, "mine\n")
        return Gated(text)

    worker = bench.worker(gate=saving)
    await worker.call("read_file", path="a.js")
    conflict(await worker.call("update_file", path="a.js", old="two", new="2"))
    assert bench.text("a.js") == "mine\n"
    assert bench.hooks.conflicts == [("a.js", digest("mine\n"), digest("one\n2\nthree\n"))]
    conflict(await worker.call("create_file", path="b.js", content="ours\n"))
    assert bench.text("b.js") == "mine\n"


async def test_what_the_run_wrote_itself_is_not_a_persons(bench: Bench) -> None:
    ann, bob = bench.worker(), bench.worker()
    await ann.call("create_file", path="b.js", content="1\n")
    await ann.call("rename_file", path="b.js", new_path="c.js")
    await ann.call("delete_file", path="c.js")
    await ann.call("create_file", path="c.js", content="2\n")
    await ann.call("create_file", path="b.js", content="3\n")
    await bob.call("read_file", path="c.js")
    assert (await bob.call("create_file", path="c.js", content="4\n")).status is OK
    assert bench.hooks.conflicts == []
    assert bench.claims.written == {"b.js": digest("3\n"), "c.js": digest("4\n")}


@pytest.mark.parametrize("made", [True, False])
@pytest.mark.parametrize(
    "change",
    [
        FileChange("a.js", ChangeKind.MODIFIED, "old", "new"),
        FileChange("a.js", ChangeKind.DELETED, "old", None),
        FileChange("b.js", ChangeKind.RENAMED, "old", "old", renamed_from="a.js"),
        FileChange("n.js", ChangeKind.ADDED, None, "new"),
    ],
)
def test_a_change_that_was_recorded_before_a_crash_is_the_runs_own_whether_it_was_made_or_not(
    change: FileChange, made: bool
) -> None:
    base = {"a.js": "old", "p.js": "theirs"}
    now = dict(base)
    if made:
        if change.renamed_from:
            del now[change.renamed_from]
        now.pop(change.path, None)
        if change.after:
            now[change.path] = change.after
    claims = Claims.resumed(base, [change], now)
    for path in {*base, *now, change.path}:
        assert not claims.is_persons(path, now.get(path)), path
    assert claims.is_persons("p.js", "changed")
    assert claims.is_persons(change.path, "something else")


def test_a_crash_after_several_changes_of_one_file_looks_at_the_last(tmp_path: Path) -> None:
    changes = [
        FileChange("a.js", ChangeKind.MODIFIED, "1", "2"),
        FileChange("a.js", ChangeKind.MODIFIED, "2", "3"),
    ]
    assert not Claims.resumed({"a.js": "1"}, changes, {"a.js": "3"}).is_persons("a.js", "3")
    assert not Claims.resumed({"a.js": "1"}, changes, {"a.js": "2"}).is_persons("a.js", "2")
    assert Claims.resumed({"a.js": "1"}, changes, {"a.js": "1"}).is_persons("a.js", "1")


def test_a_file_of_a_persons_stays_theirs_after_a_crash() -> None:
    passage = FileChange("a.js", ChangeKind.MODIFIED, "a person's", "a person's and ours")
    assert Claims.resumed({"a.js": "1"}, [passage], {"a.js": "a person's and ours"}).is_persons(
        "a.js", "a person's and ours"
    )


def test_a_change_that_was_recorded_and_not_made_may_be_recorded_again() -> None:
    changes = [FileChange("a.js", ChangeKind.MODIFIED, "1", "2"), FileChange("a.js", ChangeKind.MODIFIED, "1", "3")]
    assert not Claims.resumed({"a.js": "1"}, changes, {"a.js": "3"}).is_persons("a.js", "3")


async def test_holders_of_several_files_never_wait_for_each_other_in_a_ring() -> None:
    claims = Claims({})
    turns: list[str] = []

    async def hold(*paths: str) -> None:
        for _ in range(20):
            async with claims.hold(paths):
                turns.append(paths[0])
                await asyncio.sleep(0)

    await asyncio.wait_for(asyncio.gather(hold("a", "b"), hold("b", "c"), hold("c", "a"), hold("B", "./A")), 20)
    assert len(turns) == 80
