"""The in-process scripted provider keeps the contract that it stands in for."""

from __future__ import annotations

import asyncio

import pytest

from studio.domain.errors import ConnectionFailed, Overloaded
from studio.domain.run import Usage
from studio.domain.tooling import BrokenCall, ToolCall
from studio.providers.base import (
    Finished,
    FinishReason,
    Message,
    TextDelta,
    ToolCallBroken,
    ToolCallReady,
    ToolCallStarted,
    UsageSeen,
)
from studio.providers.scripted import Gate, Pause, ScriptedProvider
from tests.providers.conftest import asking, broken_off, collect, text_of


async def test_a_script_of_texts_ends_proven_with_usage() -> None:
    provider = ScriptedProvider([["One ", Pause(0), "two\x1b[31m."]])

    parts = await collect(provider, asking())

    assert text_of(parts) == "One two[31m."
    assert isinstance(parts[-1], Finished)
    assert parts[-1].reason is FinishReason.COMPLETE
    assert (parts[-1].usage.input_tokens or 0) > 0
    assert provider.requests == [asking()]


async def test_scripts_are_played_in_order_and_the_last_repeats() -> None:
    provider = ScriptedProvider([["a"], ["b"]])

    assert [text_of(await collect(provider, asking())) for _ in range(3)] == ["a", "b", "b"]


async def test_parts_of_one_s_own_are_passed_on() -> None:
    end = Finished(FinishReason.LENGTH, Usage(output_tokens=1))

    assert await collect(ScriptedProvider([[UsageSeen(Usage()), TextDelta("a"), end]]), asking()) == [
        UsageSeen(Usage()),
        TextDelta("a"),
        end,
    ]


async def test_exceptions_break_the_stream_as_errors_of_the_tree() -> None:
    _, error = await broken_off(ScriptedProvider([[Overloaded("busy")]]), asking())
    assert type(error) is Overloaded

    parts, error = await broken_off(ScriptedProvider([["a", OSError("gone")]]), asking())
    assert type(error) is ConnectionFailed
    assert text_of(parts) == "a"


async def test_a_gate_holds_the_stream_until_it_is_opened() -> None:
    gate = Gate()
    task = asyncio.create_task(collect(ScriptedProvider([["a", gate, "b"]]), asking()))

    await asyncio.wait_for(gate.reached.wait(), 5)
    assert not task.done()
    gate.opened.set()

    assert text_of(await task) == "ab"


async def test_closing_early_is_counted() -> None:
    provider = ScriptedProvider([["a", Gate(), "b"]])
    stream = provider.stream(asking())
    await anext(stream)
    await stream.aclose()

    assert provider.closed_early == 1
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_a_script_chosen_by_the_request_may_call_tools() -> None:
    call, cut = ToolCall("c1", "list_files", {}), BrokenCall("c2", "create_file", '{"pa', "cut off")
    provider = ScriptedProvider(
        respond=lambda request: ["Done."] if request.messages[-1].role == "tool" else [call, cut]
    )

    first = await collect(provider, asking())
    told = Message("tool", "none", tool_call_id="c1", tool_name="list_files")
    second = await collect(provider, asking(messages=(Message("user", "Go."), told)))

    assert first[:4] == [
        ToolCallStarted(0, "list_files"),
        ToolCallReady(0, call),
        ToolCallStarted(1, "create_file"),
        ToolCallBroken(1, cut),
    ]
    assert isinstance(first[-1], Finished)
    assert first[-1].reason is FinishReason.TOOL_USE
    assert text_of(second) == "Done."
