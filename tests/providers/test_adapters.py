"""The three adapters against the scripted server: text, usage, finish reasons, structure, cleaning, hanging up."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest

from studio.domain import dialogue
from studio.domain.errors import MissingKey
from studio.providers.base import (
    Finished,
    FinishReason,
    JsonSchema,
    Message,
    ModelProfile,
    Provider,
    Sampling,
    TextDelta,
    UsageSeen,
)
from tests.fakes.wire_script import HOSTILE_TEXT, MULTIBYTE_TEXT, Fault, Finish, Step
from tests.fakes.wire_server import WireServer
from tests.providers.conftest import APIS, KEY, asking, collect, text_of

Make = Callable[..., Provider]
DIALOGUE = JsonSchema(
    "dialogue",
    {
        "type": "object",
        "properties": {
            "lines": {
                "type": "array",
                "maxItems": 40,
                "items": {
                    "type": "object",
                    "properties": {
                        "speaker": {"type": "string", "maxLength": 60},
                        "text": {"type": "string"},
                        "kind": {"type": "string", "enum": ["speech", "thought", "caption", "sfx"]},
                    },
                    "required": ["speaker", "text", "kind"],
                    "additionalProperties": False,
                },
            }
        },
        "required": ["lines"],
        "additionalProperties": False,
    },
)


def end_of(parts: list[Any]) -> Finished:
    assert isinstance(parts[-1], Finished)
    return parts[-1]


@pytest.mark.parametrize("api", APIS)
async def test_a_page_streams_and_its_end_is_proven_with_usage(
    api: str, server: WireServer, provider_for: Make
) -> None:
    parts = await collect(provider_for(api), asking(api))

    assert text_of(parts) == server.calls[0].text
    assert len([part for part in parts if isinstance(part, TextDelta)]) > 20
    end = end_of(parts)
    assert end.reason is FinishReason.COMPLETE
    assert end.request_id == "req_1"
    assert end.served_model == asking(api).model
    count = server.calls[0].count
    assert count is not None
    assert end.usage.input_tokens == count.total
    assert end.usage.cached_tokens == 0
    assert (end.usage.output_tokens or 0) > 20
    assert end.usage.raw


@pytest.mark.parametrize("api", APIS)
async def test_one_stream_is_one_request_with_the_key_as_bearer(
    api: str, server: WireServer, provider_for: Make
) -> None:
    await collect(provider_for(api), asking(api))

    assert len(server.requests) == 1
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert server.requests[0].headers["user-agent"].startswith("studio/")


async def test_anthropic_tells_input_tokens_before_the_first_text(provider_for: Make) -> None:
    parts = await collect(provider_for("messages"), asking("messages"))

    assert isinstance(parts[0], UsageSeen)
    assert parts[0].usage.input_tokens == end_of(parts).usage.input_tokens


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        (Finish.LENGTH, FinishReason.LENGTH),
        (Finish.REFUSAL, FinishReason.REFUSAL),
        (Finish.FILTER, FinishReason.FILTERED),
        (Finish.TOOL_USE, FinishReason.TOOL_USE),
    ],
)
async def test_each_way_to_stop_is_named(
    api: str, finish: Finish, reason: FinishReason, server: WireServer, provider_for: Make
) -> None:
    server.play(Step(finish=finish))

    parts = await collect(provider_for(api), asking(api))

    # Anthropic has no filter of its own: what it stops is a refusal.
    expected = FinishReason.REFUSAL if api == "messages" and finish is Finish.FILTER else reason
    assert end_of(parts).reason is expected
    assert text_of(parts) == server.calls[0].text


@pytest.mark.parametrize("api", APIS)
async def test_an_output_limit_that_is_too_small_is_reported_as_length(api: str, provider_for: Make) -> None:
    parts = await collect(provider_for(api), asking(api, max_output_tokens=20))

    assert end_of(parts).reason is FinishReason.LENGTH


@pytest.mark.parametrize("api", APIS)
async def test_an_empty_answer_is_complete_and_empty(api: str, server: WireServer, provider_for: Make) -> None:
    server.play(Step(text=""))

    parts = await collect(provider_for(api), asking(api))

    assert text_of(parts) == ""
    assert end_of(parts).reason is FinishReason.COMPLETE


@pytest.mark.parametrize("api", APIS)
async def test_a_stream_without_its_final_event_is_unproven_and_keeps_its_text(
    api: str, server: WireServer, provider_for: Make
) -> None:
    server.play(Step(deltas=("One ", "two ", "three ", "four"), fault=Fault.SILENT_END, after=3))

    parts = await collect(provider_for(api), asking(api))

    assert text_of(parts) == "One two three "
    assert end_of(parts).reason is FinishReason.UNPROVEN


@pytest.mark.parametrize("api", APIS)
async def test_hostile_bytes_never_leave_the_provider(api: str, server: WireServer, provider_for: Make) -> None:
    server.play(Step(text=HOSTILE_TEXT), Step(deltas=tuple(HOSTILE_TEXT)))

    whole = text_of(await collect(provider_for(api), asking(api)))
    in_characters = text_of(await collect(provider_for(api), asking(api)))

    assert whole == in_characters
    assert not [char for char in whole if ord(char) < 32 and char not in "\n\t"]
    assert not set(whole) & set("\x7f\x9b\u202e\u202c\u2066\u2069")
    assert "[bold]door[/bold] [/x]" in whole


@pytest.mark.parametrize("api", APIS)
async def test_characters_split_between_packets_arrive_whole(api: str, server: WireServer, provider_for: Make) -> None:
    server.play(Step(text=MULTIBYTE_TEXT, split_every=1))

    assert text_of(await collect(provider_for(api), asking(api))) == MULTIBYTE_TEXT


@pytest.mark.parametrize("api", APIS)
async def test_dialogue_is_asked_for_by_schema_and_comes_as_lines(
    api: str, server: WireServer, provider_for: Make
) -> None:
    parts = await collect(provider_for(api), asking(api, json_schema=DIALOGUE))

    lines = dialogue.parse(text_of(parts))
    assert len(lines) == 5
    sent = json.dumps(server.calls[0].body)
    assert '"json_schema"' in sent
    # The strict modes of OpenAI's and Anthropic's own APIs reject bounds; compatible servers use them.
    assert ("maxLength" in sent) is (api == "chat")


@pytest.mark.parametrize("api", APIS)
async def test_a_model_without_schemas_is_not_sent_one(api: str, server: WireServer, provider_for: Make) -> None:
    await collect(provider_for(api, profile=ModelProfile(structured="prompt")), asking(api, json_schema=DIALOGUE))

    assert "json_schema" not in json.dumps(server.calls[0].body)


@pytest.mark.parametrize("api", APIS)
async def test_temperature_goes_only_to_models_that_take_one(api: str, server: WireServer, provider_for: Make) -> None:
    request = asking(api, sampling=Sampling(temperature=0.5, top_p=0.9, seed=7, stop=("END",)))

    await collect(provider_for(api, profile=ModelProfile(supports_temperature=True)), request)
    await collect(provider_for(api, profile=ModelProfile(supports_temperature=False, reasoning_reserve=100)), request)

    taken, left = (seen.body for seen in server.calls)
    assert ("temperature" in taken) is (api != "messages")
    assert "temperature" not in left
    assert "top_p" not in left
    assert "seed" not in left
    limits = {"max_tokens", "max_completion_tokens", "max_output_tokens"}
    assert [left[name] for name in limits if name in left] == [2_100]


@pytest.mark.parametrize("api", APIS)
async def test_leaving_a_stream_hangs_up(api: str, server: WireServer, provider_for: Make) -> None:
    server.play(Step(delta_delay=0.02))

    async with aclosing(provider_for(api).stream(asking(api))) as parts:  # type: ignore[type-var]
        async for part in parts:
            if isinstance(part, TextDelta):
                break

    await _until(lambda: server.calls[0].hung_up)


@pytest.mark.parametrize("api", APIS)
async def test_cancelling_a_stream_hangs_up(api: str, server: WireServer, provider_for: Make) -> None:
    server.play(Step(fault=Fault.STALL, after=2))
    seen = asyncio.Event()

    async def read() -> None:
        async for part in provider_for(api).stream(asking(api)):
            if isinstance(part, TextDelta):
                seen.set()

    task = asyncio.create_task(read())
    await asyncio.wait_for(seen.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await _until(lambda: server.calls[0].hung_up)


@pytest.mark.parametrize("api", APIS)
async def test_other_tasks_run_between_the_pieces_of_a_burst(api: str, server: WireServer, provider_for: Make) -> None:
    server.play(Step(deltas=tuple("x" * 300)))
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(count())
    await collect(provider_for(api), asking(api))
    other.cancel()

    assert turns >= 300


@pytest.mark.parametrize("api", APIS)
async def test_the_key_is_read_at_each_call(api: str, server: WireServer, provider_for: Make) -> None:
    keys = iter(["first-key-123456", "second-key-123456"])
    provider = provider_for(api, key=lambda: next(keys))

    await collect(provider, asking(api))
    await collect(provider, asking(api))

    sent = [seen.headers["authorization"] for seen in server.requests]
    assert sent == ["Bearer first-key-123456", "Bearer second-key-123456"]


async def test_a_slow_key_command_does_not_stop_the_loop(provider_for: Make) -> None:
    asked, answered = threading.Event(), threading.Event()

    def key() -> str:
        asked.set()
        answered.wait(5)
        return KEY

    task = asyncio.create_task(collect(provider_for("chat", key=key), asking()))
    assert await asyncio.to_thread(asked.wait, 5)
    answered.set()  # reached only because the loop went on while the key was awaited

    assert text_of(await task)


@pytest.mark.parametrize("api", APIS)
async def test_without_a_key_nothing_is_sent(api: str, server: WireServer, provider_for: Make) -> None:
    with pytest.raises(MissingKey, match="no key") as caught:
        await collect(provider_for(api, key=lambda: None), asking(api))

    assert "TEST_API_KEY" in caught.value.hint
    assert server.requests == []


@pytest.mark.parametrize("api", APIS)
async def test_a_server_without_keys_is_asked_without_one(api: str, server: WireServer, provider_for: Make) -> None:
    parts = await collect(provider_for(api, key=lambda: None, key_required=False), asking(api))

    assert end_of(parts).reason is FinishReason.COMPLETE
    assert KEY not in server.requests[0].headers["authorization"]


@pytest.mark.parametrize("api", APIS)
async def test_models_are_listed(api: str, provider_for: Make) -> None:
    assert "scripted-model" in await provider_for(api).list_models()


@pytest.mark.parametrize(("api", "counted"), [("chat", False), ("responses", True), ("messages", True)])
async def test_tokens_are_counted_where_the_service_counts_for_free(
    api: str, counted: bool, server: WireServer, provider_for: Make
) -> None:
    tokens = await provider_for(api).count_tokens(asking(api, "word " * 400))

    assert (tokens is not None) is counted
    assert server.calls == []
    if tokens is not None:
        assert 450 < tokens < 600


async def test_the_cost_that_openrouter_reports_is_kept(server: WireServer, provider_for: Make) -> None:
    server.play(Step(cost=0.0123))

    assert end_of(await collect(provider_for("chat"), asking())).usage.cost_usd == 0.0123


async def test_a_stream_without_usage_leaves_the_counts_unknown(server: WireServer, provider_for: Make) -> None:
    server.play(Step(usage=False))

    end = end_of(await collect(provider_for("chat"), asking()))

    assert end.reason is FinishReason.COMPLETE
    assert end.usage.input_tokens is None


async def test_nothing_is_stored_at_openai_and_the_cache_key_is_sent(server: WireServer, provider_for: Make) -> None:
    await collect(provider_for("responses"), asking("responses", cache_key="project-7"))

    assert server.calls[0].body["store"] is False
    assert server.calls[0].body["prompt_cache_key"] == "project-7"


async def test_adjacent_messages_of_one_role_become_one_message(server: WireServer, provider_for: Make) -> None:
    messages = (
        Message("system", "Preamble."),
        Message("user", "Page one.", cache=True),
        Message("user", "Page two."),
        Message("assistant", "Example."),
        Message("user", "Now."),
        Message("user", "  "),
    )
    await collect(provider_for("chat"), asking(messages=messages))
    await collect(provider_for("messages"), asking("messages", messages=messages))

    chat, anthropic = (seen.body for seen in server.calls)
    assert [(item["role"], item["content"]) for item in chat["messages"]] == [
        ("system", "Preamble."),
        ("user", "Page one.\n\nPage two."),
        ("assistant", "Example."),
        ("user", "Now."),
    ]
    assert [block["text"] for block in anthropic["system"]] == ["Preamble."]
    assert [item["role"] for item in anthropic["messages"]] == ["user", "assistant", "user"]
    assert anthropic["messages"][0]["content"] == [
        {"type": "text", "text": "Page one.", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "Page two."},
    ]


@pytest.mark.parametrize("api", ["chat", "messages"])
async def test_headers_of_the_sdks_environment_go_only_to_their_own_service(
    api: str, server: WireServer, provider_for: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Inner: secret")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Inner: secret")

    await collect(provider_for(api, headers={"X-Title": "studio"}), asking(api))
    await collect(provider_for(api, native=True), asking(api))

    foreign, own = (seen.headers for seen in server.calls)
    assert "secret" not in json.dumps(foreign)
    assert foreign["x-title"] == "studio"
    assert own["x-inner"] == "secret"


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.01)
