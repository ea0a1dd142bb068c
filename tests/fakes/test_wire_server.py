"""The scripted server itself: its cache accounting is honest, its answers are the same each time, and it runs as a process."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from studio.domain import dialogue
from tests.fakes import wire_prose
from tests.fakes.wire_asked import Answering, Asked
from tests.fakes.wire_cache import Block, PromptCache
from tests.fakes.wire_rules import broken_rule
from tests.fakes.wire_script import SCRIPTS, Call, Fault, Finish, Step, step_from_json
from tests.fakes.wire_server import WireServer, running_wire_server

REPOSITORY = Path(__file__).parents[2]
LONG = "word " * 2_000  # 2,500 tokens


def test_a_shared_prefix_counts_from_1024_tokens_in_steps_of_128() -> None:
    cache = PromptCache()
    first = cache.common_prefix("m", [Block("system", LONG), Block("user", "one")])
    second = cache.common_prefix("m", [Block("system", LONG), Block("user", "two")])
    short = cache.common_prefix("m", [Block("system", LONG[:3_000]), Block("user", "three")])
    elsewhere = cache.common_prefix("other", [Block("system", LONG), Block("user", "one")])

    assert (first.read, short.read, elsewhere.read) == (0, 0, 0)
    assert second.read % 128 == 0
    assert 2_300 < second.read < second.total


def test_a_changed_first_word_shares_nothing() -> None:
    cache = PromptCache()
    cache.common_prefix("m", [Block("system", f"a {LONG}")])

    assert cache.common_prefix("m", [Block("system", f"b {LONG}")]).read == 0


def test_newer_openai_models_match_only_at_breakpoints_that_were_written() -> None:
    cache = PromptCache()
    marked = [Block("system", LONG, mark=True), Block("user", "one")]
    assert cache.exact_marks("m", marked, implicit=False).write > 2_000
    assert cache.exact_marks("m", [marked[0], Block("user", "two")], implicit=False).read > 2_000
    assert cache.exact_marks("m", [Block("system", LONG), Block("user", "one")], implicit=True).read == 0


def test_anthropic_looks_back_twenty_blocks_and_no_further() -> None:
    def grown(blocks: int) -> int:
        cache = PromptCache()
        cache.cache_control("m", [Block("system", LONG, mark=True), Block("user", "tail")])
        more = [Block("user", f"page {number}") for number in range(blocks)]
        return cache.cache_control("m", [Block("system", LONG), *more[:-1], Block("user", "last", mark=True)]).read

    assert grown(19) > 2_000
    assert grown(20) == 0


def test_short_prefixes_are_not_written() -> None:
    cache = PromptCache()
    for _ in range(2):
        count = cache.cache_control("m", [Block("system", "short", mark=True), Block("user", LONG)])
        assert (count.read, count.write) == (0, 0)


def test_the_same_prompt_gets_the_same_page_and_another_gets_another() -> None:
    assert wire_prose.page("a") == wire_prose.page("a") != wire_prose.page("b")
    assert 120 < len(wire_prose.page("a").split()) < 300
    assert "".join(wire_prose.pieces(wire_prose.page("a"))) == wire_prose.page("a")


def test_objects_fit_the_schema_that_was_asked_for() -> None:
    lines = {"properties": {"lines": {"items": {"properties": {"kind": {"enum": ["speech", "sfx"]}}}}}}
    other = {"type": "object", "properties": {"verdict": {"enum": ["approve", "revise"]}, "count": {"type": "integer"}}}

    assert len(dialogue.parse(wire_prose.fitting("p", lines))) == 5
    assert {row["kind"] for row in json.loads(wire_prose.fitting("p", lines))["lines"]} <= {"speech", "sfx"}
    assert json.loads(wire_prose.fitting("p", other)) == {"verdict": "approve", "count": 1}


def test_steps_can_be_given_as_json() -> None:
    step = step_from_json({"fault": "reset", "after": 2, "deltas": ["a", "b"], "headers": [["retry-after", "1"]]})

    assert step == Step(fault=Fault.RESET, after=2, deltas=("a", "b"), headers=(("retry-after", "1"),))


def test_calls_can_be_given_as_json_too() -> None:
    step = step_from_json({"parts": ["First.", {"name": "list_files", "cut": 1}], "finish": "stop"})

    assert step == Step(parts=("First.", Call("list_files", cut=1)), finish=Finish.STOP)


def ask(url: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, data=data, headers={"content-type": "application/json"})
    with opener.open(request, timeout=10) as reply:
        return json.load(reply)


CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def test_a_server_in_a_thread_answers_and_records() -> None:
    with running_wire_server() as server:
        reply = ask(f"{server.openai_url}/chat/completions", CHAT)

    assert reply["choices"][0]["message"]["content"] == server.calls[0].text
    assert server.calls[0].body == CHAT


async def test_a_script_is_played_once_and_then_all_is_well() -> None:
    server = WireServer()
    server.play_script("overloaded")

    assert [server._next_step().status for _ in range(3)] == [529, 529, 200]
    server.play_script("down", repeat=True)
    assert {server._next_step().status for _ in range(9)} == {503}


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_every_named_script_is_a_row_of_steps(name: str) -> None:
    assert all(isinstance(step, Step) for step in SCRIPTS[name])


def test_as_a_process_it_writes_its_port_and_takes_scripts_from_outside(tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    command = [sys.executable, "-m", "tests.fakes.wire_server", "--port-file", str(port_file), "--script", "empty"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline().startswith("LISTENING http://127.0.0.1:")
            root = f"http://127.0.0.1:{port_file.read_text().strip()}"
            assert ask(f"{root}/v1/chat/completions", CHAT)["choices"][0]["message"]["content"] == ""
            ask(f"{root}/__wire__/script", {"steps": [{"text": "From outside."}]})
            assert ask(f"{root}/v1/chat/completions", CHAT)["choices"][0]["message"]["content"] == "From outside."
            seen = ask(f"{root}/__wire__/requests")["requests"]
        finally:
            child.terminate()
    assert [request["body"] for request in seen] == [CHAT, CHAT]
    assert child.returncode == 0


SCRIPT = """
from tests.fakes.wire_script import Call

