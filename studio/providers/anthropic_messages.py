"""Anthropic's Messages API: content blocks with cache breakpoints, usage told at the start, no sampling settings (SDK 2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from studio.domain.errors import BadReply, ProviderError
from studio.domain.run import Usage
from studio.domain.text import clean_delta, one_line
from studio.domain.tooling import ToolSpec
from studio.providers.base import (
    CarriedItem,
    Finished,
    FinishReason,
    Message,
    ModelRequest,
    StreamPart,
    TextDelta,
    UsageSeen,
)
from studio.providers.classify import classify
from studio.providers.connection import (
    MODEL_LIST_LIMIT,
    Connection,
    open_client,
    request_id,
    require_stream,
    user_agent,
)
from studio.providers.prompt_shape import Turn, cache_control_places, strict_schema, turns
from studio.providers.tool_calls import CallCollector, ids_in
from studio.providers.tool_shape import carried_before, compact, conversation, wire_name

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic
    from anthropic.types import RawMessageStreamEvent

_REASONS = {
    "end_turn": FinishReason.COMPLETE,
    "stop_sequence": FinishReason.COMPLETE,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_USE,
    "refusal": FinishReason.REFUSAL,
    "pause_turn": FinishReason.UNPROVEN,
}


class AnthropicMessages:
    """A Provider over the Messages API."""

    def __init__(self, connection: Connection) -> None:
        self.name = connection.name
        self._connection = connection
        self._base: AsyncAnthropic | None = None

    def prepare(self) -> None:
        """Import the SDK (about a second of CPU) and build the client; may be called from a thread before the first use."""
        if self._base is None:
            from anthropic import AsyncAnthropic

            self._base = AsyncAnthropic(
                api_key="set-at-each-call",
                base_url=self._connection.base_url,
                max_retries=0,
                default_headers=dict(self._connection.headers),
                http_client=open_client(self._connection),
            )
        _ = self._base.messages  # imported by the SDK when it is looked at

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamPart, None]:
        key = await self._connection.current_key()
        site = self._connection.site(request.model, key)
        try:
            client = self._with_key(key, request.user_agent_note)
            async with await client.messages.create(**self.body(request), stream=True) as stream:
                await require_stream(stream.response, site)
                calls = CallCollector(ids_in(request.messages))
                reader = _MessagesReader(request.model, request_id(stream.response), calls)
                async for event in stream:
                    for part in reader.read(event):
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
        key = await self._connection.current_key()
        site = self._connection.site(key=key)
        names: list[str] = []
        try:
            async for model in self._with_key(key).models.list(limit=100):
                names.append(one_line(str(model.id), 120))
                if len(names) >= MODEL_LIST_LIMIT:
                    break
        except (AttributeError, TypeError) as error:
            raise BadReply(f"{site} did not answer with a list of models.", hint="Check the base URL.") from error
        except Exception as error:
            raise classify(error, site) from error
        return names

    async def count_tokens(self, request: ModelRequest) -> int | None:
        key = await self._connection.current_key()
        site = self._connection.site(request.model, key)
        kept = {name: value for name, value in self.body(request).items() if name in _COUNTED}
        try:
            return (await self._with_key(key).messages.count_tokens(**kept)).input_tokens
        except Exception as error:
            raise classify(error, site) from error

    async def aclose(self) -> None:
        if self._base is not None:
            await self._base.close()
            self._base = None

    def body(self, request: ModelRequest) -> dict[str, Any]:
        """The request's arguments for the SDK, without `stream`. System messages, wherever they stand, go to `system`."""
        profile = self._connection.profile(request.model)
        ordered = sorted(conversation(request), key=lambda message: message.role != "system")
        marked = cache_control_places(ordered) if profile.cache_marks == "cache_control" else frozenset[int]()
        body: dict[str, Any] = {
            "model": request.model,
            "max_tokens": request.max_output_tokens + profile.reasoning_reserve,
            "messages": [],
        }
        for turn in turns(ordered, marked):
            blocks = _blocks(turn, request.model)
            if turn.role == "system":
                body["system"] = blocks
            else:
                _add(body["messages"], "assistant" if turn.role == "assistant" else "user", blocks)
        if request.tools:
            body |= {"tools": [_tool(spec) for spec in request.tools], "tool_choice": _choice(request)}
        if request.sampling.stop:
            body["stop_sequences"] = [text for text in request.sampling.stop if text.strip()]
        if request.json_schema is not None and profile.structured == "json_schema":
            schema = strict_schema(request.json_schema.schema)
            body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
        return body

    def _with_key(self, key: str, note: str = "") -> AsyncAnthropic:
        self.prepare()
        assert self._base is not None
        return self._base.with_options(api_key=key, default_headers={"User-Agent": user_agent(note)})


