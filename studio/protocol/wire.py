"""Frames of the engine's socket: one JSON object a line, version 1. Requests carry a command, a query or a control by its tag.

```text
engine: {"hello": {...}}                                     or {"err": {...}} when it could not open the project
client: {"id", "op", "args", "req"}                          req: idempotency key of a command
engine: {"id", "ok": {...}} | {"id", "err": {"code", "message", "hint", "data"}}
engine: {"sub", "ev", "seq", ...}  {"sub", "end": true}      events of a subscription, named by the id that asked for it
engine: {"bye": reason}                                      the last frame before the engine leaves
```
"""

from __future__ import annotations

import hashlib
import re
import typing
from collections.abc import Mapping
from typing import Any, Literal, NoReturn

import msgspec

from studio.domain.errors import ERRORS, BadInput, ProviderError, StudioError
from studio.protocol.commands import AnyCommand, Command
from studio.protocol.events import AnyEvent
from studio.protocol.queries import AnyQuery, Query
from studio.protocol.views import View

PROTO = 1
SCHEMA = 4
"""The database schema that this program writes; an engine of a later one is not replaced by this program."""

MAX_REQUEST = 16_000_000
"""Bytes of one request: the longest text that a command may carry is 5 MB, which escaping in JSON can triple."""

MAX_FRAME = 256_000_000
"""Bytes of one answer: the approved text of the longest books is near 10 MB."""

HELLO_SECONDS = 3.0
ATTACH_SECONDS = 15.0

Bye = Literal["stop", "restart", "idle", "signal", "moved"]


class You(msgspec.Struct, frozen=True, kw_only=True):
    """The peer as the kernel names it."""

    uid: int
    user: str


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """The engine's first frame. `busy` counts drafts that run or wait; `last_seq` is the journal's head; `services` is what its
    environment says about models' services (`service_names`)."""

    proto: int
    app: str
    schema: int
    engine_pid: int
    project: str
    busy: int
    last_seq: int
    you: You
    services: tuple[str, ...] = ()