def respond(asked):
    if asked.says("You plan"):
        return '{"tasks": []}'
    if not asked.done("list_files"):
        return ["Looking.", Call("list_files")]
    return f"There is {asked.last.text}."
"""
TOOL = {"type": "function", "function": {"name": "list_files", "parameters": {"type": "object", "properties": {}}}}


def test_a_file_of_its_own_answers_by_what_was_said_and_by_what_came_of_its_calls(tmp_path: Path) -> None:
    (tmp_path / "build.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "tests.fakes.wire_server", "--script", str(tmp_path / "build.py")]
    worker = [{"role": "system", "content": "You write code."}, {"role": "user", "content": "Look."}]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            chat = f"{child.stdout.readline().split()[1]}/v1/chat/completions"
            plan = ask(chat, {"model": "m", "messages": [{"role": "system", "content": "You plan."}]})
            called = ask(chat, {"model": "m", "messages": worker, "tools": [TOOL]})["choices"][0]
            call = called["message"]["tool_calls"][0]
            told = {"role": "tool", "tool_call_id": call["id"], "content": "a.html"}
            after = ask(chat, {"model": "m", "messages": [*worker, called["message"], told], "tools": [TOOL]})
        finally:
            child.terminate()
    assert plan["choices"][0]["message"]["content"] == '{"tasks": []}'
    assert (called["finish_reason"], call["function"]) == ("tool_calls", {"name": "list_files", "arguments": "{}"})
    assert after["choices"][0]["message"]["content"] == "There is a.html."


async def test_a_script_may_wait_until_three_requests_stand_side_by_side() -> None:
    waiting: list[int] = []
    together = asyncio.Event()

    async def respond(asked: Asked) -> Answering:
        waiting.append(asked.number)
        if len(waiting) == 3:
            together.set()
        await asyncio.wait_for(together.wait(), 10)
        return "Side by side."

    async with WireServer(respond=respond) as server:
        url = f"{server.openai_url}/chat/completions"
        replies = await asyncio.gather(*(asyncio.to_thread(ask, url, CHAT) for _ in range(3)))

    assert {reply["choices"][0]["message"]["content"] for reply in replies} == {"Side by side."}


BROKEN: list[tuple[str, dict[str, Any], str]] = [
    ("/chat/completions", {"messages": [{"role": "tool", "tool_call_id": "x", "content": ""}]}, "must be a response"),
    (
        "/chat/completions",
        {
            "messages": [
                {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]},
                {"role": "user", "content": "Go on."},
            ]
        },
        "did not have response messages: a",
    ),
    ("/chat/completions", {"messages": [], "tool_choice": "auto"}, "only allowed when tools"),
    (
        "/responses",
        {"input": [{"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}]},
        "No tool output found for function call a",
    ),
    ("/responses", {"input": [{"type": "function_call_output", "call_id": "b", "output": ""}]}, "No tool call found"),
    ("/responses", {"input": [{"type": "reasoning", "id": "rs_1"}]}, "without its required following item"),
    (
        "/responses",
        {
            "input": [],
            "tools": [
                {
                    "type": "function",
                    "name": "f",
                    "strict": True,
                    "parameters": {"type": "object", "properties": {"a": {}}, "additionalProperties": False},
                }
            ],
        },
        "'required' has to include every key",
    ),
    (
        "/messages",
        {"max_tokens": 1, "messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x"}]}]},
        "unexpected `tool_use_id`",
    ),
    (
        "/messages",
        {"max_tokens": 1, "messages": [{"role": "user", "content": [{"type": "text", "text": " "}]}]},
        "must be non-empty",
    ),
    ("/messages", {"messages": []}, "max_tokens: Field required"),
]


@pytest.mark.parametrize(("path", "body", "words"), BROKEN)
def test_a_request_against_the_rules_of_its_wire_is_refused(path: str, body: dict[str, Any], words: str) -> None:
    assert words in (broken_rule(path, {"model": "m", **body}) or "")


def test_a_refused_request_uses_up_no_step() -> None:
    with running_wire_server() as server:
        server.play(Step(text="Kept."))
        with pytest.raises(urllib.error.HTTPError, match="400"):
            ask(f"{server.openai_url}/chat/completions", {"model": "m", "messages": [{"role": "tool"}]})
        reply = ask(f"{server.openai_url}/chat/completions", CHAT)

    assert reply["choices"][0]["message"]["content"] == "Kept."


def test_calls_that_nobody_offered_are_the_scripts_mistake() -> None:
    with (
        running_wire_server(respond=lambda asked: Call("list_files")) as server,
        pytest.raises(urllib.error.HTTPError, match="500"),
    ):
        ask(f"{server.openai_url}/chat/completions", CHAT)
