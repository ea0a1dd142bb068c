"""What the services answer with a 400, about tools: calls without results, results without calls, names, ids and schemas."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from tests.fakes.wire_dialect import Body

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ANTHROPIC_ID = re.compile(r"[a-zA-Z0-9_-]+")
_NO_BOUNDS = ("minLength", "maxLength", "minItems", "maxItems", "pattern")


def broken_rule(path: str, body: Any) -> str | None:
    """The words of the 400 that the service of this path would answer to the request; None for a good one."""
    if not isinstance(body, Mapping):
        return "the body is not a JSON object"
    return next(_RULES[path](body), None)


def _chat(body: Body) -> Iterator[str]:
    tools = [tool.get("function") or {} for tool in body.get("tools") or ()]
    yield from _tools(body, tools, "parameters")
    open_ids: list[str] = []
    for at, message in enumerate(body.get("messages") or ()):
        role, calls = message.get("role"), message.get("tool_calls") or ()
        if role == "tool":
            if message.get("tool_call_id") not in open_ids:
                yield f"messages.[{at}].role: 'tool' must be a response to a preceding message with 'tool_calls'"
                return
            open_ids.remove(message["tool_call_id"])
            continue
        if open_ids:
            yield f"tool_call_ids did not have response messages: {', '.join(open_ids)}"
        if message.get("content") is None and not calls:
            yield f"messages.[{at}].content: expected a string, got null"
        open_ids = [call["id"] for call in calls]
        yield from _calls(calls)
    if open_ids:
        yield f"tool_call_ids did not have response messages: {', '.join(open_ids)}"


def _calls(calls: Iterable[Body]) -> Iterator[str]:
    for call in calls:
        if not 0 < len(call["id"]) <= 40:
            yield f"tool_calls.id: string of length 1 to 40 expected, got {len(call['id'])}"
        yield from _function(call["function"]["name"], call["function"]["arguments"])


def _function(name: str, arguments: object) -> Iterator[str]:
    if not _NAME.fullmatch(name):
        yield f"function.name: {name!r} does not match '^[a-zA-Z0-9_-]+$'"
    if not isinstance(arguments, str):
        yield "function.arguments: expected a string"


def _responses(body: Body) -> Iterator[str]:
    yield from _tools(body, body.get("tools") or (), "parameters")
    given = body.get("input")
    items: Sequence[Body] = given if isinstance(given, list) else ()
    answered = {item["call_id"] for item in items if item.get("type") == "function_call_output"}
    called: set[str] = set()
    for item, after in zip(items, [*items[1:], {}], strict=True):
        match item.get("type", "message"):
            case "function_call":
                called.add(item["call_id"])
                yield from _function(item["name"], item["arguments"])
                if item["call_id"] not in answered:
                    yield f"No tool output found for function call {item['call_id']}."
            case "function_call_output" if item["call_id"] not in called:
                yield f"No tool call found for function call output with call_id {item['call_id']}."
            case "reasoning" if after.get("type") not in ("function_call", "reasoning") and (
                after.get("role") != "assistant"
            ):
                yield f"Item '{item['id']}' of type 'reasoning' was provided without its required following item."
            case "message":
                yield from _texts(item)


def _texts(item: Body) -> Iterator[str]:
    wanted = "output_text" if item["role"] == "assistant" else "input_text"
    content = item.get("content")
    for part in content if isinstance(content, list) else ():
        if part["type"] not in (wanted, "refusal"):
            yield f"Invalid value: '{part['type']}'. Supported values are: '{wanted}'."


def _messages(body: Body) -> Iterator[str]:
    yield from _tools(body, body.get("tools") or (), "input_schema")
    if "max_tokens" not in body:
        yield "max_tokens: Field required"
    messages = body.get("messages") or ()
    seen: set[str] = set()
    before: list[str] = []
    for at, message in enumerate(messages):
        blocks = message["content"] if isinstance(message["content"], list) else ()
        yield from _results(at, message["role"], blocks, before)
        before = []
        for block in blocks:
            yield from _block(at, message["role"], block, body)
            if block["type"] == "tool_use":
                before.append(block["id"])
        if seen & {*before} or len({*before}) != len(before):
            yield f"messages.{at}.content: `tool_use` ids must be unique"
        seen |= {*before}
    if before:
        yield f"messages.{len(messages) - 1}: `tool_use` ids were found without `tool_result` blocks immediately after"


def _results(at: int, role: str, blocks: Sequence[Body], asked: Sequence[str]) -> Iterator[str]:
    given = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
    if any(one not in asked for one in given):
        yield f"messages.{at}: unexpected `tool_use_id` found in `tool_result` blocks: {', '.join(given)}"
    if missing := [one for one in asked if one not in given]:
        words = "`tool_use` ids were found without `tool_result` blocks immediately after"
        yield f"messages.{at}: {words}: {', '.join(missing)}"
    kinds = [block["type"] == "tool_result" for block in blocks]
    if kinds != sorted(kinds, reverse=True):
        yield f"messages.{at}: `tool_result` blocks must come first"
    if given and role != "user":
        yield f"messages.{at}: `tool_result` blocks can only be in `user` messages"


def _block(at: int, role: str, block: Body, body: Body) -> Iterator[str]:
    match block["type"]:
        case "text" if not block["text"].strip():
            yield f"messages.{at}: text content blocks must be non-empty"
        case "tool_use":
            if role != "assistant":
                yield f"messages.{at}: `tool_use` blocks can only be in `assistant` messages"
            if not _ANTHROPIC_ID.fullmatch(block["id"]):
                yield f"messages.{at}: tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
            if not _NAME.fullmatch(block["name"]):
                yield f"messages.{at}: tool_use.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
            if not isinstance(block["input"], Mapping):
                yield f"messages.{at}: tool_use.input: Input should be a valid dictionary"
            if not body.get("tools"):
                yield "Requests which include `tool_use` or `tool_result` blocks must define tools."
        case "thinking" if block["signature"] != _seal(block["thinking"]):
            yield f"messages.{at}: Invalid `signature` in `thinking` block"


def _seal(thought: str) -> str:
    from tests.fakes.wire_messages import seal

    return seal(thought)


def _tools(body: Body, tools: Sequence[Body], schema_name: str) -> Iterator[str]:
    names = [str(tool.get("name", "")) for tool in tools]
    if not names and ("tool_choice" in body or "parallel_tool_calls" in body):
        yield "tool_choice and parallel_tool_calls are only allowed when tools are specified"
    if len({*names}) != len(names):
        yield "tools: Tool names must be unique."
    for name, tool in zip(names, tools, strict=True):
        schema = tool.get(schema_name)
        if not _NAME.fullmatch(name):
            yield f"tools: name {name!r} does not match '^[a-zA-Z0-9_-]{{1,64}}$'"
        if not isinstance(schema, Mapping) or schema.get("type") != "object":
            yield f"tools: schema of {name!r} must have type 'object'"
        elif tool.get("strict"):
            yield from _strict(name, schema)


def _strict(name: str, schema: Mapping[str, object]) -> Iterator[str]:
    """The strict mode's demands: closed objects, each property required, no bounds."""
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            yield f"Invalid schema for function '{name}': 'additionalProperties' is required to be supplied and to be false."
        if sorted(schema.get("required") or ()) != sorted(schema.get("properties") or ()):  # type: ignore[call-overload]
            yield f"Invalid schema for function '{name}': 'required' has to include every key in properties."
    if bound := next((word for word in _NO_BOUNDS if f'"{word}":' in json.dumps(schema)), None):
        yield f"Invalid schema for function '{name}': '{bound}' is not permitted."


_RULES: Mapping[str, Callable[[Body], Iterator[str]]] = {
    "/chat/completions": _chat,
    "/responses": _responses,
    "/messages": _messages,
}
