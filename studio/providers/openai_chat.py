"""Chat Completions, the common denominator: OpenRouter, xAI, Ollama, llama.cpp, vLLM, gateways, and the local model's child."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from studio.domain.errors import ProviderError
from studio.domain.run import Usage
from studio.domain.text import clean_delta, one_line
from studio.providers.base import Finished, FinishReason, ModelProfile, ModelRequest, StreamPart, TextDelta
from studio.providers.classify import classify
from studio.providers.connection import Connection, request_id, require_stream
from studio.providers.openai_client import OpenAIClients
from studio.providers.prompt_shape import Turn, breakpoint_places, cache_control_places, turns

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionChunk

_REASONS = {
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "content_filter": FinishReason.FILTERED,
    "tool_calls": FinishReason.TOOL_USE,
    "function_call": FinishReason.TOOL_USE,
    "refusal": FinishReason.REFUSAL,
    "abort": FinishReason.UNPROVEN,
    "error": FinishReason.UNPROVEN,
}


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """What compatible servers differ in. `separator` joins adjacent messages of one role into one.

    `sampling_names` holds our names of settings outside OpenAI's own set (`min_p`, `repeat_penalty`) by the server's.
    """

    separator: str = "\n\n"
    max_tokens_field: str = "max_tokens"
    sampling_names: Mapping[str, str] = field(default_factory=dict)
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    send_cache_key: bool = False
    strict_schema: bool = True


class OpenAIChat:
    """A Provider over Chat Completions."""

    def __init__(self, connection: Connection, options: ChatOptions | None = None) -> None:
        self.name = connection.name
        self._connection = connection
        self._options = options or ChatOptions()
        self._clients = OpenAIClients(connection)

    def prepare(self) -> None:
        """Import the SDK and build the client; may be called from a thread before the first use."""
        self._clients.base()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamPart, None]:
        key = await self._connection.current_key()
        site = self._connection.site(request.model, key)
        try:
            client = self._clients.with_key(key, request.user_agent_note)
            async with await client.chat.completions.create(**self.body(request), stream=True) as stream:
                await require_stream(stream.response, site)
                reader = _ChatReader(request_id(stream.response))
                async for chunk in stream:
                    for part in reader.read(chunk):
                        yield part
                    # The SDK does not yield to the loop while bytes are buffered.
                    await asyncio.sleep(0)
                yield reader.finished()
        except ProviderError:
            raise
        except Exception as error:
            raise classify(error, site) from error

    async def list_models(self) -> list[str]:
        return await self._clients.list_models()

    async def count_tokens(self, request: ModelRequest) -> int | None:
        return None

    async def aclose(self) -> None:
        await self._clients.aclose()

    def body(self, request: ModelRequest) -> dict[str, Any]:
        """The request's arguments for the SDK, without `stream`."""
        profile = self._connection.profile(request.model)
        options = self._options
        extra = dict(options.extra_body)
        marked = _marked(request, profile.cache_marks)
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [
                _message(turn, profile.cache_marks, options.separator) for turn in turns(request.messages, marked)
            ],
            "stream_options": {"include_usage": True},
            **_limit(request, profile, options),
        }
        self._add_sampling(body, extra, request, profile)
        if request.json_schema is not None:
            body |= _format(request, profile.structured, strict=options.strict_schema)
        if options.send_cache_key and request.cache_key:
            body["prompt_cache_key"] = request.cache_key
        if marked and profile.cache_marks == "breakpoint":
            body["prompt_cache_options"] = {"mode": "explicit"}
        return {**body, "extra_body": extra} if extra else body

    def _add_sampling(
        self, body: dict[str, Any], extra: dict[str, Any], request: ModelRequest, profile: ModelProfile
    ) -> None:
        wishes = request.sampling
        named: dict[str, Any] = {}
        if profile.supports_temperature:
            named |= {"temperature": wishes.temperature, "top_p": wishes.top_p}
        if not profile.reasoning_reserve:
            # Models that think first answer a stop string or a seed with a 400.
            named |= {"seed": wishes.seed, "stop": list(wishes.stop) or None}
        body |= {name: value for name, value in named.items() if value is not None}
        for ours, value in (("min_p", wishes.min_p), ("repeat_penalty", wishes.repeat_penalty)):
            if value is not None and ours in self._options.sampling_names:
                extra[self._options.sampling_names[ours]] = value


