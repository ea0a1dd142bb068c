"""Everything a service can do wrong, through both SDKs: one error tree, one request on the wire, the text so far kept."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import replace

import pytest

from studio.domain.errors import (
    AuthenticationFailed,
    BadReply,
    ConnectionFailed,
    ContextTooLong,
    Overloaded,
    ProviderError,
    RateLimited,
    RequestRejected,
    TimedOut,
)
from studio.providers.base import Provider, UsageSeen
from studio.providers.connection import Timeouts
from tests.fakes.wire_http import Responder, read_request
from tests.fakes.wire_script import HTML, OVERFLOW_LLAMA, Fault, Step, redirect, status
from tests.fakes.wire_server import WireServer
from tests.providers.conftest import APIS, KEY, asking, broken_off, collect, connect, text_of

Make = Callable[..., Provider]
SHORT = Timeouts(connect=1, read=0.3)
DELTAS = ("One ", "two ", "three ", "four")


async def failing(provider: Provider, api: str) -> tuple[str, ProviderError]:
    """The text that came, and the error that ended it."""
    parts, error = await broken_off(provider, asking(api))
    return text_of(parts), error


def is_for_people(error: ProviderError) -> bool:
    """One clean sentence, a hint, no key, no class names, no escape bytes."""
    words = str(error)
    return bool(error.message and error.hint) and KEY not in words and "Error(" not in words and words.isprintable()


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.RESET, ConnectionFailed),
        (Fault.FIN, ConnectionFailed),
        (Fault.STALL, TimedOut),
        (Fault.BAD_JSON, BadReply),
        (Fault.ERROR_FRAME, Overloaded),
        (Fault.FAILED, Overloaded),
    ],
)
async def test_a_stream_that_breaks_keeps_its_text_and_says_why(
    api: str, fault: Fault, expected: type[ProviderError], server: WireServer, provider_for: Make
) -> None:
    server.play(Step(deltas=DELTAS, fault=fault, after=3))

    text, error = await failing(provider_for(api, timeouts=SHORT), api)

    assert text == "One two three "
    assert type(error) is expected
    assert is_for_people(error)
    assert len(server.requests) == 1


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("code", "kind", "expected"),
    [
        (400, "", RequestRejected),
        (401, "", AuthenticationFailed),
        (402, "", RequestRejected),
        (403, "", AuthenticationFailed),
        (404, "", RequestRejected),
        (408, "", TimedOut),
        (413, "", ContextTooLong),
        (422, "", RequestRejected),
        (429, "", RateLimited),
        (429, "insufficient_quota", RequestRejected),
        (500, "", Overloaded),
        (502, "", Overloaded),
        (503, "", Overloaded),
        (529, "", Overloaded),
    ],
)
async def test_each_http_status_is_its_error_after_one_request(
    api: str, code: int, kind: str, expected: type[ProviderError], server: WireServer, provider_for: Make
) -> None:
    server.play(status(code, kind=kind))

    _, error = await failing(provider_for(api), api)

    assert type(error) is expected
    assert error.status == code
    assert is_for_people(error)
    assert len(server.requests) == 1


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    "words",
    [
        "prompt is too long: 214000 tokens > 200000 maximum",
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens.",
        "input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000",
        OVERFLOW_LLAMA.error_message,
    ],
)
async def test_a_prompt_that_is_too_long_is_told_as_such(
    api: str, words: str, server: WireServer, provider_for: Make
) -> None:
    server.play(status(400, message=words))

    _, error = await failing(provider_for(api), api)

    assert type(error) is ContextTooLong
    assert "tokens" in error.message
    assert not error.retryable


@pytest.mark.parametrize("api", APIS)
async def test_a_server_with_a_small_context_refuses_a_large_prompt(
    api: str, server: WireServer, provider_for: Make
) -> None:
    server.context_tokens = 500

    with pytest.raises(ContextTooLong):
        await collect(provider_for(api), asking(api, "word " * 2_000))


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(("asked", "seconds"), [("7", 7.0), ("0.5", 0.5), ("86400", 86_400.0), ("soon", None)])
async def test_the_wait_that_a_service_asks_for_is_reported_not_slept(
    api: str, asked: str, seconds: float | None, server: WireServer, provider_for: Make
) -> None:
    server.play(status(429, retry_after=asked))

    async with asyncio.timeout(5):
        _, error = await failing(provider_for(api), api)

    assert error.retry_after == seconds


@pytest.mark.parametrize("api", APIS)
async def test_retry_after_in_milliseconds_wins(api: str, server: WireServer, provider_for: Make) -> None:
    server.play(replace(status(503), headers=(("retry-after-ms", "1500"), ("retry-after", "9"))))

    _, error = await failing(provider_for(api), api)

    assert error.retry_after == 1.5


@pytest.mark.parametrize("api", APIS)
async def test_a_redirect_receives_neither_prompt_nor_key(api: str, server: WireServer, provider_for: Make) -> None:
    async with WireServer() as stranger:
        for code in (301, 302, 307, 308):
            server.play(redirect(f"{stranger.url}/v1/chat/completions", code))

            _, error = await failing(provider_for(api), api)

            assert type(error) is RequestRejected
            assert "redirect" in error.message
            assert stranger.url in error.message
        assert stranger.requests == []


@pytest.mark.parametrize("api", APIS)
async def test_a_web_page_with_status_200_is_not_an_empty_success(
    api: str, server: WireServer, provider_for: Make
) -> None:
    server.play(HTML)

    text, error = await failing(provider_for(api), api)

    assert text == ""
    assert type(error) is BadReply
    assert "web page" in error.message


@pytest.mark.parametrize("api", APIS)
async def test_a_web_page_as_an_error_is_not_quoted(api: str, server: WireServer, provider_for: Make) -> None:
    server.play(replace(HTML, status=502))

    _, error = await failing(provider_for(api), api)

    assert type(error) is Overloaded
    assert "<" not in str(error)


@pytest.mark.parametrize("api", APIS)
async def test_an_error_object_with_status_200_is_read(api: str, server: WireServer, provider_for: Make) -> None:
    server.play(Step(raw_body='{"error": {"message": "No endpoints found", "code": "rate_limit_exceeded"}}'))

    _, error = await failing(provider_for(api), api)

    assert type(error) is RateLimited
    assert "No endpoints found" in error.message


@pytest.mark.parametrize("api", APIS)
async def test_a_reply_in_one_piece_is_not_taken_for_a_stream(api: str, server: WireServer, provider_for: Make) -> None:
    server.play(Step(raw_body='{"hello": "world"}'))

    _, error = await failing(provider_for(api), api)

    assert type(error) is BadReply
    assert "one piece" in error.message


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    "kind", ["overloaded_error", "rate_limit_error", "authentication_error", "invalid_request_error"]
)
async def test_an_error_frame_is_told_by_its_kind_not_by_status_200(
    api: str, kind: str, server: WireServer, provider_for: Make
) -> None:
    server.play(Step(deltas=DELTAS, fault=Fault.ERROR_FRAME, after=1, error_type=kind, error_message="No \x1b[31mmore"))

    text, error = await failing(provider_for(api), api)

    expected = {
        "overloaded_error": Overloaded,
        "rate_limit_error": RateLimited,
        "authentication_error": AuthenticationFailed,
        "invalid_request_error": BadReply,
    }[kind]
    if api == "chat" and kind == "invalid_request_error":
        # OpenRouter's frames carry an HTTP number beside the kind.
        expected = RequestRejected
    assert type(error) is expected
    assert text == "One "
    assert is_for_people(error)


@pytest.mark.parametrize("api", APIS)
async def test_a_slow_first_byte_is_a_timeout_after_one_request(
    api: str, server: WireServer, provider_for: Make
) -> None:
    server.play(Step(first_byte_delay=30))

    _, error = await failing(provider_for(api, timeouts=SHORT), api)

    assert type(error) is TimedOut
    assert len(server.requests) == 1


@pytest.mark.parametrize("api", APIS)
async def test_nobody_listening_is_a_connection_that_failed(api: str, server: WireServer, provider_for: Make) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server.port, real = free.getsockname()[1], server.port
        provider = provider_for(api)
        server.port = real
        _, error = await failing(provider, api)

    assert type(error) is ConnectionFailed
    assert "could not be reached" in error.message


@pytest.mark.parametrize("api", APIS)
async def test_a_wrong_key_is_named_by_its_variable_and_not_shown(
    api: str, server: WireServer, provider_for: Make
) -> None:
    server.keys = frozenset({"another"})
    server.play(status(401, message=f"Incorrect API key provided: {KEY}"))

    _, error = await failing(provider_for(api), api)

    assert type(error) is AuthenticationFailed
    assert "TEST_API_KEY" in error.hint
    assert KEY not in str(error)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("key", ["sk-“quoted”", "sk-two\nlines"])
async def test_a_key_that_cannot_be_sent_is_not_a_broken_network(
    api: str, key: str, server: WireServer, provider_for: Make
) -> None:
    with pytest.raises(AuthenticationFailed, match="characters") as caught:
        await collect(provider_for(api, key=lambda: key), asking(api))

    assert key not in str(caught.value)
    assert server.requests == []


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("answer", [HTML, Step(raw_body="[1, 2]"), status(401), status(500), redirect("http://x/")])
async def test_asking_for_models_fails_in_words(api: str, answer: Step, server: WireServer, provider_for: Make) -> None:
    server.play_on_models = answer

    with pytest.raises(ProviderError) as caught:
        await provider_for(api).list_models()

    assert is_for_people(caught.value)


@pytest.mark.parametrize("api", APIS)
async def test_a_service_without_models_lists_none(api: str, server: WireServer, provider_for: Make) -> None:
    server.play_on_models = Step(raw_body='{"object": "list", "data": null}')

    assert await provider_for(api).list_models() == []


async def test_anthropics_input_tokens_survive_a_broken_stream(server: WireServer, provider_for: Make) -> None:
    server.play(Step(deltas=DELTAS, fault=Fault.RESET, after=2))

    seen, error = await broken_off(provider_for("messages"), asking("messages"))

    assert type(error) is ConnectionFailed
    assert isinstance(seen[0], UsageSeen)
    assert (seen[0].usage.input_tokens or 0) > 0


class OneAnswerServer(WireServer):
    """Leaves after each answer, at the moment in which the next request is on its way: what llama.cpp's server may do."""

    async def _on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await read_request(reader)
        if request is not None:
            await self._serve(request, Responder(reader, writer))
            await read_request(reader)
        writer.close()


@pytest.mark.parametrize("api", APIS)
async def test_a_service_that_leaves_after_each_answer_loses_no_request(api: str) -> None:
    async with OneAnswerServer() as leaving:
        provider = connect(api, leaving)
        for _ in range(3):
            assert text_of(await collect(provider, asking(api)))
        await provider.aclose()


@pytest.mark.parametrize("api", APIS)
async def test_the_connection_pool_is_empty_after_every_kind_of_end(
    api: str, server: WireServer, provider_for: Make
) -> None:
    provider = provider_for(api, timeouts=SHORT)
    for fault in (Fault.NONE, Fault.RESET, Fault.STALL, Fault.SILENT_END, Fault.BAD_JSON):
        server.play(Step(deltas=DELTAS, fault=fault, after=2))
        try:
            await collect(provider, asking(api))
        except ProviderError:
            continue

    # One request at a time was open, so a pool that leaked would hold more than one connection.
    async with asyncio.timeout(5):
        await asyncio.gather(*(collect(provider, asking(api)) for _ in range(5)))
    assert len(server.calls) == 10