DIALECT = "messages"

_COUNTED = ("model", "messages", "system", "output_config", "tools", "tool_choice")
_CHOICES = {"auto": "auto", "required": "any", "none": "none"}
_CACHED = {"cache_control": {"type": "ephemeral"}}


def _add(messages: list[dict[str, Any]], role: str, blocks: list[dict[str, Any]]) -> None:
    """Results of tools are the user's on this wire, and roles take turns: what the user says next joins them."""
    if messages and messages[-1]["role"] == role:
        messages[-1]["content"].extend(blocks)
    else:
        messages.append({"role": role, "content": blocks})


def _blocks(turn: Turn, model: str) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    for at, message in enumerate(turn.messages):
        own = list(_message_blocks(message, model))
        if at in turn.marks and own:
            own[-1] = {**own[-1], **_CACHED}
        blocks.extend(own)
    return blocks


def _message_blocks(message: Message, model: str) -> Iterator[dict[str, Any]]:
    if message.role == "tool":
        result: dict[str, Any] = {"type": "tool_result", "tool_use_id": message.tool_call_id, "content": message.text}
        yield {**result, "is_error": True} if message.is_error else result
        return
    yield from map(dict, carried_before(message, DIALECT, model, 0))
    if message.text.strip():
        yield {"type": "text", "text": message.text}
    for at, call in enumerate(message.tool_calls):
        if at:
            yield from map(dict, carried_before(message, DIALECT, model, at))
        yield {"type": "tool_use", "id": call.id, "name": wire_name(call.name), "input": dict(call.arguments)}


def _tool(spec: ToolSpec) -> dict[str, Any]:
    # Eager: the service else holds a whole file's text back to check it, and the line is silent meanwhile. What it would have
    # checked is checked here, for every service alike.
    about = {"name": spec.name, "description": spec.description, "input_schema": dict(spec.parameters)}
    return {**about, "eager_input_streaming": True}


def _choice(request: ModelRequest) -> dict[str, Any]:
    choice: dict[str, Any] = {"type": _CHOICES[request.tool_choice]}
    if not request.parallel_tools and request.tool_choice != "none":
        choice["disable_parallel_tool_use"] = True
    return choice


