"""A request to the scripted server as a script reads it, the same for all three wires: who is asked, what was said, called, answered."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from studio.providers.actions import GO_ON
from tests.fakes.wire_dialect import Body
from tests.fakes.wire_script import Call, Finish, Part, Step

_SPOKEN_RESULT = re.compile(r"^Result of ([\w-]+):\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Result:
    """What the program answered to a call. `name` is the tool's, found by the call's id where the wire leaves it out."""

    name: str
    text: str
    id: str = ""
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `number` counts the server's model requests from 1; `tools` are the names offered, also by an action schema."""

    api: str
    number: int
    model: str
    system: str
    user: str
    tools: tuple[str, ...]
    results: tuple[Result, ...]
    called: tuple[tuple[str, Mapping[str, object]], ...]
    schema: Mapping[str, object] | None
    body: Body

    @property
    def text(self) -> str:
        """Everything that the program said: system prompt and user messages."""
        return f"{self.system}\n\n{self.user}"

    def says(self, *words: str) -> bool:
        """Whether all these words are in the system prompt or in a user message."""
        return all(word in self.text for word in words)

    def done(self, name: str) -> int:
        """How many calls of a tool were answered without an error: how far this conversation is."""
        return sum(result.name == name and not result.is_error for result in self.results)

    @property
    def last(self) -> Result | None:
        return self.results[-1] if self.results else None


Answering = Step | Part | Sequence[Part] | None
"""A whole step, or its parts; None leaves the request to the default answer."""

Respond = Callable[[Asked], Answering | Awaitable[Answering]]


def step_of(answer: Answering) -> Step:
    """A respond function's answer as a step."""
    if answer is None or isinstance(answer, Step):
        return answer or Step()
    parts = tuple(answer) if isinstance(answer, Sequence) and not isinstance(answer, str) else (answer,)
    return Step(parts=parts)


def read_asked(path: str, body: Body, number: int, schema: Mapping[str, object] | None) -> Asked:
    """The request of a wire, told by its path below `/v1`."""
    api = path.strip("/").split("/")[0]
    turns = list(_READERS[api](body))
    names = {call_id: name for kind, call_id, name, _ in turns if kind == "call"}
    results = tuple(
        Result(names.get(call_id, ""), text, call_id, failed == "error" or text.startswith("Error:"))
        for kind, call_id, failed, text in turns
        if kind == "result"
    )
    said = {role: "\n\n".join(text for kind, _, _, text in turns if kind == role) for role in ("system", "user")}
    return Asked(
        api=api,
        number=number,
        model=str(body.get("model", "")),
        system=said["system"],
        user=said["user"],
        tools=tuple(_tool_names(body)) or action_names(schema),
        results=results or _spoken_results(turns),
        called=tuple((name, _arguments(text)) for kind, _, name, text in turns if kind == "call"),
        schema=schema,
        body=body,
    )


_Turn = tuple[str, str, str, str]  # kind, call id, name or "error", text


def _plain(content: object) -> str:
    if isinstance(content, str):
        return content
    return "\n\n".join(str(part.get("text", "")) for part in content or ())  # type: ignore[attr-defined]


def _chat(body: Body) -> Iterator[_Turn]:
    for message in body.get("messages", ()):
        role = "system" if message["role"] == "developer" else message["role"]
        if role == "tool":
            yield "result", str(message.get("tool_call_id")), "", _plain(message.get("content"))
            continue
        yield role, "", "", _plain(message.get("content"))
        for call in message.get("tool_calls") or ():
            yield "call", str(call.get("id")), call["function"]["name"], call["function"]["arguments"]


def _responses(body: Body) -> Iterator[_Turn]:
    yield "system", "", "", str(body.get("instructions") or "")
    given = body.get("input", "")
    for item in [{"role": "user", "content": given}] if isinstance(given, str) else given:
        match item.get("type", "message"):
            case "function_call":
                yield "call", item["call_id"], item["name"], item["arguments"]
            case "function_call_output":
                yield "result", item["call_id"], "", _plain(item["output"])
            case "message":
                role = "system" if item["role"] == "developer" else item["role"]
                yield role, "", "", _plain(item.get("content"))


def _messages(body: Body) -> Iterator[_Turn]:
    yield "system", "", "", _plain(body.get("system") or "")
    for message in body.get("messages", ()):
        content = message.get("content")
        for part in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            match part.get("type"):
                case "tool_use":
                    yield "call", part["id"], part["name"], json.dumps(part["input"])
                case "tool_result":
                    failed = "error" if part.get("is_error") else ""
                    yield "result", part["tool_use_id"], failed, _plain(part.get("content") or "")
                case "text":
                    yield message["role"], "", "", part["text"]


_READERS: Mapping[str, Callable[[Body], Iterator[_Turn]]] = {
    "chat": _chat,
    "responses": _responses,
    "messages": _messages,
}


def _spoken_results(turns: Sequence[_Turn]) -> tuple[Result, ...]:
    """Results that stand as plain words in user messages: how models without tools are told."""
    found: list[Result] = []
    for kind, _, _, text in turns:
        pieces = _SPOKEN_RESULT.split(text) if kind == "user" else []
        for name, result in zip(pieces[1::2], pieces[2::2], strict=True):
            found.append(Result(name, result.partition(GO_ON)[0].strip(), "", result.startswith("Error:")))
    return tuple(found)


def _tool_names(body: Body) -> Iterator[str]:
    for tool in body.get("tools") or ():
        yield str(tool.get("name") or (tool.get("function") or {}).get("name"))


def _arguments(text: str) -> Mapping[str, object]:
    found: Any = json.loads(text or "{}")
    return found if isinstance(found, dict) else {}


def action_names(schema: Mapping[str, object] | None) -> tuple[str, ...]:
    """The tools that a schema of actions lets a model without native tools choose from."""
    match schema:
        case {"properties": {"actions": {"items": {"anyOf": [*options]}}}}:
            return tuple(str(option["properties"]["tool"]["const"]) for option in options)
    return ()


def as_offered(step: Step, asked: Asked) -> Step:
    """The step in the form that the request allows: a model without tools writes its calls as one object.

    A script that calls tools where none are offered is answered with a 500 that says so.
    """
    calls = [part for part in step.parts or () if isinstance(part, Call)]
    if not calls or asked.body.get("tools"):
        return step
    if not asked.tools:
        return Step(status=500, error_message="the script calls a tool, and the request offers none")
    said = " ".join(part for part in step.parts or () if isinstance(part, str))
    actions = [f'{{"tool": {json.dumps(call.name)}, "arguments": {call.written or "{}"}}}' for call in calls]
    text = f'{{"actions": [{", ".join(actions)}]' + (f', "text": {json.dumps(said)}}}' if said else "}")
    whole = text if calls[-1].cut is None else text[: text.rindex(calls[-1].written) + calls[-1].cut]
    finish = step.finish or (Finish.STOP if calls[-1].cut is None else Finish.LENGTH)
    return replace(step, parts=(whole,), finish=finish)
