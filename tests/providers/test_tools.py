"""Native tool calls through each adapter: whole before anyone sees them, whatever way the wire cuts, mixes or misspells them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from studio.domain.errors import ConnectionFailed, ProviderError
from studio.domain.tooling import ToolCall, ToolSpec
from studio.providers.base import (
    CarriedItem,
    Finished,
    FinishReason,
    Message,
    ModelProfile,
    ModelRequest,
    Provider,
    TextDelta,
    ToolCallBroken,
    ToolCallReady,
    ToolCallStarted,
)
from studio.providers.tool_calls import MAX_ARGUMENT_BYTES
from studio.providers.tool_shape import sent_back
from tests.fakes.wire_script import Call, Fault, Finish, Part, Step, Think
from tests.fakes.wire_server import WireServer
from tests.providers.conftest import APIS, asking, broken_off, collect, text_of

Make = Callable[..., Provider]


def closed(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


CREATE = ToolSpec(
    "create_file",
    "Write a new file.",
    closed(path={"type": "string", "maxLength": 200}, content={"type": "string"}),
    writes=True,
)
LIST = ToolSpec("list_files", "List the files.", closed())
SEARCH = ToolSpec(
    "search",
    "Search.",
    {"type": "object", "properties": {"text": {"type": "string"}, "limit": {"type": "integer"}}, "required": ["text"]},
)
TOOLS = (CREATE, LIST, SEARCH)


def with_tools(api: str, *turns: Message, **options: object) -> ModelRequest:
    messages = (Message("system", "You write code.", cache=True), Message("user", "A counter."), *turns)
    return asking(api, messages=messages, tools=TOOLS, **options)


def ready(parts: list[Any]) -> list[ToolCall]:
    """Calls in the order in which they were made: one is ready as soon as it is whole."""
    found = [part for part in parts if isinstance(part, ToolCallReady)]
    return [part.call for part in sorted(found, key=lambda part: part.index)]


def broken(parts: list[Any]) -> list[Any]:
    return [part.call for part in parts if isinstance(part, ToolCallBroken)]


def started(parts: list[Any]) -> list[tuple[int, str]]:
    return [(part.index, part.name) for part in parts if isinstance(part, ToolCallStarted)]


def end_of(parts: list[Any]) -> Finished:
    assert isinstance(parts[-1], Finished)
    return parts[-1]


async def answered(api: str, server: WireServer, make: Make, *parts: Part, **step: Any) -> list[Any]:
    server.play(Step(parts=parts, **step))
    return await collect(make(api), with_tools(api))


PAGE = {"path": "index.html", "content": "<p>Zoë said “ναί”</p>\n"}


@pytest.mark.parametrize("api", APIS)
async def test_a_call_comes_by_name_first_and_then_whole(api: str, server: WireServer, provider_for: Make) -> None:
    parts = await answered(api, server, provider_for, Call("create_file", PAGE, piece=3))

    assert started(parts) == [(0, "create_file")]
    assert [(call.name, call.arguments) for call in ready(parts)] == [("create_file", PAGE)]
    assert end_of(parts).reason is FinishReason.TOOL_USE
    assert text_of(parts) == ""
    assert not broken(parts)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("mixed", [False, True])
async def test_several_calls_stay_apart_also_when_their_pieces_are_mixed(
    api: str, mixed: bool, server: WireServer, provider_for: Make
) -> None:
    files = [{"path": f"{name}.js", "content": name * 40} for name in "abc"]
    calls = [Call("create_file", file, piece=5 + at) for at, file in enumerate(files)]

    parts = await answered(api, server, provider_for, *calls, mixed=mixed)

    assert [call.arguments for call in ready(parts)] == files
    assert [index for index, _ in started(parts)] == [0, 1, 2]
    assert len({call.id for call in ready(parts)}) == 3


@pytest.mark.parametrize("api", APIS)
async def test_text_between_calls_is_streamed_as_text(api: str, server: WireServer, provider_for: Make) -> None:
    parts = await answered(
        api, server, provider_for, "First the page. ", Call("create_file", PAGE), "Then the list.", Call("list_files")
    )

    assert text_of(parts) == "First the page. Then the list."
    assert [call.name for call in ready(parts)] == ["create_file", "list_files"]
    assert isinstance(parts[-1], Finished)


@pytest.mark.parametrize("api", APIS)
async def test_arguments_that_come_byte_by_byte_are_the_same(api: str, server: WireServer, provider_for: Make) -> None:
    parts = await answered(api, server, provider_for, Call("create_file", PAGE, piece=1), split_every=1)

    assert ready(parts)[0].arguments == PAGE


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("cut", [0, 1, 18, 40])
async def test_a_call_cut_inside_its_arguments_is_broken_and_the_others_are_kept(
    api: str, cut: int, server: WireServer, provider_for: Make
) -> None:
    parts = await answered(api, server, provider_for, Call("list_files", "{}"), Call("create_file", PAGE, cut=cut))

    assert [call.name for call in ready(parts)] == ["list_files"]
    assert [(call.name, call.reason) for call in broken(parts)] == [
        ("create_file", "the answer was cut off inside the arguments")
    ]
    assert broken(parts)[0].raw == json.dumps(PAGE, ensure_ascii=False, separators=(",", ":"))[:cut]
    assert end_of(parts).reason is FinishReason.LENGTH


@pytest.mark.parametrize("api", APIS)
async def test_a_stream_that_ends_in_silence_inside_a_call_is_unproven(
    api: str, server: WireServer, provider_for: Make
) -> None:
    parts = await answered(
        api, server, provider_for, Call("create_file", PAGE, piece=8), fault=Fault.SILENT_END, after=3
    )

    assert not ready(parts)
    assert len(broken(parts)) == 1
    assert end_of(parts).reason is FinishReason.UNPROVEN


@pytest.mark.parametrize("api", APIS)
async def test_a_connection_lost_inside_a_call_is_an_error_and_no_call(
    api: str, server: WireServer, provider_for: Make
) -> None:
    server.play(Step(parts=(Call("create_file", PAGE, piece=8),), fault=Fault.RESET, after=3))

    parts, error = await broken_off(provider_for(api), with_tools(api))

    assert isinstance(error, ConnectionFailed)
    assert started(parts) == [(0, "create_file")]
    assert not ready(parts)


BAD: dict[str, tuple[str, str]] = {
    "no JSON": ('{"path": index.html}', "not valid JSON"),
    "half JSON though it ended well": ('{"path": "a.html", "content": "<p>', "not valid JSON"),
    "two objects": ('{"path": "a"}{"path": "b"}', "not valid JSON"),
    "a list": ('["a.html"]', "a list where an object belongs"),
    "a bare text": ('"a.html"', "not valid JSON"),
    "null": ("null", "null where an object belongs"),
    "a number": ("7", "a number where an object belongs"),
    "not a number": ('{"path": NaN}', "NaN, which is not JSON"),
    "a key twice": ('{"path": "a", "path": "../b"}', "'path' twice"),
    "a huge number": ('{"limit": ' + "9" * 5_000 + "}", "not valid JSON"),
    "a deep nest": ('{"a":' * 60 + "1" + "}" * 60, "nested too deeply"),
    "a very deep nest": ("[" * 200_000, "nested too deeply"),
}


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("shape", BAD)
async def test_arguments_that_are_no_object_are_broken_with_the_reason(
    api: str, shape: str, server: WireServer, provider_for: Make
) -> None:
    raw, reason = BAD[shape]

    parts = await answered(api, server, provider_for, Call("create_file", raw, id="c1", piece=50_000))

    assert not ready(parts)
    assert reason in broken(parts)[0].reason
    assert broken(parts)[0].id == "c1"
    assert raw.startswith(broken(parts)[0].raw)
    assert end_of(parts).reason is FinishReason.TOOL_USE


@pytest.mark.parametrize("api", APIS)
async def test_no_arguments_at_all_are_an_empty_object(api: str, server: WireServer, provider_for: Make) -> None:
    parts = await answered(api, server, provider_for, Call("list_files", ""), Call("list_files", "{}"))

    assert [call.arguments for call in ready(parts)] == [{}, {}]


@pytest.mark.parametrize("api", APIS)
async def test_an_object_inside_a_json_string_is_opened(api: str, server: WireServer, provider_for: Make) -> None:
    parts = await answered(api, server, provider_for, Call("create_file", json.dumps(json.dumps(PAGE))))

    assert ready(parts)[0].arguments == PAGE


@pytest.mark.parametrize("api", APIS)
async def test_arguments_beyond_the_bound_are_dropped_as_they_come(
    api: str, server: WireServer, provider_for: Make
) -> None:
    huge = {"path": "a.txt", "content": "x" * (MAX_ARGUMENT_BYTES + 1)}

    parts = await answered(api, server, provider_for, Call("create_file", huge, piece=65_536), Call("list_files", "{}"))

    assert [call.name for call in ready(parts)] == ["list_files"]
    assert "larger than" in broken(parts)[0].reason
    assert len(broken(parts)[0].raw) <= 4_000


@pytest.mark.parametrize("api", APIS)
async def test_ids_that_come_twice_or_not_at_all_or_do_not_fit_become_new_ones(
    api: str, server: WireServer, provider_for: Make
) -> None:
    calls = [Call("list_files", "{}", id=given) for given in ("same", "same", "", "functions.list:0", "x" * 60)]

    parts = await answered(api, server, provider_for, *calls)

    ids = [call.id for call in ready(parts)]
    assert len({*ids}) == len(ids) == 5
    assert ids[0] == "same"
    assert all(len(one) <= 40 and one.replace("_", "").isalnum() for one in ids)


@pytest.mark.parametrize("api", APIS)
async def test_an_id_of_an_earlier_answer_is_not_used_again(api: str, server: WireServer, provider_for: Make) -> None:
    server.play(Step(parts=(Call("list_files", "{}", id="call_1"),)))
    earlier = ToolCall("call_1", "list_files", {})
    request = with_tools(api, Message("assistant", "", tool_calls=(earlier,)), result("call_1", "list_files", "none"))

    assert ready(await collect(provider_for(api), request))[0].id != "call_1"


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("finish", "calls", "reason"),
    [
        (Finish.STOP, True, FinishReason.TOOL_USE),
        (Finish.TOOL_USE, False, FinishReason.COMPLETE),
        (Finish.LENGTH, True, FinishReason.LENGTH),
    ],
)
async def test_what_was_called_decides_between_the_two_good_ends(
    api: str, finish: Finish, calls: bool, reason: FinishReason, server: WireServer, provider_for: Make
) -> None:
    said: tuple[Part, ...] = (Call("list_files", "{}"),) if calls else ("Nothing to do.",)

    parts = await answered(api, server, provider_for, *said, finish=finish)

    assert end_of(parts).reason is reason
    assert len(ready(parts)) == calls


@pytest.mark.parametrize("api", APIS)
async def test_control_characters_in_names_and_arguments_stay_outside(
    api: str, server: WireServer, provider_for: Make
) -> None:
    nested = {"path": "a\x1b]52;c;x\x07.txt", "content": "one\r\ntwo\x00\u202e", "more": [{"k\x9b": "\x1bc"}]}

    parts = await answered(api, server, provider_for, Call("create\x1b[31m_file\n", nested))

    call = ready(parts)[0]
    assert call.name == "create[31m_file"
    assert call.arguments == {"path": "a]52;c;x.txt", "content": "one\ntwo", "more": [{"k": "c"}]}
    assert started(parts) == [(0, "create[31m_file")]


def result(call_id: str, name: str, text: str, **options: Any) -> Message:
    return Message("tool", text, tool_call_id=call_id, tool_name=name, **options)


def round_trip(parts: list[Any]) -> Message:
    """The assistant's message that an answer becomes."""
    made = sorted((part for part in parts if _is_call(part)), key=lambda part: part.index)
    calls = [part.call if isinstance(part, ToolCallReady) else sent_back(part.call) for part in made]
    carried = tuple(part for part in parts if isinstance(part, CarriedItem))
    return Message("assistant", text_of(parts), tool_calls=tuple(calls), carried=carried)


