"""What the scripted server does for one request (`Step`), and named scripts of such steps. No sockets here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Fault(StrEnum):
    """How a stream goes wrong after `Step.after` deltas."""

    NONE = "none"
    RESET = "reset"  # TCP RST
    FIN = "fin"  # the connection closes inside the chunked body
    SILENT_END = "silent_end"  # a well-formed end of the body without the final event
    STALL = "stall"  # no more bytes until the client leaves
    BAD_JSON = "bad_json"  # a frame that is not JSON
    ERROR_FRAME = "error_frame"  # the API's own error event, with HTTP status 200
    FAILED = "failed"  # Responses: `response.failed`; the others send their error frame


class Finish(StrEnum):
    STOP = "stop"
    LENGTH = "length"
    REFUSAL = "refusal"
    FILTER = "filter"
    TOOL_USE = "tool_use"


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool. `arguments` as text go out as they are, JSON or not; `piece` is how many characters a delta holds.

    `id` is made up unless given; `cut` ends the answer after so many characters of the arguments (with `Finish.LENGTH`).
    """

    name: str
    arguments: Mapping[str, object] | str = field(default_factory=dict)
    id: str | None = None
    piece: int = 24
    cut: int | None = None

    @property
    def written(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else dumps(self.arguments)


@dataclass(frozen=True, slots=True)
class Think:
    """Sealed reasoning: an Anthropic thinking block, a reasoning item of the Responses API; nothing in Chat Completions."""

    sealed: str


Part = str | Call | Think


@dataclass(frozen=True, slots=True)
class Step:
    """One answer. `text=None` asks for the default page (or, with a JSON schema, a valid object); `deltas` overrides its split.

    `parts` instead of `text` says what comes after what: text, calls, sealed reasoning. `mixed` sends the pieces of calls that
    stand side by side in turns. Without `finish` an answer with calls ends for them, and another one ends well.

    With `status` other than 200, or `raw_body`, a plain HTTP answer is sent instead of a model's.
    """

    text: str | None = None
    deltas: tuple[str, ...] | None = None
    parts: tuple[Part, ...] | None = None
    mixed: bool = False
    finish: Finish | None = None
    fault: Fault = Fault.NONE
    after: int = 3
    first_byte_delay: float = 0.0
    delta_delay: float | None = None
    split_every: int = 0  # bytes per write; 0 sends each frame whole
    usage: bool = True
    cost: float | None = None  # OpenRouter's usage.cost
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    raw_body: str | None = None
    content_type: str = "application/json"
    error_type: str = ""
    error_message: str = ""

    @property
    def plain(self) -> bool:
        return self.status != 200 or self.raw_body is not None


def status(code: int, *, retry_after: str | None = None, message: str = "", kind: str = "") -> Step:
    """An HTTP error in the shape of the API that was asked."""
    headers = (("retry-after", retry_after),) if retry_after is not None else ()
    return Step(status=code, headers=headers, error_message=message, error_type=kind)


def redirect(location: str, code: int = 307) -> Step:
    return Step(status=code, headers=(("location", location),))


HTML = Step(
    raw_body="<!doctype html><html><head><title>Sign in</title></head><body>Captive portal</body></html>",
    content_type="text/html; charset=utf-8",
)

HOSTILE_TEXT = (
    "The lamp \x1b[31mburned\x1b[0m red. \x1b]52;c;cm0gLXJmIH4=\x07The clipboard \x1b]0;owned\x07was his. "
    "\x9b2J\x1bcA [bold]door[/bold] [/x] \u202egnihton\u202c \u2066opened\u2069.\r\nNobody\x00 came\x08."
)
"""Escapes, OSC 52, C1, bidirectional overrides, NUL, Rich markup: what a terminal must never be handed."""

MULTIBYTE_TEXT = "Zoë — “ναί”, 彼女は言った。👩‍🚀 Ω≈ç√ and a naïve café."

OVERFLOW_LLAMA = status(
    400,
    message="request (10683 tokens) exceeds the available context size (8192 tokens), try increasing it",
    kind="exceed_context_size_error",
)

SCRIPTS: Mapping[str, tuple[Step, ...]] = {
    "good": (),
    "slow": (Step(first_byte_delay=3.0, delta_delay=0.2),),
    "reset": (Step(fault=Fault.RESET, after=20),),
    "fin": (Step(fault=Fault.FIN, after=20),),
    "silent-end": (Step(fault=Fault.SILENT_END, after=20),),
    "stall": (Step(fault=Fault.STALL, after=20),),
    "bad-json": (Step(fault=Fault.BAD_JSON, after=20),),
    "error-frame": (Step(fault=Fault.ERROR_FRAME, after=20),),
    "html": (HTML,),
    "rate-limited": (status(429, retry_after="2"),),
    "rate-limited-day": (status(429, retry_after="86400"),),
    "overloaded": (status(529), status(529)),
    "down": (status(503), status(503), status(503)),
    "unauthorized": (status(401),),
    "redirect": (redirect("http://127.0.0.1:9/elsewhere"),),
    "overflow": (OVERFLOW_LLAMA,),
    "refusal": (Step(finish=Finish.REFUSAL),),
    "filter": (Step(finish=Finish.FILTER),),
    "length": (Step(finish=Finish.LENGTH),),
    "empty": (Step(text=""),),
    "tool-use": (Step(finish=Finish.TOOL_USE),),
    "hostile": (Step(text=HOSTILE_TEXT),),
    "multibyte": (Step(text=MULTIBYTE_TEXT, split_every=1),),
    "unparsed": (Step(text='Here is the dialogue you asked for: {"lines": [ {"speaker": "MARA", "te'),),
}
"""Scripts by name: played once, after which every request is answered well (or for ever, with `repeat`)."""


def step_from_json(data: Mapping[str, object]) -> Step:
    """A step out of plain JSON, for the control endpoint. A part of `parts` is a text or the fields of a call."""
    fields: dict[str, object] = dict(data)
    for name, kind in (("fault", Fault), ("finish", Finish)):
        if name in fields:
            fields[name] = kind(str(fields[name]))
    if isinstance(parts := fields.get("parts"), list):
        fields["parts"] = tuple(part if isinstance(part, str) else Call(**part) for part in parts)
    for name in ("deltas", "headers"):
        if isinstance(value := fields.get(name), list):
            fields[name] = tuple(tuple(item) if isinstance(item, list) else item for item in value)
    return replace(Step(), **fields)  # type: ignore[arg-type]


def dumps(data: object) -> str:
    """JSON with characters as they are, so that splitting the bytes splits characters."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
