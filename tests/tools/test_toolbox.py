"""Calls of one answer: together where they touch different files, in order where they touch one, and never half done."""

import asyncio
import errno
import threading
from pathlib import Path

import pytest

from studio.domain.errors import BadInput, StorageError
from studio.domain.finding import Problem, Severity
from studio.domain.tooling import CallStatus, ChangeKind, ToolCall
from studio.tools.base import Caps, Gated
from studio.tools.toolbox import ToolBox
from studio.workspace.snapshots import digest_of
from tests.tools.bench import Bench

OK, ERROR, REFUSED = CallStatus.OK, CallStatus.ERROR, CallStatus.REFUSED


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, {"a.js": "one\ntwo\n", "src/b.js": "bee\n"})


def creates(*paths: str) -> list[tuple[str, dict[str, object]]]:
    return [("create_file", {"path": path, "content": f"{path}\n"}) for path in paths]


async def test_calls_for_different_files_run_together(bench: Bench) -> None:
    meeting = threading.Barrier(3, timeout=20)

    def gate(path: str, text: str) -> Gated:
        meeting.wait()  # passes only when three writes are under way at once
        return Gated(text)

    outcomes = await bench.worker(gate=gate).answer(*creates("x.js", "y.js", "z.js"))
    assert [outcome.status for outcome in outcomes] == [OK] * 3
    assert [outcome.path for outcome in outcomes] == ["x.js", "y.js", "z.js"]


async def test_calls_for_one_file_run_in_their_order_however_its_name_is_written(bench: Bench) -> None:
    outcomes = await bench.worker().answer(
        ("create_file", {"path": "n.js", "content": "1\n"}),
        ("update_file", {"path": "./n.js", "old": "1", "new": "2"}),
        ("update_file", {"path": "n.js", "old": "2", "new": "3"}),
        ("rename_file", {"path": "n.js", "new_path": "m.js"}),
        ("update_file", {"path": "m.js", "old": "3", "new": "4"}),
        ("create_file", {"path": "n.js", "content": "new\n"}),
        ("delete_file", {"path": "m.js"}),
    )
    assert [outcome.status for outcome in outcomes] == [OK] * 7, [outcome.text for outcome in outcomes]
    assert bench.text("n.js") == "new\n"
    assert not (bench.app / "m.js").exists()


async def test_a_list_sees_what_was_called_before_it_and_nothing_after(bench: Bench) -> None:
    outcomes = await bench.worker().answer(*creates("before.js"), ("list_files", {}), *creates("after.js"))
    assert "before.js" in outcomes[1].text
    assert "after.js" not in outcomes[1].text


async def test_outcomes_come_in_the_order_of_the_calls_with_their_ids(bench: Bench) -> None:
    outcomes = await bench.worker().answer(("finish_app", {"summary": "Done."}), *creates("x.js"), ("nonsense", {}))
    assert [outcome.call_id for outcome in outcomes] == ["c0", "c1", "c2"]
    assert [outcome.name for outcome in outcomes] == ["finish_app", "create_file", "nonsense"]


async def test_the_end_of_a_task_waits_for_all_other_calls_and_is_refused_when_one_was_not_done(bench: Bench) -> None:
    worker = bench.worker()
    first = await worker.answer(("finish_app", {"summary": "Done."}), ("read_file", {"path": "none.js"}))
    assert not first[0].finished
    assert "another call of this answer was not done (read_file)" in first[0].text
    second = await worker.answer(("finish_app", {"summary": "Done.", "follow_ups": ["A logo", " "]}), *creates("x.js"))
    assert second[0].finished
    assert second[0].data == {"summary": "Done.", "changelog": "", "follow_ups": ["A logo"]}
    assert not (await worker.call("finish_app", summary=" ")).finished


async def test_progress_and_snapshots_go_to_the_engine(bench: Bench) -> None:
    outcomes = await bench.worker().answer(
        ("broadcast_progress", {"message": "Making\nthe \x1b[31mpage", "stage": "coding", "percent": 140}),
        ("broadcast_progress", {"message": "On it"}),
        ("create_version_snapshot", {"label": "it works"}),
    )
    assert bench.hooks.words == [("coding", 100, "Making the [31mpage"), ("", None, "On it")]
    assert outcomes[2].text == "Kept as 1.0.1."
    assert outcomes[2].data == {"snapshot": "1.0.1"}


