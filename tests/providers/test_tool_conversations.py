"""Conversations with tool calls as they go out through each adapter: accepted by services that are strict, cached, counted."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from studio.domain.tooling import ToolCall
from studio.providers.base import FinishReason, Message, ModelProfile, Provider
from tests.fakes.wire_rules import broken_rule
from tests.fakes.wire_script import Call, Step, Think
from tests.fakes.wire_server import WireServer
from tests.providers.conftest import APIS, asking, collect
from tests.providers.tool_parts import PAGE, closed, end_of, result, round_trip, with_tools

Make = Callable[..., Provider]


@pytest.mark.parametrize("api", APIS)
async def test_a_conversation_with_calls_results_and_broken_calls_is_accepted_and_understood(
    api: str, server: WireServer, provider_for: Make
) -> None:
    """The server answers 400 to any call without a result, as the services do."""
    provider = provider_for(api)
    server.play(
        Step(
            parts=(
                "I write.",
                Call("create_file", PAGE),
                Call("make up!", '{"x": 1}'),
                Call("create_file", '{"path":'),
            )
        ),
        Step(parts=(Call("list_files", ""),)),
    )
    first = round_trip(await collect(provider, with_tools(api)))
    told = tuple(
        result(call.id, call.name, words, is_error=words != "Created.")
        for call, words in zip(first.tool_calls, ("Created.", "No such tool.", "The arguments were cut."), strict=True)
    )
    second = round_trip(await collect(provider, with_tools(api, first, *told)))
    last = (result(second.tool_calls[0].id, "list_files", ""), Message("user", "Go on."))

    end = end_of(await collect(provider, with_tools(api, first, *told, second, *last)))

    assert end.reason is FinishReason.COMPLETE
    sent = json.dumps(server.calls[-1].body, ensure_ascii=False)
    assert "make_up_" in sent
    assert ('"is_error": true' in sent) is (api == "messages")
    assert ("Error: No such tool." in sent) is (api != "messages")


@pytest.mark.parametrize("api", APIS)
async def test_a_call_that_was_never_answered_is_answered_as_interrupted(
    api: str, server: WireServer, provider_for: Make
) -> None:
    calls = (ToolCall("a", "list_files", {}), ToolCall("b", "create_file", PAGE))
    request = with_tools(
        api,
        Message("assistant", "", tool_calls=calls),
        result("a", "list_files", "none"),
        result("zzz", "list_files", "of nothing"),
        Message("user", "Go on."),
    )

    assert end_of(await collect(provider_for(api), request)).reason is FinishReason.COMPLETE
    sent = json.dumps(server.calls[0].body)
    assert "interrupted" in sent
    assert "of nothing" not in sent


@pytest.mark.parametrize("api", APIS)
async def test_a_request_without_tools_tells_earlier_calls_in_words(
    api: str, server: WireServer, provider_for: Make
) -> None:
    said = (
        Message("assistant", "", tool_calls=(ToolCall("a", "create_file", PAGE),)),
        result("a", "create_file", "Ok."),
    )
    request = asking(api, messages=(Message("system", "You review."), Message("user", "Go."), *said))

    assert end_of(await collect(provider_for(api), request)).reason is FinishReason.COMPLETE
    sent = json.dumps(server.calls[0].body)
    assert "Result of create_file" in sent
    assert "tool_use" not in sent
    assert "tool_calls" not in sent


@pytest.mark.parametrize("api", ["responses", "messages"])
async def test_sealed_reasoning_goes_back_to_the_model_that_sealed_it_and_to_no_other(
    api: str, server: WireServer, provider_for: Make
) -> None:
    provider = provider_for(api)
    server.play(Step(parts=(Think("sealed-1"), Call("list_files", ""), Think("sealed-2"), Call("list_files", "{}"))))
    first = round_trip(await collect(provider, with_tools(api)))
    told = tuple(result(call.id, call.name, "none") for call in first.tool_calls)

    await collect(provider, with_tools(api, first, *told))
    await collect(provider, with_tools(api, first, *told, model="another-model"))

    same, other = (json.dumps(seen.body) for seen in server.calls[1:])
    assert same.index("sealed-1") < same.index("sealed-2")
    assert "sealed" not in other


@pytest.mark.parametrize("api", APIS)
async def test_choice_and_parallel_calls_are_asked_for_in_the_wires_words(
    api: str, server: WireServer, provider_for: Make
) -> None:
    await collect(provider_for(api), with_tools(api, tool_choice="required", parallel_tools=False))
    await collect(provider_for(api), with_tools(api))
    await collect(provider_for(api), asking(api))

    forced, free, without = (seen.body for seen in server.calls)
    if api == "messages":
        assert forced["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}
        assert free["tool_choice"] == {"type": "auto"}
        assert all(tool["eager_input_streaming"] for tool in free["tools"])
    else:
        assert (forced["tool_choice"], forced["parallel_tool_calls"]) == ("required", False)
        assert free["tool_choice"] == "auto"
        assert "parallel_tool_calls" not in free
    assert "tools" not in without
    assert "tool_choice" not in without


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_schemas_are_strict_where_a_strict_mode_takes_them_as_they_are_meant(
    api: str, server: WireServer, provider_for: Make
) -> None:
    await collect(provider_for(api), with_tools(api))

    sent = [tool.get("function", tool) for tool in server.calls[0].body["tools"]]
    assert [bool(tool.get("strict")) for tool in sent] == [True, True, False]
    assert "maxLength" not in json.dumps(sent[0])
    assert sent[2]["parameters"]["required"] == ["text"]


async def test_a_growing_conversation_is_read_from_the_cache(server: WireServer, provider_for: Make) -> None:
    turns: list[Message] = []
    provider = provider_for("messages")
    for number in range(4):
        call = ToolCall(f"c{number}", "list_files", {})
        turns += [Message("assistant", "", tool_calls=(call,)), result(call.id, call.name, "word " * 1_000)]
        await collect(provider, with_tools("messages", *turns))

    counts = [seen.count for seen in server.calls if seen.count]
    assert [count.read > 0 for count in counts] == [False, True, True, True]
    assert counts[3].read > 0.7 * counts[3].total


async def test_newer_openai_models_read_a_growing_conversation_from_the_cache(
    server: WireServer, provider_for: Make
) -> None:
    turns: list[Message] = []
    provider = provider_for("responses", profile=ModelProfile(cache_marks="breakpoint"))
    for number in range(4):
        call = ToolCall(f"c{number}", "list_files", {})
        turns += [Message("assistant", "", tool_calls=(call,)), result(call.id, call.name, "word " * 1_000)]
        await collect(provider, with_tools("responses", *turns, model="gpt-6.1-terra"))

    counts = [seen.count for seen in server.calls if seen.count]
    assert counts[3].read > 0.7 * counts[3].total


@pytest.mark.parametrize("api", ["responses", "messages"])
async def test_tools_count_as_input(api: str, server: WireServer, provider_for: Make) -> None:
    provider = provider_for(api)

    without = await provider.count_tokens(asking(api, messages=with_tools(api).messages))
    counted = await provider.count_tokens(with_tools(api))

    assert without is not None
    assert counted is not None
    assert counted > without + 80


def test_the_wire_itself_is_strict_about_unanswered_calls() -> None:
    """What the adapters repair would be a 400: the proof that the tests above can fail."""
    call = {"type": "tool_use", "id": "a", "name": "list_files", "input": {}}
    messages = [{"role": "user", "content": "Go."}, {"role": "assistant", "content": [call]}]
    body = {"max_tokens": 5, "tools": [{"name": "list_files", "input_schema": closed()}], "messages": messages}

    assert "without `tool_result`" in (broken_rule("/messages", body) or "")
