"""What the three wire APIs have in common on the server's side: an answer, its frames, and how a prompt is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tests.fakes.wire_cache import Block, Count, PromptCache, token_count
from tests.fakes.wire_plan import Kind, Piece, Section
from tests.fakes.wire_script import Finish, Step, dumps

Body = Mapping[str, Any]
_EXACT_MARKS = re.compile(r"gpt-(5\.[6-9]|[6-9])")
STATUS_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    503: "api_error",
    529: "overloaded_error",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a model. `sections` is what it says; `finish` is how it says it ended."""

    number: int
    model: str
    sections: tuple[Section, ...]
    count: Count
    finish: Finish
    step: Step

    @property
    def text(self) -> str:
        return "".join(section.text for section in self.sections if section.kind is Kind.TEXT)

    @property
    def calls(self) -> tuple[Section, ...]:
        return tuple(section for section in self.sections if section.kind is Kind.CALL)

    @property
    def output_tokens(self) -> int:
        return max(sum(token_count(section.name + section.text) for section in self.sections), 1)


class Dialect(Protocol):
    """One wire API: how its requests are read and its answers written."""

    request_id_header: str
    call_prefix: str

    def blocks(self, body: Body) -> list[Block]: ...
    def schema(self, body: Body) -> Mapping[str, object] | None: ...
    def max_tokens(self, body: Body) -> int | None: ...
    def count(self, cache: PromptCache, body: Body, blocks: list[Block]) -> Count: ...
    def opening(self, answer: Answer) -> list[bytes]: ...
    def piece(self, answer: Answer, piece: Piece) -> list[bytes]: ...
    def closing(self, answer: Answer) -> list[bytes]: ...
    def error_frame(self, answer: Answer) -> bytes: ...
    def failed_frame(self, answer: Answer) -> bytes: ...
    def whole(self, answer: Answer) -> dict[str, object]: ...
    def error_body(self, step: Step) -> dict[str, object]: ...


def frame(data: object, event: str | None = None) -> bytes:
    name = f"event: {event}\n" if event else ""
    text = data if isinstance(data, str) else dumps(data)
    return f"{name}data: {text}\n\n".encode("utf-8", "surrogatepass")


def content_blocks(role: str, content: object) -> list[Block]:
    """Blocks of a message whose content is a string or a list of parts."""
    if isinstance(content, str):
        return [Block(role, content)]
    return [block for part in content or () for block in _part_blocks(role, part)]  # type: ignore[attr-defined]


def _part_blocks(role: str, part: Body) -> list[Block]:
    """One block for a part; a mark may stand on a result itself or on the text inside it."""
    mark = bool(part.get("cache_control") or part.get("prompt_cache_breakpoint"))
    match part.get("type"):
        case "tool_use":
            return [Block(role, dumps([part.get("name"), part.get("input")]), mark)]
        case "tool_result":
            inner = content_blocks("tool", part.get("content") or "")
            return [*inner[:-1], Block("tool", inner[-1].text, mark or inner[-1].mark)] if inner else []
        case "thinking" | "redacted_thinking":
            return [Block(role, str(part.get("thinking") or part.get("data") or ""), mark)]
    return [Block(role, str(part.get("text", "")), mark)]


def tool_blocks(body: Body) -> list[Block]:
    """What the model is told of its tools: the very beginning of the prompt."""
    return [Block("tools", dumps(body["tools"]))] if body.get("tools") else []


def openai_count(cache: PromptCache, body: Body, blocks: list[Block]) -> Count:
    """OpenAI's accounting for the model that was asked."""
    model = str(body.get("model"))
    if _EXACT_MARKS.search(model):
        implicit = (body.get("prompt_cache_options") or {}).get("mode") != "explicit"
        return cache.exact_marks(model, blocks, implicit=implicit)
    return cache.common_prefix(model, blocks)


def schema_block(schema: Mapping[str, object] | None) -> list[Block]:
    return [Block("schema", dumps(schema))] if schema else []


def error_words(step: Step) -> tuple[str, str]:
    """(type, message) of an error step."""
    kind = step.error_type or STATUS_KINDS.get(step.status, "api_error" if step.status == 200 else "error")
    return kind, step.error_message or f"scripted {kind}"
