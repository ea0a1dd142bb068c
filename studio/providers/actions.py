"""Tools for models that have none: the calls are asked for as one JSON object by a schema, and read out of it as it arrives.

An answer is `{"actions": [{"tool": <name>, "arguments": {...}}, ...]}`. Measured with qwen2.5-coder-1.5b, six runs over two small
tasks each: a list of up to four actions ended 6 of 6 tasks with 15 calls, one `{"tool", "arguments"}` object an answer 5 of 6 with
26, the sixth asking for the same impossible edit up to its limit. Without the words after the results (`GO_ON`) a run wrote the same
two files eight times. With the choice of a text 3 of 4 ended by the tool for it and one by a text, so `required` is the better wish
for a small model. The text of the object never leaves this module.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import TYPE_CHECKING, cast

from studio.domain.text import clean
from studio.domain.tooling import ToolSpec
from studio.providers.base import (
    Finished,
    FinishReason,
    JsonSchema,
    Message,
    ModelProfile,
    ModelRequest,
    Provider,
    StreamPart,
    TextDelta,
)
from studio.providers.json_scan import ActionScanner, Found
from studio.providers.tool_calls import CallCollector, ids_in
from studio.providers.tool_shape import compact, paired, result_text, wire_name

if TYPE_CHECKING:
    from studio.domain.tooling import ToolCall

ACTIONS_PER_ANSWER = 4
_FORM = '{"actions": [{"tool": "<name>", "arguments": {...}}]}'
GO_ON = "Do not repeat what is done. What is still missing? If nothing is, end the work."
_GOOD = (FinishReason.COMPLETE, FinishReason.TOOL_USE)


async def stream_with_tools(
    provider: Provider, request: ModelRequest, profile: ModelProfile
) -> AsyncGenerator[StreamPart, None]:
    """The provider's stream, with calls however the model makes them: natively, or by a schema of actions.

    Raises what the provider's stream raises; a call that was begun came as `ToolCallStarted` before.
    """
    native = not request.tools or profile.tool_mode == "native"
    if native or request.tool_choice == "none":
        plain = request if native else replace(request, tools=())
        async with aclosing(cast("AsyncGenerator[StreamPart, None]", provider.stream(plain))) as parts:
            async for part in parts:
                yield part
        return
    reader = _ActionReader(CallCollector(ids_in(request.messages)))
    asked = cast("AsyncGenerator[StreamPart, None]", provider.stream(as_actions(request, profile)))
    async with aclosing(asked) as parts:
        async for part in parts:
            match part:
                case TextDelta(text):
                    for found in reader.read(text):
                        yield found
                case Finished():
                    for found in reader.ending(part):
                        yield found
                case _:
                    yield part


class ActingProvider:
    """A provider whose streams carry calls whatever its model can do: `stream_with_tools` in a provider's clothes, for the retry."""

    def __init__(self, provider: Provider, profile: ModelProfile) -> None:
        self.name = provider.name
        self.provider, self.profile = provider, profile

    def stream(self, request: ModelRequest) -> AsyncIterator[StreamPart]:
        return stream_with_tools(self.provider, request, self.profile)

    async def list_models(self) -> list[str]:
        return await self.provider.list_models()

    async def count_tokens(self, request: ModelRequest) -> int | None:
        by_schema = request.tools and self.profile.tool_mode != "native" and request.tool_choice != "none"
        return await self.provider.count_tokens(as_actions(request, self.profile) if by_schema else request)

    async def aclose(self) -> None:
        await self.provider.aclose()


def as_actions(request: ModelRequest, profile: ModelProfile) -> ModelRequest:
    """The request without tools: their description in the system prompt, earlier calls in the form of answers, a schema."""
    schema = JsonSchema("actions", actions_schema(request))
    told = _told(request, None if profile.structured == "json_schema" else schema)
    messages = list(_plainly(paired(request.messages)))
    leading = sum(1 for _ in takewhile(lambda message: message.role == "system", messages))
    messages.insert(leading, Message("system", told, cache=any(message.cache for message in messages)))
    return replace(request, messages=tuple(messages), tools=(), json_schema=schema)