@dataclass(slots=True)
class _MessagesReader:
    """Collects what the events say. Finished is proven by a stop reason."""

    model: str
    request_id: str | None
    calls: CallCollector
    reason: str | None = None
    detail: str = ""
    usage: Usage = field(default_factory=Usage)
    served_model: str | None = None
    thoughts: dict[int, dict[str, str]] = field(default_factory=dict)

    def read(self, event: RawMessageStreamEvent) -> Iterator[StreamPart]:
        match event.type:
            case "message_start":
                message = event.message
                self.served_model = message.model
                self.usage = messages_usage(message.usage.model_dump(exclude_none=True))
                yield UsageSeen(self.usage)
            case "content_block_start":
                yield from self._begin(event.index, event.content_block)
            case "content_block_delta":
                yield from self._delta(event.index, event.delta)
            case "content_block_stop":
                yield from self._stop(event.index)
            case "message_delta":
                self.reason = event.delta.stop_reason or self.reason
                self.detail = _detail(event.delta) or self.detail
                if event.usage is not None:
                    self._end_usage(event.usage.model_dump(exclude_none=True))

    def _begin(self, place: int, block: object) -> Iterator[StreamPart]:
        match getattr(block, "type", ""):
            case "tool_use":
                yield from self.calls.begin(place, getattr(block, "id", "") or "", getattr(block, "name", "") or "")
                # Compatible servers may give the whole input at once, where Anthropic gives an empty one.
                if given := getattr(block, "input", None):
                    self.calls.more(place, given if isinstance(given, str) else compact(given))
            case "thinking":
                self.thoughts[place] = {"type": "thinking", "thinking": "", "signature": ""}
            case "redacted_thinking":
                self.thoughts[place] = {"type": "redacted_thinking", "data": str(getattr(block, "data", ""))}
            case "text":
                yield from self._text(getattr(block, "text", None))

    def _delta(self, place: int, delta: object) -> Iterator[StreamPart]:
        match getattr(delta, "type", ""):
            case "text_delta":
                yield from self._text(getattr(delta, "text", None))
            case "input_json_delta":
                if self.calls.has(place):
                    self.calls.more(place, getattr(delta, "partial_json", None) or "")
            case "thinking_delta" | "signature_delta" as kind:
                name = kind.removesuffix("_delta")
                if name in (thought := self.thoughts.get(place, {})):
                    thought[name] += getattr(delta, name, None) or ""

    def _stop(self, place: int) -> Iterator[StreamPart]:
        if self.calls.has(place):
            yield from self.calls.end(place)
        if (thought := self.thoughts.pop(place, None)) and (thought.get("signature") or thought.get("data")):
            yield CarriedItem(DIALECT, self.model, self.calls.count, thought)

    @staticmethod
    def _text(text: object) -> Iterator[StreamPart]:
        if isinstance(text, str) and (kept := clean_delta(text)):
            yield TextDelta(kept)

    def _end_usage(self, raw: dict[str, Any]) -> None:
        """The final counts over those of the start: they are cumulative, and input counts may be left out."""
        merged = {**self.usage.raw, **raw}
        self.usage = replace(messages_usage(merged), raw=merged)

    def ending(self) -> Iterator[StreamPart]:
        """The calls that could not be read before, and the end."""
        known = FinishReason.UNPROVEN if self.reason is None else _REASONS.get(self.reason, FinishReason.COMPLETE)
        good = known in (FinishReason.COMPLETE, FinishReason.TOOL_USE)
        yield from self.calls.finish(cut=not good)
        if good:
            known = FinishReason.TOOL_USE if self.calls.count else FinishReason.COMPLETE
        yield Finished(
            known,
            self.usage,
            detail=one_line(self.detail or self.reason or "", 200),
            request_id=self.request_id,
            served_model=one_line(self.served_model, 120) if self.served_model else None,
        )


def _detail(delta: object) -> str:
    """The stop reason, with the category and the words of a refusal where they are given."""
    reason = str(getattr(delta, "stop_reason", None) or "")
    details = getattr(delta, "stop_details", None)
    said = [str(part) for name in ("category", "explanation") if (part := getattr(details, name, None))]
    return f"{reason}: {', '.join(said)}" if said else reason


def messages_usage(raw: dict[str, Any]) -> Usage:
    """Usage of the Messages API, whose `input_tokens` leaves out what was read from and written to the cache: added here."""
    read = raw.get("cache_read_input_tokens")
    written = raw.get("cache_creation_input_tokens")
    fresh = raw.get("input_tokens")
    thought = (raw.get("output_tokens_details") or {}).get("thinking_tokens")
    return Usage(
        input_tokens=None if fresh is None else fresh + (read or 0) + (written or 0),
        cached_tokens=read,
        cache_write_tokens=written,
        output_tokens=raw.get("output_tokens"),
        reasoning_tokens=thought,
        raw=raw,
    )
