"""The Responses API of api.openai.com. Compatible servers get Chat Completions instead: llama.cpp's events lack fields."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from studio.domain.errors import ProviderError
from studio.domain.run import Usage
from studio.domain.text import clean_delta, one_line
from studio.domain.tooling import ToolCall, ToolSpec
from studio.providers.base import (
    CarriedItem,
    Finished,
    FinishReason,
    Message,
    ModelProfile,
    ModelRequest,
    StreamPart,
    TextDelta,
)
from studio.providers.classify import CallSite, classify, error_in_body, from_fault
from studio.providers.connection import Connection, request_id, require_stream
from studio.providers.openai_client import OpenAIClients
from studio.providers.prompt_shape import Turn, breakpoint_places, strict_schema, turns
from studio.providers.tool_calls import CallCollector, ids_in
from studio.providers.tool_shape import carried_before, compact, conversation, is_strict, result_text, wire_name

if TYPE_CHECKING:
    from openai.types.responses import (
        Response,
        ResponseOutputItemAddedEvent,
        ResponseOutputItemDoneEvent,
        ResponseStreamEvent,
    )

DIALECT = "responses"

_INCOMPLETE = {"max_output_tokens": FinishReason.LENGTH, "content_filter": FinishReason.FILTERED}


class OpenAIResponses:
    """A Provider over the Responses API. Nothing is stored at the service (`store=False`)."""

    def __init__(self, connection: Connection) -> None:
        self.name = connection.name
        self._connection = connection
        self._clients = OpenAIClients(connection)

    def prepare(self) -> None:
        """Import the SDK and build the client; may be called from a thread before the first use."""
        _ = self._clients.base().responses  # imported by the SDK when it is looked at

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamPart, None]:
        key = await self._connection.current_key()
        site = self._connection.site(request.model, key)
        try:
            client = self._clients.with_key(key, request.user_agent_note)
            async with await client.responses.create(**self.body(request), stream=True) as stream:
                await require_stream(stream.response, site)
                calls = CallCollector(ids_in(request.messages))
                reader = _ResponsesReader(site, request.model, request_id(stream.response), calls)
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
        return await self._clients.list_models()

    async def count_tokens(self, request: ModelRequest) -> int | None:
        key = await self._connection.current_key()
        site = self._connection.site(request.model, key)
        body = self.body(request)
        try:
            counter = self._clients.with_key(key).responses.input_tokens
            kept = {name: body[name] for name in ("model", "input", "text", "tools", "tool_choice") if name in body}
            return (await counter.count(**kept)).input_tokens
        except Exception as error:
            raise classify(error, site) from error

    async def aclose(self) -> None:
        await self._clients.aclose()

    def body(self, request: ModelRequest) -> dict[str, Any]:
        """The request's arguments for the SDK, without `stream`."""
        profile = self._connection.profile(request.model)
        messages = conversation(request)
        marked = breakpoint_places(messages) if profile.cache_marks == "breakpoint" else frozenset[int]()
        body: dict[str, Any] = {
            "model": request.model,
            "input": [item for turn in turns(messages, marked) for item in _items(turn, request.model)],
            "max_output_tokens": request.max_output_tokens + profile.reasoning_reserve,
            "store": False,
        }
        if profile.supports_temperature:
            wishes = (("temperature", request.sampling.temperature), ("top_p", request.sampling.top_p))
            body |= {name: value for name, value in wishes if value is not None}
        if request.cache_key:
            body["prompt_cache_key"] = request.cache_key
        if marked:
            # Without this the changing end of the prompt would be written to the cache too, at 1.25 times its price.
            body["prompt_cache_options"] = {"mode": "explicit"}
        if request.tools:
            body |= {"tools": [_tool(spec) for spec in request.tools], "tool_choice": request.tool_choice}
        if request.tools and not request.parallel_tools:
            body["parallel_tool_calls"] = False
        return body | _format(request, profile)


def _items(turn: Turn, model: str) -> list[dict[str, Any]]:
    """The wire's items for a turn: a message, or an assistant's reasoning, text and calls, or results."""
    if turn.role == "tool":
        return [_output(message, marked=at in turn.marks) for at, message in enumerate(turn.messages)]
    if turn.role == "assistant":
        return [item for message in turn.messages for item in _assistant(message, model)]
    parts = [_text(message.text, marked=at in turn.marks) for at, message in enumerate(turn.messages)]
    return [{"type": "message", "role": turn.role, "content": parts}]


def _assistant(message: Message, model: str) -> Iterator[dict[str, Any]]:
    yield from map(dict, carried_before(message, DIALECT, model, 0))
    if message.text.strip():
        content = [{"type": "output_text", "text": message.text}]
        yield {"type": "message", "role": "assistant", "content": content}
    for at, call in enumerate(message.tool_calls):
        if at:
            yield from map(dict, carried_before(message, DIALECT, model, at))
        yield _call(call)


def _call(call: ToolCall) -> dict[str, Any]:
    # Without the service's own item id, which it would look up among stored items.
    arguments = compact(dict(call.arguments))
    return {"type": "function_call", "call_id": call.id, "name": wire_name(call.name), "arguments": arguments}