def actions_schema(request: ModelRequest) -> Mapping[str, object]:
    """The schema of an answer. With `auto` there may be no action but a text, which comes last."""
    free = request.tool_choice == "auto"
    many = ACTIONS_PER_ANSWER if request.parallel_tools else 1
    options = [
        _object({"tool": {"const": spec.name}, "arguments": dict(spec.parameters)}, names=("tool", "arguments"))
        for spec in request.tools
    ]
    actions: dict[str, object] = {
        "type": "array",
        "items": {"anyOf": options},
        "minItems": 0 if free else 1,
        "maxItems": many,
    }
    properties: dict[str, object] = {"actions": actions}
    if free:
        properties["text"] = {"type": "string"}
    return _object(properties, names=tuple(properties))


def _object(properties: Mapping[str, object], names: Sequence[str]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(names),
        "additionalProperties": False,
    }


def _told(request: ModelRequest, schema: JsonSchema | None) -> str:
    """What the model is told of its tools, in as few words as do: small models lose the task behind long ones."""
    lines = ["Act by calling tools:", *(_line(spec) for spec in request.tools)]
    lines.append(f"Answer with one JSON object: {_FORM}. You get the result of each call, and go on until all is done.")
    if request.tool_choice == "auto":
        lines.append('To say something without calling a tool, leave "actions" empty and write it in "text".')
    if schema is not None:
        lines.append(f"The object fits this JSON Schema, with nothing before or after it: {compact(schema.schema)}")
    return "\n".join(lines)


def _line(spec: ToolSpec) -> str:
    properties = spec.parameters.get("properties")
    names = ", ".join(properties) if isinstance(properties, Mapping) else ""
    return f"- {spec.name}({names}): {' '.join(spec.description.split())}"


def _plainly(messages: Sequence[Message]) -> Iterator[Message]:
    for message, after in zip(messages, (*messages[1:], None), strict=True):
        if message.role != "tool":
            yield _plain(message)
            continue
        text = f"Result of {wire_name(message.tool_name)}:\n{result_text(message)}"
        last = after is None or after.role != "tool"
        yield Message("user", f"{text}\n\n{GO_ON}" if last else text, cache=message.cache)


def _plain(message: Message) -> Message:
    if not message.tool_calls:
        return replace(message, carried=())
    return Message("assistant", _answer(message.text, message.tool_calls), cache=message.cache)


def _answer(text: str, calls: Sequence[ToolCall]) -> str:
    actions = [{"tool": wire_name(call.name), "arguments": dict(call.arguments)} for call in calls]
    return json.dumps({"actions": actions, "text": text} if text.strip() else {"actions": actions}, ensure_ascii=False)


@dataclass(slots=True)
class _ActionReader:
    """Calls out of the pieces of one answer. Nothing of its text is passed on before it is known to be words for a person."""

    calls: CallCollector
    scanner: ActionScanner = field(default_factory=ActionScanner)

    def read(self, text: str) -> Iterator[StreamPart]:
        yield from self._take(self.scanner.feed(text))

    def _take(self, news: Iterable[Found]) -> Iterator[StreamPart]:
        for found in news:
            if not self.calls.has(found.place):
                yield from self.calls.begin(found.place)
            if found.name:
                yield from self.calls.named(found.place, found.name)
            if found.arguments is not None:
                self.calls.more(found.place, found.arguments)
            if found.closed:
                yield from self.calls.end(found.place)

    def ending(self, end: Finished) -> Iterator[StreamPart]:
        yield from self._take(self.scanner.rest())
        text = self.scanner.words()
        if not self.calls.count and text is None and self.scanner.object_begun:
            # An object that names no tool and holds no words: nothing of it is for a person.
            yield from self.calls.begin(0)
            self.calls.more(0, self.scanner.raw)
        if text and (kept := clean(text)):
            yield TextDelta(kept)
        yield from self.calls.finish(cut=end.reason not in _GOOD)
        if end.reason in _GOOD:
            end = replace(end, reason=FinishReason.TOOL_USE if self.calls.count else FinishReason.COMPLETE)
        yield end
