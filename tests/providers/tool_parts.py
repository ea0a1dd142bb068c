"""Tools, requests that offer them, and what a stream of parts says about calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from studio.domain.tooling import BrokenCall, ToolCall, ToolSpec
from studio.providers.base import (
    CarriedItem,
    Finished,
    Message,
    ModelRequest,
    StreamPart,
    ToolCallBroken,
    ToolCallReady,
    ToolCallStarted,
)
from studio.providers.tool_shape import sent_back
from tests.providers.conftest import asking, text_of


def closed(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


CREATE = ToolSpec(
    "create_file",
    "Write a new file.",
    closed(path={"type": "string", "maxLength": 200}, content={"type": "string"}),
    writes=True,
)
LIST = ToolSpec("list_files", "List the files.", closed())
SEARCH = ToolSpec(
    "search",
    "Search.",
    {"type": "object", "properties": {"text": {"type": "string"}, "limit": {"type": "integer"}}, "required": ["text"]},
)
TOOLS = (CREATE, LIST, SEARCH)


PAGE = {"path": "index.html", "content": "<p>Zoë said “ναί”</p>\n"}


def with_tools(api: str, *turns: Message, **options: Any) -> ModelRequest:
    messages = (Message("system", "You write code.", cache=True), Message("user", "A counter."), *turns)
    return asking(api, messages=messages, tools=TOOLS, **options)


def ready(parts: Sequence[StreamPart]) -> list[ToolCall]:
    """Calls in the order in which they were made: one is ready as soon as it is whole."""
    found = [part for part in parts if isinstance(part, ToolCallReady)]
    return [part.call for part in sorted(found, key=lambda part: part.index)]


def broken(parts: Sequence[StreamPart]) -> list[BrokenCall]:
    return [part.call for part in parts if isinstance(part, ToolCallBroken)]


def started(parts: Sequence[StreamPart]) -> list[tuple[int, str]]:
    return [(part.index, part.name) for part in parts if isinstance(part, ToolCallStarted)]


def end_of(parts: Sequence[StreamPart]) -> Finished:
    assert isinstance(parts[-1], Finished)
    return parts[-1]


def result(call_id: str, name: str, text: str, **options: Any) -> Message:
    return Message("tool", text, tool_call_id=call_id, tool_name=name, **options)


def round_trip(parts: list[StreamPart]) -> Message:
    """The assistant's message that an answer becomes."""
    seen = [part for part in parts if isinstance(part, ToolCallReady | ToolCallBroken)]
    made = sorted(seen, key=lambda part: part.index)
    calls = [part.call if isinstance(part, ToolCallReady) else sent_back(part.call) for part in made]
    carried = tuple(part for part in parts if isinstance(part, CarriedItem))
    return Message("assistant", text_of(parts), tool_calls=tuple(calls), carried=carried)
