"""Chat Completions on the server's side (openai.com/docs: /v1/chat/completions), with OpenRouter's comments and cost."""

from __future__ import annotations

from collections.abc import Mapping

from tests.fakes.wire_cache import Block, Count, PromptCache
from tests.fakes.wire_dialect import (
    STATUS_KINDS,
    Answer,
    Body,
    content_blocks,
    error_words,
    frame,
    openai_count,
    schema_block,
    tool_blocks,
)
from tests.fakes.wire_plan import Kind, Move, Piece, Section
from tests.fakes.wire_script import Finish, Step, dumps

_REASONS = {
    Finish.STOP: "stop",
    Finish.LENGTH: "length",
    Finish.REFUSAL: "stop",
    Finish.FILTER: "content_filter",
    Finish.TOOL_USE: "tool_calls",
}


class ChatDialect:
    request_id_header = "x-request-id"
    call_prefix = "call"

    def blocks(self, body: Body) -> list[Block]:
        found = [*tool_blocks(body), *schema_block(self.schema(body))]
        for message in body.get("messages", ()):
            found += content_blocks(message["role"], message.get("content"))
            if message.get("tool_calls"):
                found.append(Block("assistant", dumps([call.get("function") for call in message["tool_calls"]])))
        return found

    def schema(self, body: Body) -> Mapping[str, object] | None:
        match body.get("response_format"):
            case {"type": "json_schema", "json_schema": {"schema": Mapping() as schema}}:
                return schema
            case {"type": "json_object"}:
                return {"properties": {"lines": {}}}
        return None

    def max_tokens(self, body: Body) -> int | None:
        return body.get("max_completion_tokens") or body.get("max_tokens")

    def count(self, cache: PromptCache, body: Body, blocks: list[Block]) -> Count:
        return openai_count(cache, body, blocks)

    def opening(self, answer: Answer) -> list[bytes]:
        return [b": OPENROUTER PROCESSING\n\n", self._chunk(answer, {"role": "assistant", "content": ""})]

    def piece(self, answer: Answer, piece: Piece) -> list[bytes]:
        section = piece.section
        if section.kind is Kind.TEXT and piece.move is Move.DELTA:
            return [self._chunk(answer, {"refusal" if answer.finish is Finish.REFUSAL else "content": piece.text})]
        if section.kind is Kind.CALL and piece.move is not Move.CLOSE:
            said = _call(section, "") if piece.move is Move.OPEN else {"function": {"arguments": piece.text}}
            return [self._chunk(answer, {"tool_calls": [{"index": section.nth, **said}]})]
        return []

    def closing(self, answer: Answer) -> list[bytes]:
        frames = [self._chunk(answer, {}, _REASONS[answer.finish])]
        if answer.step.usage:
            frames.append(frame({**self._base(answer), "choices": [], "usage": self._usage(answer)}))
        return [*frames, frame("[DONE]")]

    def error_frame(self, answer: Answer) -> bytes:
        kind, message = error_words(answer.step)
        number = next((code for code, name in STATUS_KINDS.items() if name == kind), 502)
        return frame({"error": {"message": message, "type": kind, "code": number}})

    def failed_frame(self, answer: Answer) -> bytes:
        return self.error_frame(answer)

    def whole(self, answer: Answer) -> dict[str, object]:
        message: dict[str, object] = {"role": "assistant", "content": answer.text or (None if answer.calls else "")}
        if answer.calls:
            message["tool_calls"] = [_call(section, section.text) for section in answer.calls]
        choice = {"index": 0, "message": message, "finish_reason": _REASONS[answer.finish]}
        return {**self._base(answer), "object": "chat.completion", "choices": [choice], "usage": self._usage(answer)}

    def error_body(self, step: Step) -> dict[str, object]:
        kind, message = error_words(step)
        return {"error": {"message": message, "type": kind, "param": None, "code": step.status}}

    def _chunk(self, answer: Answer, delta: dict[str, object], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return frame({**self._base(answer), "choices": [choice]})

    @staticmethod
    def _base(answer: Answer) -> dict[str, object]:
        return {
            "id": f"chatcmpl-{answer.number}",
            "object": "chat.completion.chunk",
            "created": 1_790_000_000,
            "model": answer.model,
        }

    @staticmethod
    def _usage(answer: Answer) -> dict[str, object]:
        usage: dict[str, object] = {
            "prompt_tokens": answer.count.total,
            "completion_tokens": answer.output_tokens,
            "total_tokens": answer.count.total + answer.output_tokens,
            "prompt_tokens_details": {"cached_tokens": answer.count.read, "cache_write_tokens": answer.count.write},
            "completion_tokens_details": {"reasoning_tokens": 0},
        }
        return usage if answer.step.cost is None else {**usage, "cost": answer.step.cost}


def _call(section: Section, arguments: str) -> dict[str, object]:
    return {"id": section.id, "type": "function", "function": {"name": section.name, "arguments": arguments}}
