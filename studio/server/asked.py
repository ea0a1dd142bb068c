"""One request as an endpoint sees it, and the table row that an endpoint is: what it reads, what it answers, in words."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

import msgspec
from starlette.requests import Request

from studio.protocol.client import EngineClient
from studio.server.gateway import Gateway
from studio.server.limits import check_nesting
from studio.server.refusals import BadRequest, WrongType

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

KEY_HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
READ_ERRORS = (msgspec.MsgspecError, RecursionError, UnicodeError)


class NoParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The query string of endpoints that take none."""


@dataclass(frozen=True, slots=True)
class Asked:
    """`raw` is the body; `key` the idempotency key, None when there is none."""

    gateway: Gateway
    request: Request
    raw: bytes
    key: str | None

    @classmethod
    async def of(cls, gateway: Gateway, request: Request) -> Asked:
        """Raises BadRequest for a key that is none, BadInput for one that was used for another request."""
        raw = await request.body()
        key = request.headers.get(KEY_HEADER)
        if key is not None:
            if not _KEY.fullmatch(key):
                raise BadRequest(f"{KEY_HEADER} must be 1 to 200 visible characters.")
            if request.method == "POST":
                url = request.url
                gateway.keys.check(key, url.path.encode(), url.query.encode(), raw)
        return cls(gateway, request, raw, key)

    @property
    def client(self) -> EngineClient:
        return self.gateway.client

    def key_for(self, step: str) -> str | None:
        """A key of its own for each command that one request stands for."""
        return f"{self.key}/{step}" if self.key else None

    def path(self, name: str) -> str:
        return str(self.request.path_params[name])

    def body(self, kind: type[T]) -> T:
        """The JSON body. Raises BadRequest with the place of what is wrong, WrongType when it is not declared as JSON."""
        declared = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if declared != "application/json":
            raise WrongType("The body must be JSON.", hint="Send `Content-Type: application/json`.")
        return read_json(self.raw, kind, self.gateway.limits.nesting)

    def optional_body(self, kind: type[S]) -> S:
        """As `body`; no body at all stands for one without any field."""
        return self.body(kind) if self.raw else kind()

    def parameters(self, kind: type[S]) -> S:
        """The query string. Raises BadRequest for one that is unknown, repeated or of the wrong type."""
        given: dict[str, str] = {}
        for name, value in self.request.query_params.multi_items():
            if name in given:
                raise BadRequest(f"The parameter {name[:60]!r} is given twice.")
            given[name] = value
        try:
            return msgspec.convert(given, kind, strict=False)
        except READ_ERRORS as error:
            raise BadRequest(f"A parameter could not be read: {error}.") from error


def read_json(raw: bytes, kind: type[T], nesting: int) -> T:
    check_nesting(raw, nesting)
    try:
        return msgspec.json.decode(raw, type=kind)
    except READ_ERRORS as error:
        raise BadRequest(f"The JSON could not be read: {error}.") from error


Handler = Callable[[Asked], Awaitable[msgspec.Struct]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row of the API. `answer`, `body` and `parameters` are the types that the OpenAPI document shows; of several answers, a tuple."""

    method: Literal["GET", "POST"]
    path: str
    name: str
    summary: str
    handler: Handler
    answer: type[msgspec.Struct] | tuple[type[msgspec.Struct], ...]
    tag: str
    body: object | None = None
    body_required: bool = True
    parameters: type[msgspec.Struct] = NoParameters
