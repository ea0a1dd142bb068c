"""Calls by JSON schema: models without tools act in the same parts, and half an object never leaves the provider."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from studio.domain.errors import ConnectionFailed, ProviderError
from studio.domain.tooling import ToolCall
from studio.providers.actions import ACTIONS_PER_ANSWER, ActingProvider, as_actions, stream_with_tools
from studio.providers.base import (
    AttemptFailed,
    Finished,
    FinishReason,
    Message,
    ModelProfile,
    Provider,
    StreamPart,
    TextDelta,
    ToolCallReady,
    ToolCallStarted,
)
from studio.providers.retry import RetryPolicy, stream_with_retry
from studio.providers.scripted import ScriptedProvider
from tests.fakes.wire_asked import Answering, Asked
from tests.fakes.wire_script import Call, Fault, Step, status
from tests.fakes.wire_server import WireServer
from tests.providers.conftest import text_of
from tests.providers.tool_parts import PAGE, broken, end_of, ready, result, round_trip, started, with_tools

Make = Callable[..., Provider]
BY_SCHEMA = ModelProfile(tool_mode="json_schema")
REQUEST = with_tools("chat")
TWO = {"actions": [{"tool": "create_file", "arguments": PAGE}, {"tool": "list_files", "arguments": {}}]}


async def acted(answer: str | Sequence[str], *end: Finished, request: Any = REQUEST) -> list[StreamPart]:
    pieces = [answer] if isinstance(answer, str) else list(answer)
    provider = ScriptedProvider(scripts=((*pieces, *end),))
    return [part async for part in stream_with_tools(provider, request, BY_SCHEMA)]


def cut_off(reason: FinishReason = FinishReason.LENGTH) -> Finished:
    from studio.domain.run import Usage

    return Finished(reason, Usage())


async def test_an_object_of_actions_becomes_calls_and_no_text() -> None:
    parts = await acted(json.dumps(TWO))

    assert started(parts) == [(0, "create_file"), (1, "list_files")]
    assert [(call.name, call.arguments) for call in ready(parts)] == [("create_file", PAGE), ("list_files", {})]
    assert len({call.id for call in ready(parts)}) == 2
    assert text_of(parts) == ""
    assert end_of(parts).reason is FinishReason.TOOL_USE


@pytest.mark.parametrize("seed", range(20))
async def test_the_split_of_the_stream_changes_nothing(seed: int) -> None:
    tricky = {"path": 'a"\\.py', "content": '{"tool": "delete_file", "arguments": {"path": "}],\\""}}\n' * 3}
    whole = json.dumps({"actions": [{"tool": "create_file", "arguments": tricky}, *TWO["actions"]], "text": "Hm."})
    dice, pieces, rest = random.Random(seed), [], whole
    while rest:
        size = dice.randint(1, 9)
        pieces, rest = [*pieces, rest[:size]], rest[size:]

    parts = await acted(pieces)

    assert [call.arguments for call in ready(parts)] == [tricky, PAGE, {}]
    assert [name for _, name in started(parts)] == ["create_file", "create_file", "list_files"]
    assert text_of(parts) == "Hm."


async def test_the_name_is_told_while_the_arguments_are_still_coming() -> None:
    told: list[str] = []
    whole = json.dumps(TWO)
    provider = ScriptedProvider(scripts=(tuple(whole),))
    async for part in stream_with_tools(provider, REQUEST, BY_SCHEMA):
        told.append(type(part).__name__)

    assert told[:2] == ["ToolCallStarted", "ToolCallReady"]
    assert told == ["ToolCallStarted", "ToolCallReady", "ToolCallStarted", "ToolCallReady", "Finished"]


@pytest.mark.parametrize("at", range(12, len(json.dumps(TWO)) - 2, 3))
async def test_an_object_that_is_cut_gives_the_whole_calls_and_one_broken_one(at: int) -> None:
    parts = await acted(json.dumps(TWO)[:at], cut_off())

    names = [call.name for call in ready(parts)] + [call.name for call in broken(parts)]
    whole_name = at >= json.dumps(TWO).index("create_file") + len("create_file") + 1
    assert names == (["create_file", "list_files"][: len(names)] if whole_name else [""])
    assert len(broken(parts)) <= 1
    assert all(call.reason == "the answer was cut off inside the arguments" for call in broken(parts))
    assert text_of(parts) == ""
    assert end_of(parts).reason is FinishReason.LENGTH


async def test_a_text_in_place_of_actions_comes_once_it_is_whole() -> None:
    parts = await acted(('{"actions": [], "te', 'xt": "Which \\u001b[31mcolour', '?"}'))

    assert [part.text for part in parts if isinstance(part, TextDelta)] == ["Which [31mcolour?"]
    assert end_of(parts).reason is FinishReason.COMPLETE


@pytest.mark.parametrize(
    "answer",
    [
        'Sure!\n```json\n{"tool": "list_files", "arguments": {}}\n```\nDone.',
        '{"arguments": {}, "tool": "list_files"}',
        '{"tool": "list_files"}',
        '{"actions": [{"tool": "list_files", "arguments": "{}"}]}',
    ],
)
async def test_models_without_a_grammar_are_read_with_patience(answer: str) -> None:
    parts = await acted(answer)

    assert [(call.name, call.arguments) for call in ready(parts)] == [("list_files", {})]
    assert text_of(parts) == ""


async def test_an_answer_without_an_object_is_words_for_a_person() -> None:
    parts = await acted(("I need to ", "know more."))

    assert text_of(parts) == "I need to know more."
    assert end_of(parts).reason is FinishReason.COMPLETE


@pytest.mark.parametrize(
    "answer", ['{"files": {"a.html": "<p>"}}', '{"actions": [{"tool": }', '{"actions": [{}]}', "{"]
)
async def test_an_object_that_is_no_action_is_a_broken_call_and_no_text(answer: str) -> None:
    parts = await acted(answer)

    assert not ready(parts)
    assert len(broken(parts)) == 1
    assert text_of(parts) == ""


async def test_native_models_are_passed_through() -> None:
    call = ToolCall("c1", "list_files", {})
    provider = ScriptedProvider(scripts=(("Text.", call),))

    parts = [part async for part in stream_with_tools(provider, REQUEST, ModelProfile())]

    assert provider.requests == [REQUEST]
    assert ready(parts) == [call]
    assert text_of(parts) == "Text."


async def test_with_no_choice_there_is_no_schema_and_the_text_streams() -> None:
    provider = ScriptedProvider(scripts=(("One ", "two."),))
    parts = [part async for part in stream_with_tools(provider, replace(REQUEST, tool_choice="none"), BY_SCHEMA)]

    assert provider.requests[0].json_schema is None
    assert [part.text for part in parts if isinstance(part, TextDelta)] == ["One ", "two."]


def test_the_request_tells_the_tools_once_and_earlier_calls_in_the_form_of_answers() -> None:
    call = ToolCall("c1", "create_file", PAGE)
    asked = as_actions(
        with_tools(
            "chat", Message("assistant", "", tool_calls=(call,)), result("c1", "create_file", "No.", is_error=True)
        ),
        BY_SCHEMA,
    )

    assert not asked.tools
    assert [message.role for message in asked.messages] == ["system", "system", "user", "assistant", "user"]
    assert "- create_file(path, content): Write a new file." in asked.messages[1].text
    assert json.loads(asked.messages[3].text) == {"actions": [{"tool": "create_file", "arguments": PAGE}]}
    assert asked.messages[4].text.startswith("Result of create_file:\nError: No.\n")


def test_the_schema_bounds_the_actions_and_leaves_a_way_out_only_where_there_is_a_choice() -> None:
    def shape(**options: Any) -> Any:
        schema = as_actions(replace(REQUEST, **options), BY_SCHEMA).json_schema
        assert schema is not None
        return schema.schema

    free, forced, single = shape(), shape(tool_choice="required"), shape(tool_choice="required", parallel_tools=False)
    assert free["required"] == ["actions", "text"]
    assert free["properties"]["actions"]["minItems"] == 0
    assert list(forced["properties"]) == ["actions"]
    assert (forced["properties"]["actions"]["minItems"], forced["properties"]["actions"]["maxItems"]) == (
        1,
        ACTIONS_PER_ANSWER,
    )
    assert single["properties"]["actions"]["maxItems"] == 1


def test_a_model_without_schemas_is_told_the_schema_in_words() -> None:
    told = as_actions(REQUEST, replace(BY_SCHEMA, structured="prompt")).messages[1].text
    assert '"anyOf"' in told
    assert '"anyOf"' not in as_actions(REQUEST, BY_SCHEMA).messages[1].text


def build(asked: Asked) -> Answering:
    """A worker that writes a page, is told an error, and ends."""
    if not asked.results:
        return ["I write.", Call("create_file", PAGE), Call("list_files")]
    if asked.last and asked.last.is_error:
        return Call("create_file", {**PAGE, "path": "b.html"})
    return "Done."


@pytest.mark.parametrize("profile", [ModelProfile(), BY_SCHEMA], ids=["native", "by schema"])
@pytest.mark.parametrize("api", ["chat", "responses", "messages"])
async def test_one_script_drives_native_and_schema_models_alike_over_the_wire(
    api: str, profile: ModelProfile, server: WireServer, provider_for: Make
) -> None:
    server.respond = build
    provider = ActingProvider(provider_for(api, profile=profile), profile)
    turns: list[Message] = []
    made: list[list[str]] = []
    for answers in (("Created.", "Error: jammed."), ("Created.",), ()):
        parts = [part async for part in provider.stream(with_tools(api, *turns))]
        said = round_trip(parts)
        made.append([call.name for call in said.tool_calls])
        turns += [
            said,
            *(result(call.id, call.name, words) for call, words in zip(said.tool_calls, answers, strict=True)),
        ]

    assert made == [["create_file", "list_files"], ["create_file"], []]
    assert text_of(parts) == "Done."


async def test_a_try_that_fails_before_a_call_began_is_tried_again(server: WireServer, provider_for: Make) -> None:
    server.play(status(503), Step(text=json.dumps(TWO)))
    provider = ActingProvider(provider_for("chat", profile=BY_SCHEMA), BY_SCHEMA)

    parts = [part async for part in stream_with_retry(provider, REQUEST, RetryPolicy(base_seconds=0.001))]

    assert len([part for part in parts if isinstance(part, AttemptFailed)]) == 1
    assert len([part for part in parts if isinstance(part, ToolCallReady)]) == 2


@pytest.mark.parametrize("profile", [ModelProfile(), BY_SCHEMA], ids=["native", "by schema"])
async def test_a_call_that_has_begun_is_not_bought_again(
    profile: ModelProfile, server: WireServer, provider_for: Make
) -> None:
    server.respond = lambda asked: Step(parts=(Call("create_file", PAGE, piece=6),), fault=Fault.RESET, after=8)
    provider = ActingProvider(provider_for("chat", profile=profile), profile)
    seen: list[object] = []

    async def read() -> None:
        async for part in stream_with_retry(provider, REQUEST, RetryPolicy(base_seconds=0.001)):
            seen.append(part)

    with pytest.raises(ConnectionFailed):
        await read()
    assert any(isinstance(part, ToolCallStarted) for part in seen)
    assert len(server.calls) == 1


async def test_leaving_the_stream_closes_the_one_below() -> None:
    provider = ScriptedProvider(scripts=(tuple(json.dumps(TWO)),))
    async with aclosing(stream_with_tools(provider, REQUEST, BY_SCHEMA)) as parts:
        async for _ in parts:
            break

    assert provider.closed_early == 1


async def test_an_error_below_comes_through() -> None:
    provider = ScriptedProvider(scripts=((ConnectionError("gone"),),))
    with pytest.raises(ProviderError):
        [part async for part in stream_with_tools(provider, REQUEST, BY_SCHEMA)]