def _output(message: Message, *, marked: bool) -> dict[str, Any]:
    text = result_text(message)
    output = [_text(text, marked=True)] if marked else text
    return {"type": "function_call_output", "call_id": message.tool_call_id, "output": output}


def _text(text: str, *, marked: bool) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "input_text", "text": text}
    return {**part, "prompt_cache_breakpoint": {"mode": "explicit"}} if marked else part


def _tool(spec: ToolSpec) -> dict[str, Any]:
    strict = is_strict(spec.parameters)
    parameters = strict_schema(spec.parameters) if strict else dict(spec.parameters)
    about = {"type": "function", "name": spec.name, "description": spec.description}
    return {**about, "parameters": parameters, "strict": strict}


def _format(request: ModelRequest, profile: ModelProfile) -> dict[str, Any]:
    if request.json_schema is None or profile.structured == "prompt":
        return {}
    if profile.structured == "json_object":
        return {"text": {"format": {"type": "json_object"}}}
    schema = strict_schema(request.json_schema.schema)
    return {
        "text": {"format": {"type": "json_schema", "name": request.json_schema.name, "schema": schema, "strict": True}}
    }


@dataclass(slots=True)
class _ResponsesReader:
    """Collects what the events say. Finished is proven by `response.completed` or `response.incomplete` alone."""

    site: CallSite
    model: str
    request_id: str | None
    calls: CallCollector
    reason: FinishReason = FinishReason.UNPROVEN
    detail: str = ""
    refused: bool = False
    usage: Usage = field(default_factory=Usage)
    served_model: str | None = None

    def read(self, event: ResponseStreamEvent) -> Iterator[StreamPart]:
        match event.type:
            case "response.output_text.delta" | "response.refusal.delta":
                self.refused = self.refused or event.type == "response.refusal.delta"
                if kept := clean_delta(str(getattr(event, "delta", ""))):
                    yield TextDelta(kept)
            case "response.output_item.added" | "response.output_item.done":
                yield from self._item(event)
            case "response.function_call_arguments.delta":
                if self.calls.has(event.output_index):
                    self.calls.more(event.output_index, event.delta or "")
            case "response.function_call_arguments.done":
                if self.calls.has(event.output_index):
                    yield from self.calls.end(event.output_index, event.arguments)
            case "response.completed" | "response.incomplete":
                self._end(getattr(event, "response", None), event.type)
            case "response.failed":
                self._fail(getattr(getattr(event, "response", None), "error", None))
            case "error":
                self._fail(event)

    def _item(self, event: ResponseOutputItemAddedEvent | ResponseOutputItemDoneEvent) -> Iterator[StreamPart]:
        """An output item begins or ends. A call counts by its place; reasoning is carried once it is whole."""
        item, place, done = event.item, event.output_index, event.type == "response.output_item.done"
        if item.type == "function_call":
            if not self.calls.has(place):
                yield from self.calls.begin(place, item.call_id or "", item.name or "")
            # An item that the service itself calls incomplete waits for the end, which says that it was cut.
            if done and item.status != "incomplete":
                yield from self.calls.end(place, item.arguments)
        elif item.type == "reasoning" and done and item.encrypted_content:
            kept = item.model_dump(include={"id", "type", "summary", "encrypted_content"}, exclude_none=True)
            yield CarriedItem(DIALECT, self.model, self.calls.count, kept)

    def _end(self, response: Response | None, kind: str) -> None:
        self.detail = kind.removeprefix("response.")
        if response is None:
            return
        self.served_model = response.model
        if response.usage is not None:
            self.usage = responses_usage(response.usage.model_dump(exclude_none=True))
        self.reason = FinishReason.COMPLETE
        if kind == "response.incomplete":
            why = response.incomplete_details.reason if response.incomplete_details else None
            self.detail = str(why or self.detail)
            self.reason = _INCOMPLETE.get(self.detail, FinishReason.UNPROVEN)
        elif self.refused:
            self.reason = FinishReason.REFUSAL
        elif self.calls.count:
            self.reason = FinishReason.TOOL_USE

    def _fail(self, error: object) -> None:
        words = {"message": getattr(error, "message", None), "code": getattr(error, "code", None)}
        kind, said = error_in_body(words) or ("", "no reason given")
        raise from_fault(200, kind, said, self.site)

    def ending(self) -> Iterator[StreamPart]:
        """The calls that no event completed, and the end."""
        yield from self.calls.finish(cut=self.reason not in (FinishReason.COMPLETE, FinishReason.TOOL_USE))
        yield Finished(
            self.reason,
            self.usage,
            detail=one_line(self.detail, 60),
            request_id=self.request_id,
            served_model=one_line(self.served_model, 120) if self.served_model else None,
        )


def responses_usage(raw: dict[str, Any]) -> Usage:
    """Usage of the Responses API. `input_tokens` includes cached tokens."""
    given = raw.get("input_tokens_details") or {}
    taken = raw.get("output_tokens_details") or {}
    return Usage(
        input_tokens=raw.get("input_tokens"),
        cached_tokens=given.get("cached_tokens"),
        cache_write_tokens=given.get("cache_write_tokens"),
        output_tokens=raw.get("output_tokens"),
        reasoning_tokens=taken.get("reasoning_tokens"),
        raw=raw,
    )