async def test_changes_name_what_was_before_and_after(bench: Bench) -> None:
    worker = bench.worker()
    await worker.answer(("read_file", {"path": "a.js"}), ("read_file", {"path": "src/b.js"}))
    outcomes = await worker.answer(
        *creates("x.js"),
        ("update_file", {"path": "a.js", "old": "two", "new": "2"}),
        ("rename_file", {"path": "src/b.js", "new_path": "src/c.js"}),
    )
    changes = [change for outcome in outcomes for change in outcome.changes]
    one, bee = digest_of(b"one\ntwo\n"), digest_of(b"bee\n")
    assert [(change.path, change.kind, change.before, change.after, change.renamed_from) for change in changes] == [
        ("x.js", ChangeKind.ADDED, None, digest_of(b"x.js\n"), None),
        ("a.js", ChangeKind.MODIFIED, one, digest_of(b"one\n2\n"), None),
        ("src/c.js", ChangeKind.RENAMED, bee, bee, "src/b.js"),
    ]
    assert sorted(change.path for change in bench.hooks.planned) == ["a.js", "src/c.js", "x.js"]
    assert [outcome.name for outcome in bench.hooks.ended].count("read_file") == 2


async def test_text_is_cleaned_and_its_last_newline_is_as_it_was_given(bench: Bench) -> None:
    await bench.worker().answer(
        ("create_file", {"path": "x.js", "content": "\ufeffa\x00b\x1b[2J\r\nc\u202e\ud800"}),
        ("create_file", {"path": "y.js", "content": "end\n\n"}),
    )
    assert bench.text("x.js") == "ab[2J\nc\ufffd"
    assert bench.text("y.js") == "end\n\n"


async def test_a_file_with_a_byte_order_mark_and_windows_line_ends_keeps_both(bench: Bench) -> None:
    bench.save("w.js", "\ufeffone\r\ntwo\r\n")
    bench.claims.base["w.js"] = bench.files.digest("w.js") or ""
    worker = bench.worker()
    assert (await worker.call("read_file", path="w.js")).text == "w.js: 2 lines\none\ntwo\n"
    await worker.call("update_file", path="w.js", old="two", new="2\n3")
    assert bench.text("w.js") == "\ufeffone\r\n2\r\n3\r\n"


# ---- the gate and the caps


def blocking(path: str, text: str) -> Gated:
    bad = Problem("no-eval", path, 3, "eval() is not allowed\nhere.", Severity.ERROR, "Call a function.")
    return Gated(text, (bad,), blocked=True) if "eval(" in text else Gated(text)


async def test_a_text_that_breaks_a_rule_is_not_written_and_the_words_name_rule_line_and_message(bench: Bench) -> None:
    worker = bench.worker(gate=blocking)
    await worker.call("read_file", path="a.js")
    for name, given in (
        ("create_file", {"path": "x.js", "content": "eval(x)"}),
        ("update_file", {"path": "a.js", "old": "two", "new": "eval(x)"}),
    ):
        outcome = await worker.call(name, **given)
        assert outcome.status is REFUSED
        assert "- line 3: eval() is not allowed here. [no-eval] Call a function." in outcome.text
        assert outcome.data["problems"]
        assert outcome.data["reason"] == "blocked"
    assert not (bench.app / "x.js").exists()
    assert bench.text("a.js") == "one\ntwo\n"
    assert bench.hooks.planned == []


async def test_a_file_may_not_get_by_a_rename_what_it_may_not_hold(bench: Bench) -> None:
    bench.save("note.txt", "eval(x)")
    bench.claims.base["note.txt"] = bench.files.digest("note.txt") or ""
    outcome = await bench.worker(gate=blocking).call("rename_file", path="note.txt", new_path="note.js")
    assert outcome.status is REFUSED
    assert (bench.app / "note.txt").exists()


async def test_a_mended_text_is_written_and_its_problems_are_told(bench: Bench) -> None:
    def mending(path: str, text: str) -> Gated:
        left = Problem("missing-file", path, 0, "style.css is not there.", Severity.WARNING)
        return Gated(text.replace("```", ""), (left,))

    outcome = await bench.worker(gate=mending).call("create_file", path="x.html", content="```<p>```")
    assert outcome.status is OK
    assert bench.text("x.html") == "<p>"
    assert "Some faults were mended" in outcome.text
    assert "Problems that are left in it:\n- style.css is not there. [missing-file]" in outcome.text
    assert outcome.changes[0].after == digest_of(b"<p>")
    again = await bench.worker(gate=mending).call("create_file", path="x.html", content="<p>")
    assert (again.status, again.changes) == (OK, ())


