"""Calls of a wrong shape: each is answered in words that help, and nothing is written."""

import json
from pathlib import Path

import pytest

from studio.domain.tooling import CallStatus, ToolCall
from studio.tools.base import Caps
from tests.tools.bench import Bench, tree

GOOD = {"path": "a.js", "content": "x\n"}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, {"main.js": "one\ntwo\n"})


def deep(levels: int) -> object:
    value: object = "x"
    for _ in range(levels):
        value = {"a": value}
    return value


SHAPES: dict[str, tuple[str, object, str]] = {
    "an unknown tool": ("run_shell", {"command": "ls"}, "no tool run_shell"),
    "no name": ("", GOOD, "no tool without a name"),
    "a wrong case": ("Create_File", GOOD, "Do you mean create_file?"),
    "a name with a hyphen": ("create-file", GOOD, "Do you mean create_file?"),
    "a missing argument": ("create_file", {"path": "a.js"}, "There is no `content`"),
    "no arguments": ("create_file", {}, "There is no `path`"),
    "an extra argument": ("create_file", {**GOOD, "mode": "0777"}, "no argument `mode`"),
    "a wrong type": ("create_file", {"path": "a.js", "content": ["x"]}, "must be `str` and is `array` (in content)"),
    "a number for a path": ("create_file", {"path": 7, "content": "x"}, "must be `str` and is `int` (in path)"),
    "null for a path": ("create_file", {"path": None, "content": "x"}, "must be `str` and is `null` (in path)"),
    "a wrong word": ("broadcast_progress", {"message": "x", "stage": "dancing"}, "(in stage)"),
    "null edits": ("update_file", {"path": "main.js", "edits": None}, "(in edits)"),
    "no edits": ("update_file", {"path": "main.js", "edits": []}, "There are no edits"),
    "an edit with half its parts": ("update_file", {"path": "main.js", "edits": [{"old": "one"}]}, "There is no `new`"),
    "edits that are no list": ("update_file", {"path": "main.js", "edits": "one -> two"}, "(in edits)"),
    "deep nesting": ("create_file", {"path": "a.js", "content": deep(5_000)}, "nested too deep"),
    "an array": ("create_file", [GOOD], "They are an array"),
    "a number": ("create_file", 7, "They are a single value"),
    "nothing": ("create_file", None, "They are null"),
    "a string that is no JSON": ("create_file", "path=a.js", "They are not JSON"),
    "a string with an array": ("create_file", json.dumps([GOOD]), "They are an array"),
    "a string of deep JSON": ("create_file", '{"a":' * 100_000, "nested too deep"),
    "JSON in JSON in JSON": ("create_file", json.dumps(json.dumps(json.dumps(GOOD))), "They are a string"),
    "a huge string": (
        "create_file",
        json.dumps({"path": "a.js", "content": "x" * 1_000_001}),
        "characters, and at most",
    ),
    "a huge text": ("create_file", {"path": "a.js", "content": "x" * 256_001}, "a file may have 256,000"),
    "NaN": ("broadcast_progress", {"message": "x", "percent": float("nan")}, "(in percent)"),
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_call_of_a_wrong_shape_is_answered_in_words_and_nothing_is_written(bench: Bench, shape: str) -> None:
    name, arguments, words = SHAPES[shape]
    worker = bench.worker()
    await worker.call("read_file", path="main.js")
    before = tree(bench.project)
    outcome = (await worker.box.run([ToolCall("c7", name, arguments)]))[0]  # type: ignore[arg-type]
    assert outcome.status is not CallStatus.OK
    assert outcome.call_id == "c7"
    assert words in outcome.text
    assert len(outcome.text) < 1_000
    assert outcome.line
    assert outcome.changes == ()
    assert tree(bench.project) == before
    assert bench.hooks.ended[-1] == outcome


BROKEN = {
    "cut off": '{"path": "a.js", "content": "const x = ',
    "not JSON": "path: a.js",
    "two values": '{"path": "a.js", "content": "x"}{"path": "b.js", "content": "y"}',
    "empty": "",
    "an array": '[{"path": "a.js", "content": "x"}]',
    "a bare string": '"a.js"',
    "an open string": '"{\\"path\\": \\"a.js\\"',
    "control characters": '{"path": "a.js\x1b[2J", "content": ',
    "huge": "x" * 2_000_000,
}


@pytest.mark.parametrize("shape", BROKEN)
async def test_a_broken_call_is_answered_in_words_and_nothing_is_written(bench: Bench, shape: str) -> None:
    before = tree(bench.project)
    outcome = await bench.worker().broken("create_file", BROKEN[shape], "the answer ended inside of it")
    assert outcome.status is CallStatus.ERROR
    assert "Nothing was done" in outcome.text
    assert "\x1b" not in outcome.text
    assert len(outcome.text) < 600
    assert tree(bench.project) == before


async def test_a_cut_call_says_why_and_what_to_do(bench: Bench) -> None:
    outcome = await bench.worker().broken("create_file", BROKEN["cut off"], "the answer ended inside of it")
    assert "the answer ended inside of it" in outcome.text
    assert "Send the whole call again; when it is long, in smaller parts." in outcome.text


async def test_arguments_that_are_json_inside_a_string_are_opened(bench: Bench) -> None:
    worker = bench.worker()
    given = [json.dumps(GOOD), json.dumps(json.dumps({"path": "b.js", "content": "y\n"}))]
    outcomes = await worker.box.run([ToolCall("1", "create_file", one) for one in given])  # type: ignore[arg-type]
    assert [outcome.status for outcome in outcomes] == [CallStatus.OK] * 2
    assert (
        await worker.broken("create_file", json.dumps(json.dumps({"path": "c.js", "content": "z\n"})))
    ).status is CallStatus.OK
    assert (bench.text("a.js"), bench.text("b.js"), bench.text("c.js")) == ("x\n", "y\n", "z\n")


async def test_a_call_without_arguments_of_a_tool_that_needs_none_is_carried_out(bench: Bench) -> None:
    assert "main.js" in (await bench.worker().broken("list_files", "")).text


async def test_a_tool_that_this_role_may_not_use_is_refused_and_unknown_to_its_descriptions(bench: Bench) -> None:
    worker = bench.worker(allowed=("read_file", "list_files"))
    assert [spec.name for spec in worker.box.specs] == ["read_file", "list_files"]
    outcome = await worker.call("create_file", **GOOD)
    assert outcome.status is CallStatus.REFUSED
    assert "read_file, list_files" in outcome.text
    assert not (bench.app / "a.js").exists()


@pytest.mark.parametrize(
    "given",
    [
        {"edits": [{"old": "two", "new": "2"}]},
        {"edits": [{"old_str": "two", "new_str": "2"}]},
        {"edits": [{"old_string": "two", "new_string": "2"}]},
        {"edits": [{"search": "two", "replace": "2"}]},
        {"edits": {"old": "two", "new": "2"}},
        {"edits": '[{"old": "two", "new": "2"}]'},
        {"old": "two", "new": "2"},
        {"old_str": "two", "new_str": "2"},
        {"old_string": "two", "new_string": "2"},
        {"search": "two", "replace": "2"},
    ],
)
async def test_the_names_that_models_use_for_an_edit_are_understood(bench: Bench, given: dict[str, object]) -> None:
    worker = bench.worker()
    await worker.call("read_file", path="main.js")
    outcome = await worker.call("update_file", path="main.js", **given)
    assert outcome.status is CallStatus.OK, outcome.text
    assert bench.text("main.js") == "one\n2\n"


async def test_one_bad_call_does_not_stop_the_others_of_its_answer(bench: Bench) -> None:
    outcomes = await bench.worker().answer(("create_file", {"path": "a.js"}), ("create_file", GOOD), ("nonsense", {}))
    assert [outcome.status for outcome in outcomes] == [CallStatus.ERROR, CallStatus.OK, CallStatus.ERROR]
    assert bench.text("a.js") == "x\n"


async def test_the_cap_on_arguments_is_the_one_that_was_given(bench: Bench) -> None:
    outcome = (
        await bench.worker(caps=Caps(argument_chars=10)).box.run([ToolCall("1", "create_file", json.dumps(GOOD))])
    )[0]  # type: ignore[arg-type]
    assert "at most 10 are read" in outcome.text
