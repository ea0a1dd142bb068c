"""The Messages API on the server's side (platform.claude.com: /v1/messages): streaming events, cache usage, count_tokens."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tests.fakes.wire_cache import Block, Count, PromptCache
from tests.fakes.wire_dialect import Answer, Body, content_blocks, error_words, frame, schema_block, tool_blocks
from tests.fakes.wire_plan import Kind, Move, Piece, Section
from tests.fakes.wire_script import Finish, Step

_REASONS = {
    Finish.STOP: "end_turn",
    Finish.LENGTH: "max_tokens",
    Finish.REFUSAL: "refusal",
    Finish.FILTER: "refusal",
    Finish.TOOL_USE: "tool_use",
}


class MessagesDialect:
    request_id_header = "request-id"
    call_prefix = "toolu"

    def blocks(self, body: Body) -> list[Block]:
        found = [*tool_blocks(body), *schema_block(self.schema(body))]
        if body.get("system"):
            found += content_blocks("system", body["system"])
        for message in body.get("messages", ()):
            found += content_blocks(message["role"], message.get("content"))
        return found

    def schema(self, body: Body) -> Mapping[str, object] | None:
        match body.get("output_config"):
            case {"format": {"type": "json_schema", "schema": Mapping() as schema}}:
                return schema
        return None

    def max_tokens(self, body: Body) -> int | None:
        return body.get("max_tokens")

    def count(self, cache: PromptCache, body: Body, blocks: list[Block]) -> Count:
        return cache.cache_control(str(body.get("model")), blocks)

    def opening(self, answer: Answer) -> list[bytes]:
        message = {**self._message(answer, []), "stop_reason": None, "usage": self._usage(answer, output=1)}
        return [
            frame({"type": "message_start", "message": message}, event="message_start"),
            frame({"type": "ping"}, event="ping"),
        ]

    def piece(self, answer: Answer, piece: Piece) -> list[bytes]:
        section = piece.section
        match piece.move:
            case Move.OPEN:
                return [_event("content_block_start", index=section.place, content_block=_block(section, whole=False))]
            case Move.CLOSE:
                return [_event("content_block_stop", index=section.place)]
        return [_event("content_block_delta", index=section.place, delta=delta) for delta in _deltas(piece)]

    def closing(self, answer: Answer) -> list[bytes]:
        frames = []
        delta = {"stop_reason": _REASONS[answer.finish], "stop_sequence": None}
        if answer.finish in (Finish.REFUSAL, Finish.FILTER):
            delta["stop_details"] = {"type": "refusal", "category": None, "explanation": None}  # type: ignore[assignment]
        usage = {"output_tokens": answer.output_tokens}
        frames.append(frame({"type": "message_delta", "delta": delta, "usage": usage}, event="message_delta"))
        return [*frames, frame({"type": "message_stop"}, event="message_stop")]

    def error_frame(self, answer: Answer) -> bytes:
        return frame(self.error_body(answer.step), event="error")

    def failed_frame(self, answer: Answer) -> bytes:
        return self.error_frame(answer)

    def whole(self, answer: Answer) -> dict[str, object]:
        return self._message(answer, [_block(section, whole=True) for section in answer.sections])

    def error_body(self, step: Step) -> dict[str, object]:
        kind, message = error_words(step)
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_scripted"}

    @staticmethod
    def too_many_marks(blocks: list[Block]) -> str | None:
        marks = sum(block.mark for block in blocks)
        return f"A maximum of 4 blocks with cache_control may be provided. Found {marks}." if marks > 4 else None

    def _message(self, answer: Answer, content: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": f"msg_{answer.number}",
            "type": "message",
            "role": "assistant",
            "model": answer.model,
            "content": content,
            "stop_reason": _REASONS[answer.finish],
            "stop_sequence": None,
            "usage": self._usage(answer, output=answer.output_tokens),
        }

    @staticmethod
    def _usage(answer: Answer, *, output: int) -> dict[str, object]:
        count = answer.count
        return {
            "input_tokens": max(count.total - count.read - count.write, 0),
            "cache_read_input_tokens": count.read,
            "cache_creation_input_tokens": count.write,
            "cache_creation": {"ephemeral_5m_input_tokens": count.write, "ephemeral_1h_input_tokens": 0},
            "output_tokens": output,
        }


def _event(kind: str, **fields: object) -> bytes:
    return frame({"type": kind, **fields}, event=kind)


def seal(thought: str) -> str:
    """The signature without which a thought is not taken back."""
    return hashlib.sha256(thought.encode()).hexdigest()


def _block(section: Section, *, whole: bool) -> dict[str, Any]:
    match section.kind:
        case Kind.CALL:
            given = json.loads(section.text or "{}") if whole else {}
            return {"type": "tool_use", "id": section.id, "name": section.name, "input": given}
        case Kind.THINK:
            thought = section.text if whole else ""
            return {"type": "thinking", "thinking": thought, "signature": seal(thought) if whole else ""}
    return {"type": "text", "text": section.text if whole else ""}


def _deltas(piece: Piece) -> list[dict[str, str]]:
    match piece.section.kind:
        case Kind.CALL:
            return [{"type": "input_json_delta", "partial_json": piece.text}]
        case Kind.THINK:
            thought = {"type": "thinking_delta", "thinking": piece.text}
            return [thought, {"type": "signature_delta", "signature": seal(piece.section.text)}]
    return [{"type": "text_delta", "text": piece.text}]
