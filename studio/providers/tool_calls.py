"""Tool calls out of a stream: pieces by place, whole and decoded before anyone acts on them. No SDK's words here."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from studio.domain.text import clean, one_line
from studio.domain.tooling import BrokenCall, ToolCall
from studio.providers.base import Message, ToolCallBroken, ToolCallReady, ToolCallStarted, ToolPart

MAX_ARGUMENT_BYTES = 1_000_000
"""The largest arguments of one call; more is read past and the call is broken."""

_MAX_DEPTH = 40
_NAME_LIMIT = 64
# Chat Completions refuses longer ids, Anthropic other characters. A model may be changed in the middle of a conversation.
_USABLE_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_KEPT_OF_BROKEN = 4_000
_CUT = "the answer was cut off inside the arguments"
_TOO_LARGE = f"the arguments are larger than {MAX_ARGUMENT_BYTES:,} bytes"


class ArgumentsError(Exception):
    """Arguments that are not one JSON object; the message says why."""


def decode_arguments(text: str) -> Mapping[str, object]:
    """The JSON object in `text`, its strings cleaned. Nothing at all is an empty object. Raises ArgumentsError.

    A JSON string that holds the object, as some compatible servers send it, is opened once.
    """
    found = _json(text) if text.strip() else {}
    if isinstance(found, str):
        found = _json(found)
    if not isinstance(found, dict):
        raise ArgumentsError(f"the arguments are {_KINDS.get(type(found), 'something')} where an object belongs")
    return {str(name): _cleaned(value, 1) for name, value in found.items()}


_KINDS: Mapping[type, str] = {
    list: "a list",
    str: "a text",
    int: "a number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}


def _json(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except RecursionError as error:
        raise ArgumentsError("the arguments are nested too deeply") from error
    except json.JSONDecodeError as error:
        words = f"{error.msg} (line {error.lineno}, column {error.colno})"
        raise ArgumentsError(f"the arguments are not valid JSON: {words}") from error
    except ValueError as error:
        raise ArgumentsError(f"the arguments are not valid JSON: {one_line(str(error), 120)}") from error


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise ArgumentsError(f"the arguments name {one_line(twice, 40)!r} twice")
    return found


def _no_constant(name: str) -> object:
    raise ArgumentsError(f"the arguments hold {name}, which is not JSON")


def _cleaned(value: object, depth: int) -> object:
    if depth > _MAX_DEPTH:
        raise ArgumentsError("the arguments are nested too deeply")
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(name)): _cleaned(part, depth + 1) for name, part in value.items()}
    if isinstance(value, list):
        return [_cleaned(part, depth + 1) for part in value]
    return value


def ids_in(messages: Iterable[Message]) -> set[str]:
    """Ids of the calls that a conversation already holds: a service may number each answer's calls from one."""
    return {call.id for message in messages for call in message.tool_calls}


@dataclass(slots=True)
class _Open:
    index: int
    id: str
    name: str = ""
    pieces: list[str] = field(default_factory=list)
    size: int = 0
    started: bool = False
    closed: bool = False

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def too_large(self) -> bool:
        return self.size > MAX_ARGUMENT_BYTES


class CallCollector:
    """The calls of one answer by the place that the wire gives each. `used` are the conversation's earlier ids."""

    def __init__(self, used: Iterable[str] = ()) -> None:
        self._used = set(used)
        self._calls: list[_Open] = []
        self._places: dict[Hashable, _Open] = {}

    @property
    def count(self) -> int:
        """Calls seen so far, broken ones included."""
        return len(self._calls)

    def begin(self, place: Hashable, call_id: str = "", name: str = "") -> Iterator[ToolPart]:
        """A call begins at `place`, in place of one that began there before."""
        call = _Open(len(self._calls), self._own_id(call_id))
        self._calls.append(call)
        self._places[place] = call
        yield from self.named(place, name)

    def has(self, place: Hashable) -> bool:
        return place in self._places

    def named(self, place: Hashable, name: str) -> Iterator[ToolPart]:
        """The call's name, where it comes later than its beginning; the first one stays."""
        call = self._places[place]
        call.name = call.name or one_line(name, _NAME_LIMIT)
        if call.name and not call.started:
            call.started = True
            yield ToolCallStarted(call.index, call.name)

    def more(self, place: Hashable, piece: str) -> None:
        """More of the arguments. What would make them too large is dropped."""
        call = self._places[place]
        call.size += len(piece.encode("utf-8", "surrogatepass"))
        if not call.too_large:
            call.pieces.append(piece)

    def end(self, place: Hashable, arguments: str | None = None) -> Iterator[ToolPart]:
        """The wire says that the call is whole; `arguments` are the final ones where it repeats them.

        What cannot be read yet waits for `finish`, which knows whether the answer was cut.
        """
        call = self._places[place]
        if arguments and arguments != call.text:
            call.pieces, call.size = [], 0
            self.more(place, arguments)
        if call.pieces and not call.closed and not call.too_large:
            ready = self._ready(call)
            if ready is not None:
                yield ready

    def finish(self, *, cut: bool) -> Iterator[ToolPart]:
        """Every call that is still open. `cut` says that the answer has no proven end, or ended at a limit."""
        for call in self._calls:
            if not call.closed:
                yield from self._last(call, cut=cut)

    def _last(self, call: _Open, *, cut: bool) -> Iterator[ToolPart]:
        if not call.started:
            call.started = True
            yield ToolCallStarted(call.index, call.name)
        reason = _TOO_LARGE if call.too_large else ""
        if not reason and cut and not call.pieces:
            reason = _CUT
        if not reason and not call.name:
            reason = _CUT if cut else "the call names no tool"
        if not reason:
            try:
                yield self._whole(call)
                return
            except ArgumentsError as error:
                reason = _CUT if cut else str(error)
        call.closed = True
        yield ToolCallBroken(call.index, BrokenCall(call.id, call.name, clean(call.text)[:_KEPT_OF_BROKEN], reason))

    def _ready(self, call: _Open) -> ToolPart | None:
        try:
            return self._whole(call) if call.name else None
        except ArgumentsError:
            return None

    @staticmethod
    def _whole(call: _Open) -> ToolCallReady:
        ready = ToolCallReady(call.index, ToolCall(call.id, call.name, decode_arguments(call.text)))
        call.closed = True
        return ready

    def _own_id(self, given: str) -> str:
        """The service's id where it is new and fits every wire, else one of our own."""
        found, number = given, len(self._used)
        while found in self._used or not _USABLE_ID.fullmatch(found):
            number += 1
            found = f"call_{number}"
        self._used.add(found)
        return found