def _is_call(part: object) -> bool:
    return isinstance(part, ToolCallReady | ToolCallBroken)


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


async def test_a_chat_server_that_gives_every_call_the_same_place_is_understood(
    server: WireServer, provider_for: Make
) -> None:
    def piece(call: dict[str, Any]) -> str:
        return json.dumps(
            {"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}], "model": "m"}
        )

    frames = [
        piece({"index": 0, "id": "a", "function": {"name": "list_files", "arguments": "{}"}}),
        piece({"index": 0, "id": "b", "function": {"name": "create_file", "arguments": '{"path": '}}),
        piece({"index": 0, "id": "b", "function": {"name": "create_file", "arguments": '"x"}'}}),
        json.dumps({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}], "model": "m"}),
        "[DONE]",
    ]
    body = "".join(f"data: {frame}\n\n" for frame in frames)
    server.play(Step(raw_body=body, content_type="text/event-stream"))

    parts = await collect(provider_for("chat"), with_tools("chat"))

    assert [(call.id, call.arguments) for call in ready(parts)] == [("a", {}), ("b", {"path": "x"})]


async def test_the_wire_itself_is_strict_about_unanswered_calls(server: WireServer, provider_for: Make) -> None:
    """What the adapters repair would be a 400: the proof that the tests above can fail."""
    from tests.fakes.wire_rules import broken_rule

    call = {"type": "tool_use", "id": "a", "name": "list_files", "input": {}}
    messages = [{"role": "user", "content": "Go."}, {"role": "assistant", "content": [call]}]
    body = {"max_tokens": 5, "tools": [{"name": "list_files", "input_schema": closed()}], "messages": messages}

    assert "without `tool_result`" in (broken_rule("/messages", body) or "")
    server.play(Step(status=400, error_message="no"))
    with pytest.raises(ProviderError):
        await collect(provider_for("messages"), with_tools("messages"))


def test_a_text_is_not_a_part_of_a_call() -> None:
    assert not isinstance(TextDelta("x"), ToolCallReady)
