"""What every provider offers: a request, a stream of parts, and what a model can do. No SDK is imported here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

from studio.domain.errors import ProviderError
from studio.domain.run import Usage
from studio.domain.tooling import BrokenCall, ToolCall, ToolSpec

Role = Literal["system", "user", "assistant", "tool"]
ToolChoice = Literal["auto", "required", "none"]


@dataclass(frozen=True, slots=True)
class CarriedItem:
    """A piece of an answer that its service wants back unchanged with the next request (sealed reasoning). Never shown, never read.

    `dialect` and `model` say who may have it back; `before` counts the answer's tool calls that came earlier.
    """

    dialect: str
    model: str
    before: int
    item: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Message:
    """One prompt message. `cache` marks the end of a prefix that later requests share (a cache breakpoint where the wire has one).

    An assistant message may hold the calls it made, which come after its text, and what its answer gave to carry. Each call is
    answered by a message of role `tool` with the call's id and name, after it and before anything else; `text` is the result
    and `is_error` says that the call did not do what was asked.
    """

    role: Role
    text: str
    cache: bool = False
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    tool_name: str = ""
    is_error: bool = False
    carried: tuple[CarriedItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampling wishes; None leaves the provider's default. A provider drops what its model does not take."""

    temperature: float | None = None
    top_p: float | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JsonSchema:
    """A JSON Schema (draft 2020-12, the strict subset) that the answer must fit."""

    name: str
    schema: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call. `model` is the provider's own model name; `cache_key` is stable per project so that routers keep a warm cache.

    `tools` are sent as they are and natively; `actions.stream_with_tools` asks models without tools by a JSON schema instead.
    """

    model: str
    messages: tuple[Message, ...]
    max_output_tokens: int
    sampling: Sampling = field(default_factory=Sampling)
    json_schema: JsonSchema | None = None
    cache_key: str | None = None
    user_agent_note: str = ""
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: ToolChoice = "auto"
    parallel_tools: bool = True


class FinishReason(StrEnum):
    """Why a provider says it stopped. A stream that ends without one is `UNPROVEN`: it may be cut."""

    COMPLETE = "complete"
    LENGTH = "length"
    REFUSAL = "refusal"
    FILTERED = "filtered"
    TOOL_USE = "tool_use"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class TextDelta:
    """Text as it arrives, already clean of control characters (`domain.text.clean`)."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallStarted:
    """The model has begun a call. `index` counts the answer's calls from 0. Its arguments are not shown before they are whole."""

    index: int
    name: str


@dataclass(frozen=True, slots=True)
class ToolCallReady:
    """A whole call whose arguments were decoded to a JSON object. Its id is unique in the conversation.

    Calls become ready as they are whole; in the next request they stand in the order of `index`.
    """

    index: int
    call: ToolCall


@dataclass(frozen=True, slots=True)
class ToolCallBroken:
    """A call that cannot be carried out. `tool_shape.sent_back` makes the call that stands for it in the next request."""

    index: int
    call: BrokenCall


@dataclass(frozen=True, slots=True)
class UsageSeen:
    """Counts known before the end (Anthropic's input tokens); kept in case the stream breaks."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class Finished:
    """Always the last part of a stream that did not raise. `detail` is the provider's own word; `request_id` is its id for support."""

    reason: FinishReason
    usage: Usage
    detail: str = ""
    request_id: str | None = None
    served_model: str | None = None


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    number: int


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """A try that failed before the first token. `wait_seconds` is None when it will not be tried again."""

    number: int
    error: ProviderError
    wait_seconds: float | None
    elapsed_ms: float


ToolPart = ToolCallStarted | ToolCallReady | ToolCallBroken
StreamPart = TextDelta | ToolPart | CarriedItem | UsageSeen | Finished
AttemptPart = AttemptStarted | AttemptFailed | StreamPart


class Provider(Protocol):
    """One service with one set of credentials. Streams raise only `ProviderError` (and CancelledError)."""

    name: str

    def stream(self, request: ModelRequest) -> AsyncIterator[StreamPart]:
        """Stream one answer; exactly one request on the wire, no retry inside. Close the iterator to hang up."""
        ...

    async def list_models(self) -> list[str]:
        """Model names that the service offers now; raises ProviderError."""
        ...

    async def count_tokens(self, request: ModelRequest) -> int | None:
        """Exact input tokens where the service counts for free, else None. Never generates."""
        ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ModelProfile:
    """What a model can do and how it likes to be asked. `template_variant` picks `<stage>.<variant>.md.j2` where it exists."""

    context_tokens: int = 128_000
    max_output_tokens: int = 8_192
    structured: Literal["json_schema", "json_object", "prompt"] = "json_schema"
    tool_mode: Literal["native", "json_schema"] = "native"
    supports_temperature: bool = True
    template_variant: str | None = None
    sampling: Mapping[str, Sampling] = field(default_factory=dict)  # by run kind: draft, revise
    local: bool = False
    label: str | None = None  # "local 1.5B - draft quality"
    # How a shared prefix is marked on the wire: Anthropic's `cache_control`, OpenAI's `prompt_cache_breakpoint` (gpt-5.6 and later).
    cache_marks: Literal["none", "cache_control", "breakpoint"] = "none"
    # Output tokens asked for on top of `max_output_tokens`: a model that thinks first pays for its thoughts from the same limit.
    reasoning_reserve: int = 0


@dataclass(frozen=True, slots=True)
class ModelRef:
    """`provider:model`, resolved. `str()` gives that form back."""

    provider: str
    model: str

    def __str__(self) -> str:
        return f"{self.provider}:{self.model}"