async def test_a_mended_text_that_grows_over_the_cap_is_not_written(bench: Bench) -> None:
    outcome = await bench.worker(gate=lambda path, text: Gated(text * 100), caps=Caps(file_bytes=50)).call(
        "create_file", path="x.js", content="text"
    )
    assert outcome.status is REFUSED
    assert not (bench.app / "x.js").exists()


async def test_the_calls_of_one_answer_keep_to_the_caps_together(bench: Bench) -> None:
    worker = bench.worker(caps=Caps(files=3, task_bytes=100))
    calls = [ToolCall(f"c{n}", "create_file", {"path": f"f{n}.txt", "content": "x" * 20}) for n in range(20)]
    outcomes = await worker.box.run(calls)
    assert sum(one.status is CallStatus.OK for one in outcomes) == 3
    assert len(list(bench.app.glob("f*.txt"))) == 3
    worker = bench.worker(caps=Caps(files=50, task_bytes=50))
    calls = [ToolCall(f"d{n}", "create_file", {"path": f"g{n}.txt", "content": "x" * 20}) for n in range(20)]
    assert sum(one.status is CallStatus.OK for one in await worker.box.run(calls)) == 2


async def test_caps_of_a_task_end_in_words(bench: Bench) -> None:
    worker = bench.worker(caps=Caps(file_bytes=20, files=2, task_bytes=40, edits=2))
    assert "a file may have 20" in (await worker.call("create_file", path="x.js", content="x" * 21)).text
    assert (await worker.call("create_file", path="x.js", content="x" * 20)).status is OK
    assert (await worker.call("create_file", path="x.js", content="y" * 10)).status is OK
    assert (await worker.call("create_file", path="y.js", content="y")).status is OK
    assert "changed 2 files, which is its limit" in (await worker.call("create_file", path="z.js", content="z")).text
    assert "written 31 bytes of its 40" in (await worker.call("create_file", path="x.js", content="z" * 10)).text
    edits = [{"old": "y", "new": "z"}] * 3
    assert "at most 2 edits" in (await worker.call("update_file", path="y.js", edits=edits)).text
    assert worker.box.spent.paths == {"x.js", "y.js"}


async def test_a_box_refuses_a_tool_that_does_not_exist(bench: Bench) -> None:
    with pytest.raises(BadInput, match="no tool shell"):
        ToolBox(bench.files, allowed=["shell"], gate=blocking, claims=bench.claims)


# ---- reading


async def test_a_long_file_is_read_in_parts_that_say_which_they_are(bench: Bench) -> None:
    lines = [f"line {number}\n" for number in range(1, 101)]
    bench.save("long.txt", "".join(lines))
    worker = bench.worker(caps=Caps(output_chars=100))
    first = await worker.call("read_file", path="long.txt")
    assert first.text == "long.txt: cut: lines 1-13 of 100; read on with start_line=14\n" + "".join(lines[:13])
    part = await worker.call("read_file", path="long.txt", start_line=14, end_line=16)
    assert part.text == "long.txt: lines 14-16 of 100\n" + "".join(lines[13:16])
    past = await worker.call("read_file", path="long.txt", start_line=900, end_line=-4)
    assert past.text == "long.txt: lines 100-100 of 100\nline 100\n"
    bench.save("wide.txt", "w" * 500)
    assert "line 1 of 1, cut: its first 100 characters" in (await worker.call("read_file", path="wide.txt")).text


async def test_what_a_file_holds_reaches_the_model_without_control_characters(bench: Bench) -> None:
    bench.save("odd.txt", "a\x1b[2Jb\u202e\n")
    assert (await bench.worker().call("read_file", path="odd.txt")).text == "odd.txt: 1 line\na[2Jb\n"