def service_names(env: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the variables that hold keys, and addresses of services by digest: what two environments can be compared by."""
    keys = [name for name, value in env.items() if name.endswith("_API_KEY") and value.strip()]
    addresses = [
        f"{name}={hashlib.sha256(value.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"
        for name, value in env.items()
        if name in ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL") and value.strip()
    ]
    return tuple(sorted([*keys, *addresses]))


class Introduction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who attaches: arguments of the control `hello`. `author` is believed from the engine's own user only."""

    author: str = ""
    kind: Literal["workbench", "command", "gateway"] = "command"
    view: bool = False


class SubscribeArgs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    after: int | None = None


class UnsubscribeArgs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    sub: int


class LeaveArgs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`reason` is what attached terminals are told: after `stop` they do not start another engine by themselves."""

    reason: Literal["stop", "restart"] = "stop"


class NoArgs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Subscribed(msgspec.Struct, frozen=True, kw_only=True):
    """The sequence from which events follow."""

    after: int


class Acknowledged(msgspec.Struct, frozen=True, kw_only=True):
    message: str = ""


class EngineStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine says about itself. `keys` are names of variables that hold keys, never values; memory in megabytes."""

    pid: int
    app: str
    proto: int
    schema: int
    project: str
    started: str
    uptime_s: float
    clients: int
    people: int
    running: int
    queued: int
    draining: bool
    idle_minutes: float
    keys: tuple[str, ...]
    log: str
    memory_mb: float
    last_seq: int


Control = Literal["hello", "subscribe", "unsubscribe", "ping", "status", "drain", "stop"]
CONTROLS: dict[str, type[msgspec.Struct]] = {
    "hello": Introduction,
    "subscribe": SubscribeArgs,
    "unsubscribe": UnsubscribeArgs,
    "ping": NoArgs,
    "status": NoArgs,
    "drain": LeaveArgs,
    "stop": LeaveArgs,
}


def _tags(union: Any) -> dict[str, type[Any]]:
    return {str(kind.__struct_config__.tag): kind for kind in typing.get_args(union)}


COMMANDS: dict[str, type[Command]] = _tags(AnyCommand)
QUERIES: dict[str, type[Query[Any]]] = _tags(AnyQuery)


def answer_type(query: type[Query[Any]]) -> type[View]:
    """The view that answers a query."""
    (view,) = typing.get_args(query.__orig_bases__[0])  # type: ignore[attr-defined]  # ty: ignore[missing-attribute]  # typing keeps the bases there
    return typing.cast("type[View]", view)


ANSWERS: dict[str, type[View]] = {tag: answer_type(kind) for tag, kind in QUERIES.items()}


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: int
    op: str
    args: msgspec.Raw = msgspec.Raw(b"{}")
    req: str | None = None


class WireError(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    message: str
    hint: str = ""
    data: dict[str, Any] = {}
    retry_after: float | None = None
    status: int | None = None


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """Any frame of the engine, as far as it is read before its kind is known."""

    id: int | None = None
    ok: msgspec.Raw = msgspec.Raw()
    err: WireError | None = None
    sub: int | None = None
    end: bool = False
    hello: Hello | None = None
    bye: str | None = None


class Unreadable(BadInput):
    """A frame that is no request. `request_id` is None when even that could not be read."""

    def __init__(self, message: str, request_id: int | None = None) -> None:
        super().__init__(message, hint="The two programs may be of different versions.")
        self.request_id = request_id


_SURROGATE = re.compile("[\ud800-\udfff]")
_encoder = msgspec.json.Encoder()
_requests = msgspec.json.Decoder(Request)
_frames = msgspec.json.Decoder(Frame)
_args: dict[str, msgspec.json.Decoder[Any]] = {
    tag: msgspec.json.Decoder(kind) for tag, kind in {**COMMANDS, **QUERIES, **CONTROLS}.items()
}
_READ_ERRORS = (msgspec.MsgspecError, RecursionError, UnicodeError)


def _encoded(value: object) -> bytes:
    """JSON. Lone surrogates (a file name or an argument that is not UTF-8), which JSON cannot carry, become U+FFFD."""
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return _encoder.encode(_readable(msgspec.to_builtins(value)))


def _readable(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_readable(key): _readable(inner) for key, inner in value.items()}
    return [_readable(inner) for inner in value] if isinstance(value, list | tuple) else value


def line(value: object) -> bytes:
    """One frame with its newline."""
    return _encoded(value) + b"\n"


def event_line(sub: int, event: AnyEvent) -> bytes:
    """The frame of an event of the subscription that the request `sub` asked for."""
    return b'{"sub":%d,%s\n' % (sub, _encoded(event)[1:])


def answer_line(request_id: int, value: object) -> bytes:
    return b'{"id":%d,"ok":%s}\n' % (request_id, _encoded(value))


def error_line(error: StudioError, request_id: int | None = None) -> bytes:
    body = WireError(
        code=error.code,
        message=error.message,
        hint=error.hint,
        data=_plain(error.data),
        retry_after=getattr(error, "retry_after", None),
        status=getattr(error, "status", None),
    )
    return line({"err": body} if request_id is None else {"id": request_id, "err": body})


def _plain(data: dict[str, object]) -> dict[str, Any]:
    """Data of an error as JSON; what is no JSON becomes its text, so that an error is never lost to its own details."""
    try:
        return typing.cast("dict[str, Any]", msgspec.to_builtins(data, str_keys=True))
    except (TypeError, ValueError, RecursionError):
        return {str(key): str(value) for key, value in data.items()}


def request_line(request_id: int, op: str, args: msgspec.Struct, req: str | None = None) -> bytes:
    return line(Request(id=request_id, op=op, args=msgspec.Raw(_without_tag(args)), req=req))


def _without_tag(args: msgspec.Struct) -> bytes:
    """The fields alone: the tag stands in the frame. Raises BadInput for a question that is no text; a command's text is mended."""
    values = msgspec.to_builtins(args)
    values.pop(args.__struct_config__.tag_field or "", None)
    try:
        return _encoder.encode(values)
    except UnicodeEncodeError as error:
        if isinstance(args, Query):
            raise BadInput(
                "A text holds characters that are not valid Unicode.", hint="Type or paste it again."
            ) from error
        return _encoded(values)


def read_request(raw: bytes) -> Request:
    """Raises Unreadable for anything but one request."""
    try:
        return _requests.decode(raw)
    except _READ_ERRORS as error:
        raise Unreadable(f"The request could not be read: {error}.") from error


def read_args(request: Request) -> Any:
    """The command, query or control arguments of a request. Raises BadInput for an unknown one, or an unknown or wrong field."""
    decoder = _args.get(request.op)
    if decoder is None:
        raise Unreadable(f"There is no command or query {request.op[:60]!r}.", request.id)
    try:
        return decoder.decode(request.args)
    except _READ_ERRORS as error:
        raise Unreadable(f"The arguments of {request.op} could not be read: {error}.", request.id) from error


def read_frame(raw: bytes) -> Frame:
    """Raises Unreadable."""
    try:
        return _frames.decode(raw)
    except _READ_ERRORS as error:
        raise Unreadable(f"The engine's answer could not be read: {error}.") from error


def raise_error(error: WireError) -> NoReturn:
    """Raise it as the class that it was on the other side."""
    raise as_error(error)


def as_error(error: WireError) -> StudioError:
    kind = ERRORS.get(error.code, StudioError)
    if issubclass(kind, ProviderError):
        return kind(error.message, hint=error.hint, data=error.data, retry_after=error.retry_after, status=error.status)
    return kind(error.message, hint=error.hint, data=error.data)
