"""Connections to the scripted server through each adapter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from studio.domain.errors import ProviderError
from studio.providers.anthropic_messages import AnthropicMessages
from studio.providers.base import Message, ModelProfile, ModelRequest, Provider, StreamPart, TextDelta
from studio.providers.connection import Connection, Timeouts
from studio.providers.openai_chat import OpenAIChat
from studio.providers.openai_responses import OpenAIResponses
from tests.fakes.wire_server import WireServer

KEY = "sk-test-key-1234567890"
APIS = ("chat", "responses", "messages")
MODELS = {"chat": "gpt-4.1", "responses": "gpt-4.1", "messages": "claude-sonnet-5-5"}


@pytest.fixture
async def server() -> AsyncIterator[WireServer]:
    async with WireServer() as running:
        yield running


def connect(
    api: str,
    server: WireServer,
    *,
    profile: ModelProfile | None = None,
    key: Callable[[], str | None] = lambda: KEY,
    timeouts: Timeouts | None = None,
    **options: object,
) -> Provider:
    """The adapter of an API, pointed at the server."""
    known = profile or ModelProfile(cache_marks="cache_control" if api == "messages" else "none")
    connection = Connection(
        name=api,
        base_url=server.url if api == "messages" else server.openai_url,
        key=key,
        profile=lambda model: known,
        key_env="TEST_API_KEY",
        timeouts=timeouts or Timeouts(connect=2, read=5),
        **options,  # type: ignore[arg-type]
    )
    match api:
        case "messages":
            return AnthropicMessages(connection)
        case "responses":
            return OpenAIResponses(connection)
    return OpenAIChat(connection)


@pytest.fixture
async def provider_for(server: WireServer) -> AsyncIterator[Callable[..., Provider]]:
    """Makes providers that are closed when the test ends."""
    async with AsyncExitStack() as stack:

        def make(api: str, **options: object) -> Provider:
            made = connect(api, server, **options)  # type: ignore[arg-type]
            stack.push_async_callback(made.aclose)
            return made

        yield make


def asking(api: str = "chat", *texts: str, **options: object) -> ModelRequest:
    """A small request; `texts` are user messages."""
    messages = (
        Message("system", "You write.", cache=True),
        *(Message("user", text) for text in texts or ("A harbour.",)),
    )
    given: dict[str, object] = {"model": MODELS[api], "messages": messages, "max_output_tokens": 2_000, **options}
    return ModelRequest(**given)  # type: ignore[arg-type]


async def collect(provider: Provider, request: ModelRequest) -> list[StreamPart]:
    return [part async for part in provider.stream(request)]


async def broken_off(provider: Provider, request: ModelRequest) -> tuple[list[StreamPart], ProviderError]:
    """The parts that came before the error, and the error; fails when there is none."""
    parts: list[StreamPart] = []
    try:
        async for part in provider.stream(request):
            parts.append(part)
    except ProviderError as error:
        return parts, error
    pytest.fail("the stream ended without an error")


def text_of(parts: list[StreamPart]) -> str:
    return "".join(part.text for part in parts if isinstance(part, TextDelta))
