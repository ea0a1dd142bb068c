"""Native tool calls as they come through each adapter: whole before anyone sees them, however the wire cuts, mixes or misspells them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from studio.domain.errors import ConnectionFailed
from studio.domain.tooling import ToolCall
from studio.providers.base import FinishReason, Message, Provider, StreamPart
from studio.providers.tool_calls import MAX_ARGUMENT_BYTES
from tests.fakes.wire_script import Call, Fault, Finish, Part, Step
from tests.fakes.wire_server import WireServer
from tests.providers.conftest import APIS, broken_off, collect, text_of
from tests.providers.tool_parts import PAGE, broken, end_of, ready, result, started, with_tools

Make = Callable[..., Provider]


async def answered(api: str, server: WireServer, make: Make, *parts: Part, **step: Any) -> list[StreamPart]:
    server.play(Step(parts=parts, **step))
    return await collect(make(api), with_tools(api))


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
    assert end_of(parts).reason is FinishReason.TOOL_USE


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