async def test_what_is_not_there_or_no_text_is_said(bench: Bench) -> None:
    (bench.app / "logo.png").write_bytes(b"\x89PNG\x00\x01")
    worker = bench.worker()
    assert (await worker.call("read_file", path="none.js")).text == "There is no file none.js. Look with list_files."
    assert (await worker.call("read_file", path="A.js")).text == "There is no file A.js. Do you mean a.js?"
    assert "binary" in (await worker.call("read_file", path="logo.png")).text
    assert (await worker.call("read_file", path="src")).status is REFUSED
    assert (await worker.call("list_files", folder="none")).status is ERROR
    assert (await worker.call("list_files", folder="./src/")).text == "1 file below src/:\nsrc/b.js (4)"
    bench.save("empty.js", "")
    assert (await worker.call("read_file", path="empty.js")).text == "empty.js: empty\n"


async def test_a_long_list_is_cut_and_says_so(bench: Bench) -> None:
    for number in range(30):
        bench.save(f"many/{number:02}.js", "")
    by_count = await bench.worker(caps=Caps(entries=5)).call("list_files")
    assert by_count.text.startswith("32 files in the application, cut: the first 5; name a folder to see others:\na.js")
    assert len(by_count.text.splitlines()) == 6
    by_size = await bench.worker(caps=Caps(output_chars=60)).call("list_files", folder="many")
    assert len(by_size.text.splitlines()) == 5


async def test_an_empty_application_lists_nothing_and_that_is_no_error(tmp_path: Path) -> None:
    outcome = await Bench(tmp_path).worker().call("list_files")
    assert (outcome.status, outcome.text) == (OK, "There are no files in the application yet.")


# ---- stopping and breaking


async def test_a_stopped_run_ends_the_call_at_work_begins_no_other_and_tells_of_it(bench: Bench) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def slow(path: str, text: str) -> Gated:
        entered.set()
        assert go_on.wait(20)
        return Gated(text)

    worker = bench.worker(gate=slow)
    calls = [
        ToolCall("1", "create_file", {"path": "n.js", "content": "1\n"}),
        ToolCall("2", "delete_file", {"path": "n.js"}),
    ]
    running = asyncio.create_task(worker.box.run(calls))
    await asyncio.to_thread(entered.wait, 20)
    running.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert bench.text("n.js") == "1\n"
    assert [(outcome.call_id, outcome.status) for outcome in bench.hooks.ended] == [("1", OK), ("2", ERROR)]
    assert bench.claims.written == {"n.js": digest_of(b"1\n")}


async def test_a_full_disk_stops_the_run_after_the_other_calls_have_ended(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = bench.files.write

    def full(path: str, data: bytes, *, expected: str | None, mode: int | None = None) -> object:
        if path == "x.js":
            raise StorageError("x.js could not be written: the disk is full.", data={"errno": errno.ENOSPC})
        return write(path, data, expected=expected, mode=mode)

    monkeypatch.setattr(bench.files, "write", full)
    with pytest.raises(StorageError, match="disk is full"):
        await bench.worker().answer(*creates("x.js", "y.js"))
    assert bench.text("y.js") == "y.js\n"


async def test_a_file_that_the_disk_refuses_is_one_failed_call(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(path: str, data: bytes, *, expected: str | None, mode: int | None = None) -> object:
        raise StorageError("x.js could not be written: you may not do that there.", data={"errno": errno.EACCES})

    monkeypatch.setattr(bench.files, "write", refusing)
    outcome = await bench.worker().call("create_file", path="x.js", content="x")
    assert (outcome.status, outcome.data["reason"]) == (ERROR, "storage")
    assert "you may not do that there" in outcome.text


async def test_a_record_that_cannot_be_made_prevents_the_write_and_stops_the_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unwritable(change: object) -> None:
        raise StorageError("The project's database could not be written.")

    monkeypatch.setattr(bench.hooks, "writing", unwritable)
    with pytest.raises(StorageError, match="database"):
        await bench.worker().answer(*creates("x.js"))
    assert not (bench.app / "x.js").exists()


async def test_a_gate_that_breaks_is_not_taken_for_the_models_mistake(bench: Bench) -> None:
    def broken(path: str, text: str) -> Gated:
        raise RuntimeError("a fault in a check")

    with pytest.raises(RuntimeError, match="a fault in a check"):
        await bench.worker(gate=broken).answer(*creates("x.js"), ("list_files", {}))
    assert not (bench.app / "x.js").exists()