def _limit(request: ModelRequest, profile: ModelProfile, options: ChatOptions) -> dict[str, Any]:
    """The output limit under the name that the model takes: those that think first refuse `max_tokens`."""
    name = "max_completion_tokens" if profile.reasoning_reserve else options.max_tokens_field
    return {name: request.max_output_tokens + profile.reasoning_reserve}


def _marked(request: ModelRequest, marks: str) -> frozenset[int]:
    if marks == "breakpoint":
        return breakpoint_places(request.messages)
    return cache_control_places(request.messages) if marks == "cache_control" else frozenset()


def _message(turn: Turn, marks: str, separator: str) -> dict[str, Any]:
    if not turn.marks:
        return {"role": turn.role, "content": turn.joined(separator)}
    field_name, value = (
        ("prompt_cache_breakpoint", {"mode": "explicit"})
        if marks == "breakpoint"
        else ("cache_control", {"type": "ephemeral"})
    )
    parts: list[dict[str, Any]] = []
    for at, message in enumerate(turn.messages):
        part: dict[str, Any] = {"type": "text", "text": message.text}
        parts.append({**part, field_name: value} if at in turn.marks else part)
    return {"role": turn.role, "content": parts}


def _format(request: ModelRequest, structured: str, *, strict: bool) -> dict[str, Any]:
    if structured == "json_object":
        return {"response_format": {"type": "json_object"}}
    if structured != "json_schema" or request.json_schema is None:
        return {}
    schema = {"name": request.json_schema.name, "schema": dict(request.json_schema.schema), "strict": strict}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


@dataclass(slots=True)
class _ChatReader:
    """Collects what a stream of chunks says: text as it comes, the rest for the end."""

    request_id: str | None
    reason: str | None = None
    refused: bool = False
    tool_called: bool = False
    usage: Usage = field(default_factory=Usage)
    served_model: str | None = None

    def read(self, chunk: ChatCompletionChunk) -> Iterator[StreamPart]:
        self.served_model = chunk.model or self.served_model
        if chunk.usage is not None:
            self.usage = chat_usage(chunk.usage.model_dump(exclude_none=True))
        for choice in chunk.choices or ():
            delta = choice.delta
            if delta is not None:
                yield from self._delta(delta.content, getattr(delta, "refusal", None))
                self.tool_called = self.tool_called or bool(delta.tool_calls)
            self.reason = choice.finish_reason or self.reason

    def _delta(self, content: object, refusal: object) -> Iterator[StreamPart]:
        for text in (content, refusal):
            if isinstance(text, str) and (kept := clean_delta(text)):
                yield TextDelta(kept)
        self.refused = self.refused or bool(refusal)

    def finished(self) -> Finished:
        return Finished(
            self._reason(),
            self.usage,
            detail=one_line(self.reason or "", 60),
            request_id=self.request_id,
            served_model=one_line(self.served_model, 120) if self.served_model else None,
        )

    def _reason(self) -> FinishReason:
        if self.reason is None:
            return FinishReason.UNPROVEN
        found = _REASONS.get(self.reason, FinishReason.COMPLETE)
        if found is FinishReason.COMPLETE and self.refused:
            return FinishReason.REFUSAL
        return FinishReason.TOOL_USE if found is FinishReason.COMPLETE and self.tool_called else found


def chat_usage(raw: dict[str, Any]) -> Usage:
    """Usage of Chat Completions. `prompt_tokens` includes cached tokens; `cost` is OpenRouter's own figure in US dollars."""
    given = raw.get("prompt_tokens_details") or {}
    taken = raw.get("completion_tokens_details") or {}
    cost = raw.get("cost")
    return Usage(
        input_tokens=raw.get("prompt_tokens"),
        cached_tokens=given.get("cached_tokens"),
        cache_write_tokens=given.get("cache_write_tokens"),
        output_tokens=raw.get("completion_tokens"),
        reasoning_tokens=taken.get("reasoning_tokens"),
        cost_usd=float(cost) if isinstance(cost, (int, float)) else None,
        raw=raw,
    )
