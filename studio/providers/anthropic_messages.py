"""Anthropic's Messages API: content blocks with cache breakpoints, usage told at the start, no sampling settings (SDK 2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from studio.domain.errors import BadReply, ProviderError
from studio.domain.run import Usage
from studio.domain.text import clean_delta, one_line
from studio.providers.base import Finished, FinishReason, ModelRequest, StreamPart, TextDelta, UsageSeen
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

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamPart, None]:
        key = await self._connection.current_key()
        site = self._connection.site(request.model, key)
        try:
            client = self._with_key(key, request.user_agent_note)
            async with await client.messages.create(**self.body(request), stream=True) as stream:
                await require_stream(stream.response, site)
                reader = _MessagesReader(request_id(stream.response))
                async for event in stream:
                    for part in reader.read(event):
                        yield part
                    # The SDK does not yield to the loop while bytes are buffered.
                    await asyncio.sleep(0)
                yield reader.finished()
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
        ordered = sorted(request.messages, key=lambda message: message.role != "system")
        marked = cache_control_places(ordered) if profile.cache_marks == "cache_control" else frozenset[int]()
        body: dict[str, Any] = {
            "model": request.model,
            "max_tokens": request.max_output_tokens + profile.reasoning_reserve,
            "messages": [],
        }
        for turn in turns(ordered, marked):
            if turn.role == "system":
                body["system"] = _blocks(turn)
            else:
                body["messages"].append({"role": turn.role, "content": _blocks(turn)})
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


_COUNTED = ("model", "messages", "system", "output_config")


def _blocks(turn: Turn) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    for at, message in enumerate(turn.messages):
        block: dict[str, Any] = {"type": "text", "text": message.text}
        blocks.append({**block, "cache_control": {"type": "ephemeral"}} if at in turn.marks else block)
    return blocks


@dataclass(slots=True)
class _MessagesReader:
    """Collects what the events say. Finished is proven by a stop reason."""

    request_id: str | None
    reason: str | None = None
    detail: str = ""
    usage: Usage = field(default_factory=Usage)
    served_model: str | None = None

    def read(self, event: RawMessageStreamEvent) -> Iterator[StreamPart]:
        match event.type:
            case "message_start":
                message = event.message
                self.served_model = message.model
                self.usage = messages_usage(message.usage.model_dump(exclude_none=True))
                yield UsageSeen(self.usage)
            case "content_block_delta":
                text = getattr(event.delta, "text", None)
                if isinstance(text, str) and (kept := clean_delta(text)):
                    yield TextDelta(kept)
            case "message_delta":
                self.reason = event.delta.stop_reason or self.reason
                self.detail = _detail(event.delta) or self.detail
                if event.usage is not None:
                    self._end_usage(event.usage.model_dump(exclude_none=True))

    def _end_usage(self, raw: dict[str, Any]) -> None:
        """The final counts over those of the start: they are cumulative, and input counts may be left out."""
        merged = {**self.usage.raw, **raw}
        self.usage = replace(messages_usage(merged), raw=merged)

    def finished(self) -> Finished:
        known = FinishReason.UNPROVEN if self.reason is None else _REASONS.get(self.reason, FinishReason.COMPLETE)
        return Finished(
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
