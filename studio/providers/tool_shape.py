"""A conversation with tool calls as the wires want it: each call answered, names that fit, schemas that are strict or not."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from studio.domain.tooling import BrokenCall, ToolCall
from studio.providers.base import Message, ModelRequest

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]")
_UNANSWERED = "This call was not carried out: the work was interrupted."


def sent_back(broken: BrokenCall) -> ToolCall:
    """A broken call as it stands in the conversation: its arguments were none, and the result that follows says why."""
    return ToolCall(broken.id, broken.name, {})


def wire_name(name: str) -> str:
    """A tool's name as every service takes it in a conversation: what a model made up may hold anything."""
    return _NOT_IN_A_NAME.sub("_", name)[:64] or "unknown"


def compact(value: object) -> str:
    """JSON without spaces, characters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def result_text(message: Message) -> str:
    """A tool's result for a wire that has no flag for errors."""
    if message.is_error and not message.text.lstrip().lower().startswith(("error", "refused")):
        return f"Error: {message.text}"
    return message.text


def conversation(request: ModelRequest) -> tuple[Message, ...]:
    """The request's messages as a wire takes them: paired, or in plain words when the request offers no tools.

    Services answer with a 400 to a call without its result, to a result without its call, and to either without `tools`.
    With tools, the end is marked for the cache: a loop of calls sends the same conversation again, only longer.
    """
    messages = request.messages
    if not any(message.tool_calls or message.role == "tool" for message in messages):
        return _tail_marked(messages) if request.tools else messages
    return _tail_marked(paired(messages)) if request.tools else spoken(messages)


def _tail_marked(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    if not any(message.cache for message in messages) or messages[-1].role == "assistant":
        return messages
    return (*messages[:-1], replace(messages[-1], cache=True))


def paired(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Each call followed by its result, in the order of the calls; one without a result says that it was interrupted.

    A result without a call is left out.
    """
    found: list[Message] = []
    for at, message in enumerate(messages):
        if message.role == "tool":
            continue
        found.append(message)
        if message.tool_calls:
            results = _results_after(messages, at)
            found.extend(results.get(call.id) or _interrupted(call) for call in message.tool_calls)
    return tuple(found)


def _results_after(messages: Sequence[Message], at: int) -> dict[str, Message]:
    """Results up to the next assistant message, by id."""
    results: dict[str, Message] = {}
    for message in messages[at + 1 :]:
        if message.role == "assistant":
            break
        if message.role == "tool":
            results.setdefault(message.tool_call_id, message)
    return results


def _interrupted(call: ToolCall) -> Message:
    return Message("tool", _UNANSWERED, tool_call_id=call.id, tool_name=call.name, is_error=True)


def spoken(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The conversation without calls: what was called and what came of it as plain text of the assistant and the user."""
    return tuple(_spoken(message) for message in paired(messages))


def _spoken(message: Message) -> Message:
    if message.role == "tool":
        return Message(
            "user", f"Result of {wire_name(message.tool_name)}:\n{result_text(message)}", cache=message.cache
        )
    if not message.tool_calls:
        return replace(message, carried=())
    calls = [compact({"tool": call.name, "arguments": dict(call.arguments)}) for call in message.tool_calls]
    return Message(
        message.role, "\n".join(part for part in (message.text, *calls) if part.strip()), cache=message.cache
    )


def carried_before(message: Message, dialect: str, model: str, calls: int) -> list[Mapping[str, object]]:
    """Items to send back before the call at place `calls`: the service's own of the same model, and none that ends the message."""
    if calls > 0 and calls >= len(message.tool_calls):
        return []
    return [
        item.item for item in message.carried if (item.dialect, item.model) == (dialect, model) and item.before == calls
    ]


def is_strict(schema: object) -> bool:
    """Whether a strict mode takes the schema as it means it: each object closed, each of its properties required."""
    if isinstance(schema, (list, tuple)):
        return all(is_strict(part) for part in schema)
    if not isinstance(schema, Mapping):
        return True
    kinds = schema.get("type")
    if kinds == "object" or (isinstance(kinds, (list, tuple)) and "object" in kinds):
        properties, required = schema.get("properties"), schema.get("required") or ()
        if not isinstance(properties, Mapping) or not isinstance(required, (list, tuple)):
            return False
        if set(properties) != set(required) or schema.get("additionalProperties") not in (None, False):
            return False
        return all(is_strict(part) for part in properties.values())
    return all(is_strict(part) for name, part in schema.items() if name not in ("enum", "const", "default", "examples"))
