"""The Responses API on the server's side (openai.com/docs: /v1/responses): the events that a text answer needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.fakes.wire_cache import Block, Count, PromptCache
from tests.fakes.wire_dialect import Answer, Body, content_blocks, error_words, frame, openai_count, schema_block
from tests.fakes.wire_script import Finish, Step

_INCOMPLETE = {Finish.LENGTH: "max_output_tokens", Finish.FILTER: "content_filter"}


class ResponsesDialect:
    request_id_header = "x-request-id"

    def blocks(self, body: Body) -> list[Block]:
        found = schema_block(self.schema(body))
        if body.get("instructions"):
            found.append(Block("system", body["instructions"]))
        given = body.get("input", "")
        if isinstance(given, str):
            return [*found, Block("user", given)]
        for item in given:
            found += content_blocks(item.get("role", ""), item.get("content"))
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
        item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "in_progress", "content": []}
        part = {"type": "output_text", "text": "", "annotations": []}
        return [
            self._event("response.created", 0, response=self._response(answer, "in_progress")),
            self._event("response.output_item.added", 1, output_index=0, item=item),
            self._event("response.content_part.added", 2, item_id="msg_1", output_index=0, content_index=0, part=part),
        ]

    def delta(self, answer: Answer, text: str) -> bytes:
        kind = "response.refusal.delta" if answer.finish is Finish.REFUSAL else "response.output_text.delta"
        extra: dict[str, Any] = {} if answer.finish is Finish.REFUSAL else {"logprobs": []}
        return self._event(kind, 3, item_id="msg_1", output_index=0, content_index=0, delta=text, **extra)

    def closing(self, answer: Answer) -> list[bytes]:
        if answer.finish in _INCOMPLETE:
            return [self._event("response.incomplete", 9, response=self._response(answer, "incomplete"))]
        frames = []
        if answer.finish is Finish.TOOL_USE:
            frames.append(self._event("response.output_item.done", 8, output_index=1, item=_TOOL_ITEM))
        return [*frames, self._event("response.completed", 9, response=self._response(answer, "completed"))]

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
            "output": [] if state == "in_progress" else self._output(answer),
            "parallel_tool_calls": False,
            "tool_choice": "auto",
            "tools": [],
            "usage": self._usage(answer) if state in ("completed", "incomplete") and answer.step.usage else None,
        }

    @staticmethod
    def _output(answer: Answer) -> list[dict[str, Any]]:
        part: dict[str, Any] = {"type": "output_text", "text": answer.text, "annotations": []}
        if answer.finish is Finish.REFUSAL:
            part = {"type": "refusal", "refusal": answer.text}
        message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
        return [message, _TOOL_ITEM] if answer.finish is Finish.TOOL_USE else [message]

    @staticmethod
    def _usage(answer: Answer) -> dict[str, object]:
        return {
            "input_tokens": answer.count.total,
            "input_tokens_details": {"cached_tokens": answer.count.read, "cache_write_tokens": answer.count.write},
            "output_tokens": answer.output_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": answer.count.total + answer.output_tokens,
        }


_TOOL_ITEM: dict[str, Any] = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_1",
    "name": "create_file",
    "arguments": '{"path": "a.py"}',
    "status": "completed",
}
