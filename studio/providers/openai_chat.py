"""Chat Completions, the common denominator: OpenRouter, xAI, Ollama, llama.cpp, vLLM, gateways, and the local model's child."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from studio.domain.errors import ProviderError
from studio.domain.run import Usage
from studio.domain.text import clean_delta, one_line
from studio.domain.tooling import ToolCall, ToolSpec
from studio.providers.base import Finished, FinishReason, Message, ModelProfile, ModelRequest, StreamPart, TextDelta
from studio.providers.classify import classify
from studio.providers.connection import Connection, request_id, require_stream
from studio.providers.openai_client import OpenAIClients
from studio.providers.prompt_shape import Turn, breakpoint_places, cache_control_places, strict_schema, turns
from studio.providers.tool_calls import CallCollector, ids_in
from studio.providers.tool_shape import compact, conversation, is_strict, result_text, wire_name

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionChunk
    from openai.types.chat.chat_completion_chunk import ChoiceDeltaToolCall

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
        _ = self._clients.base().chat.completions  # imported by the SDK when it is looked at

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamPart, None]:
        key = await self._connection.current_key()
        site = self._connection.site(request.model, key)
        try:
            client = self._clients.with_key(key, request.user_agent_note)
            async with await client.chat.completions.create(**self.body(request), stream=True) as stream:
                await require_stream(stream.response, site)
                reader = _ChatReader(request_id(stream.response), CallCollector(ids_in(request.messages)))
                async for chunk in stream:
                    for part in reader.read(chunk):
                        yield part
                    # The SDK does not yield to the loop while bytes are buffered.
                    await asyncio.sleep(0)
                for part in reader.ending():
                    yield part
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
        messages = conversation(request)
        marked = _marked(messages, profile.cache_marks)
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [
                item
                for turn in turns(messages, marked)
                for item in _items(turn, profile.cache_marks, options.separator)
            ],
            "stream_options": {"include_usage": True},
            **_limit(request, profile, options),
        }
        self._add_sampling(body, extra, request, profile)
        if request.json_schema is not None:
            body |= _format(request, profile.structured, strict=options.strict_schema)
        if request.tools:
            body |= _tools(request, strict=options.strict_schema)
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


def _marked(messages: Sequence[Message], marks: str) -> frozenset[int]:
    if marks == "breakpoint":
        return breakpoint_places(messages)
    return cache_control_places(messages) if marks == "cache_control" else frozenset()


def _items(turn: Turn, marks: str, separator: str) -> list[dict[str, Any]]:
    """The wire's messages for a turn: one, or one for each result of a tool."""
    if turn.role == "tool":
        return [
            {
                "role": "tool",
                "tool_call_id": message.tool_call_id,
                "content": [_part(result_text(message), marks)] if at in turn.marks else result_text(message),
            }
            for at, message in enumerate(turn.messages)
        ]
    calls = [_call(call) for message in turn.messages for call in message.tool_calls]
    if not turn.marks:
        text = separator.join(message.text for message in turn.messages if message.text)
        item: dict[str, Any] = {"role": turn.role, "content": text or (None if calls else "")}
    else:
        parts = [
            _part(message.text, marks if at in turn.marks else "none")
            for at, message in enumerate(turn.messages)
            if message.text
        ]
        item = {"role": turn.role, "content": parts or None}
    return [{**item, "tool_calls": calls}] if calls else [item]


def _part(text: str, marks: str) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "text", "text": text}
    if marks == "breakpoint":
        return {**part, "prompt_cache_breakpoint": {"mode": "explicit"}}
    return {**part, "cache_control": {"type": "ephemeral"}} if marks == "cache_control" else part


def _call(call: ToolCall) -> dict[str, Any]:
    function = {"name": wire_name(call.name), "arguments": compact(dict(call.arguments))}
    return {"id": call.id, "type": "function", "function": function}


def _tools(request: ModelRequest, *, strict: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "tools": [_tool(spec, strict=strict) for spec in request.tools],
        "tool_choice": request.tool_choice,
    }
    # Some models refuse the setting, so it is sent only to change the default.
    return found if request.parallel_tools else {**found, "parallel_tool_calls": False}


def _tool(spec: ToolSpec, *, strict: bool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": spec.name, "description": spec.description, "parameters": dict(spec.parameters)}
    if strict and is_strict(spec.parameters):
        function |= {"parameters": strict_schema(spec.parameters), "strict": True}
    return {"type": "function", "function": function}


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
    calls: CallCollector
    reason: str | None = None
    refused: bool = False
    usage: Usage = field(default_factory=Usage)
    served_model: str | None = None
    ids: dict[int, str] = field(default_factory=dict)

    def read(self, chunk: ChatCompletionChunk) -> Iterator[StreamPart]:
        self.served_model = chunk.model or self.served_model
        if chunk.usage is not None:
            self.usage = chat_usage(chunk.usage.model_dump(exclude_none=True))
        for choice in chunk.choices or ():
            delta = choice.delta
            if delta is not None:
                yield from self._delta(delta.content, getattr(delta, "refusal", None))
                for piece in delta.tool_calls or ():
                    yield from self._call(piece)
            self.reason = choice.finish_reason or self.reason

    def _delta(self, content: object, refusal: object) -> Iterator[StreamPart]:
        for text in (content, refusal):
            if isinstance(text, str) and (kept := clean_delta(text)):
                yield TextDelta(kept)
        self.refused = self.refused or bool(refusal)

    def _call(self, piece: ChoiceDeltaToolCall) -> Iterator[StreamPart]:
        """A piece of a call. A new id with a name is a new call, also where a server gives every call the same place."""
        place, given, function = piece.index or 0, piece.id or "", piece.function
        name = (function.name if function else None) or ""
        if not self.calls.has(place) or (given and name and given != self.ids.get(place, given)):
            self.ids[place] = given
            yield from self.calls.begin(place, given, name)
        elif name:
            yield from self.calls.named(place, name)
        if function and function.arguments:
            self.calls.more(place, function.arguments)

    def ending(self) -> Iterator[StreamPart]:
        """The calls, which nothing but the end of the answer completes on this wire, and the end."""
        reason = self._reason()
        yield from self.calls.finish(cut=reason not in (FinishReason.COMPLETE, FinishReason.TOOL_USE))
        yield Finished(
            reason,
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
        # Servers are free with the word: what was called decides between the two good ends.
        if found in (FinishReason.COMPLETE, FinishReason.TOOL_USE):
            return FinishReason.TOOL_USE if self.calls.count else FinishReason.COMPLETE
        return found


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
