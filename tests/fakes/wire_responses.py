"""The Responses API on the server's side (openai.com/docs: /v1/responses): the events of text, calls and reasoning."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.fakes.wire_cache import Block, Count, PromptCache
from tests.fakes.wire_dialect import (
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

_INCOMPLETE = {Finish.LENGTH: "max_output_tokens", Finish.FILTER: "content_filter"}


class ResponsesDialect:
    request_id_header = "x-request-id"
    call_prefix = "call"

    def blocks(self, body: Body) -> list[Block]:
        found = [*tool_blocks(body), *schema_block(self.schema(body))]
        if body.get("instructions"):
            found.append(Block("system", body["instructions"]))
        given = body.get("input", "")
        if isinstance(given, str):
            return [*found, Block("user", given)]
        for item in given:
            found += _item_blocks(item)
        return found

    def schema(self, body: Body) -> Mapping[str, object] | None:
        match body.get("text"):
            case {"format": {"type": "json_schema", "schema": Mapping() as schema}}:
                return schema
        return None

    def max_tokens(self, body: Body) -> int | None:
        return body.get("max_output_tokens")

    def count(self, cache: PromptCache, body: Body, blocks: list[Block]) -> Count:
        return openai_count(cache, body, blocks)

    def opening(self, answer: Answer) -> list[bytes]:
        return [self._event("response.created", 0, response=self._response(answer, "in_progress"))]

    def piece(self, answer: Answer, piece: Piece) -> list[bytes]:
        section, frames = piece.section, _FRAMES[piece.section.kind]
        return [
            self._event(kind, 1, output_index=section.place, **fields)
            for kind, fields in frames(section, piece, refused=answer.finish is Finish.REFUSAL)
        ]

    def closing(self, answer: Answer) -> list[bytes]:
        state = "incomplete" if answer.finish in _INCOMPLETE else "completed"
        return [self._event(f"response.{state}", 9, response=self._response(answer, state))]

    def error_frame(self, answer: Answer) -> bytes:
        kind, message = error_words(answer.step)
        return self._event("error", 4, code=kind, message=message, param=None)

    def failed_frame(self, answer: Answer) -> bytes:
        return self._event("response.failed", 4, response=self._response(answer, "failed"))

    def whole(self, answer: Answer) -> dict[str, object]:
        return self._response(answer, "incomplete" if answer.finish in _INCOMPLETE else "completed")

    def error_body(self, step: Step) -> dict[str, object]:
        kind, message = error_words(step)
        return {"error": {"message": message, "type": kind, "param": None, "code": kind}}

    @staticmethod
    def _event(kind: str, number: int, **fields: object) -> bytes:
        return frame({"type": kind, "sequence_number": number, **fields}, event=kind)

    def _response(self, answer: Answer, state: str) -> dict[str, object]:
        kind, message = error_words(answer.step)
        reason = _INCOMPLETE.get(answer.finish) if state == "incomplete" else None
        return {
            "id": f"resp_{answer.number}",
            "object": "response",
            "created_at": 1_790_000_000,
            "model": answer.model,
            "status": state,
            "error": {"code": kind, "message": message} if state == "failed" else None,
            "incomplete_details": {"reason": reason} if reason else None,
            "output": [] if state == "in_progress" else _output(answer),
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": self._usage(answer) if state in ("completed", "incomplete") and answer.step.usage else None,
        }

    @staticmethod
    def _usage(answer: Answer) -> dict[str, object]:
        return {
            "input_tokens": answer.count.total,
            "input_tokens_details": {"cached_tokens": answer.count.read, "cache_write_tokens": answer.count.write},
            "output_tokens": answer.output_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": answer.count.total + answer.output_tokens,
        }


def _item_blocks(item: Body) -> list[Block]:
    match item.get("type"):
        case "function_call":
            return [Block("assistant", dumps([item.get("name"), item.get("arguments")]))]
        case "function_call_output":
            return content_blocks("tool", item.get("output"))
        case "reasoning":
            return [Block("assistant", str(item.get("encrypted_content", "")))]
    return content_blocks(item.get("role", ""), item.get("content"))


def _output(answer: Answer) -> list[dict[str, Any]]:
    refused = answer.finish is Finish.REFUSAL
    return [
        _item(section, "incomplete" if section.cut else "completed", refused=refused) for section in answer.sections
    ]


def _item(section: Section, state: str, *, refused: bool = False) -> dict[str, Any]:
    """An output item as it stands: empty while in progress."""
    text = "" if state == "in_progress" else section.text
    match section.kind:
        case Kind.CALL:
            own: dict[str, Any] = {"call_id": section.id, "name": section.name, "arguments": text}
            return {"type": "function_call", "id": _item_id(section), **own, "status": state}
        case Kind.THINK:
            return {"type": "reasoning", "id": _item_id(section), "summary": [], "encrypted_content": text}
    parts: list[dict[str, Any]] = []
    if state != "in_progress":
        spoken = {"type": "output_text", "text": text, "annotations": []}
        parts = [{"type": "refusal", "refusal": text} if refused else spoken]
    return {"type": "message", "id": _item_id(section), "role": "assistant", "status": state, "content": parts}


_ID_PREFIXES = {Kind.TEXT: "msg", Kind.CALL: "fc", Kind.THINK: "rs"}


def _item_id(section: Section) -> str:
    return f"{_ID_PREFIXES[section.kind]}_{section.place + 1}"


_Frames = Iterator[tuple[str, dict[str, Any]]]


def _text_frames(section: Section, piece: Piece, *, refused: bool) -> _Frames:
    at = {"item_id": _item_id(section), "content_index": 0}
    match piece.move:
        case Move.OPEN:
            yield "response.output_item.added", {"item": _item(section, "in_progress")}
            part = {"type": "output_text", "text": "", "annotations": []}
            yield "response.content_part.added", {**at, "part": part}
        case Move.DELTA if refused:
            yield "response.refusal.delta", {**at, "delta": piece.text}
        case Move.DELTA:
            yield "response.output_text.delta", {**at, "delta": piece.text, "logprobs": []}
        case Move.CLOSE:
            yield "response.output_item.done", {"item": _item(section, "completed", refused=refused)}


def _call_frames(section: Section, piece: Piece, *, refused: bool) -> _Frames:
    at = {"item_id": _item_id(section)}
    match piece.move:
        case Move.OPEN:
            yield "response.output_item.added", {"item": _item(section, "in_progress")}
        case Move.DELTA:
            yield "response.function_call_arguments.delta", {**at, "delta": piece.text}
        case Move.CLOSE if section.cut:
            yield "response.output_item.done", {"item": _item(section, "incomplete")}
        case Move.CLOSE:
            yield "response.function_call_arguments.done", {**at, "name": section.name, "arguments": section.text}
            yield "response.output_item.done", {"item": _item(section, "completed")}


def _thought_frames(section: Section, piece: Piece, *, refused: bool) -> _Frames:
    if piece.move is not Move.DELTA:
        name = "added" if piece.move is Move.OPEN else "done"
        yield (
            f"response.output_item.{name}",
            {"item": _item(section, "in_progress" if name == "added" else "completed")},
        )


_FRAMES: Mapping[Kind, Callable[..., _Frames]] = {
    Kind.TEXT: _text_frames,
    Kind.CALL: _call_frames,
    Kind.THINK: _thought_frames,
}
