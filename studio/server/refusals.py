"""Errors at the edge of HTTP: what a request can do wrong, and the one table from error class to status."""

from __future__ import annotations

import msgspec

from studio.domain import errors
from studio.domain.errors import BadInput, Refused, StudioError
from studio.domain.text import clean


class BadRequest(BadInput):
    """The request itself cannot be read: its JSON, a field, a parameter, a header."""

    code = "bad_request"


class Unauthorized(StudioError):
    code = "unauthorized"


class WrongHost(StudioError):
    """Asked under a name that is not the gateway's own (DNS rebinding)."""

    code = "wrong_host"


class ForeignOrigin(Refused):
    """Asked by a page of another origin."""

    code = "foreign_origin"


class TooLarge(StudioError):
    code = "too_large"


class HeadersTooLarge(StudioError):
    code = "headers_too_large"


class TooSlow(StudioError):
    code = "too_slow"


class WrongType(StudioError):
    code = "wrong_content_type"


class TooMany(StudioError):
    """`retry_after` in whole seconds."""

    code = "too_many_requests"

    def __init__(self, message: str, *, hint: str = "", retry_after: int = 1) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class NoRoute(StudioError):
    code = "no_such_route"


class WrongMethod(StudioError):
    code = "method_not_allowed"


STATUS: tuple[tuple[type[StudioError], int], ...] = (
    (BadRequest, 400),
    (Unauthorized, 401),
    (ForeignOrigin, 403),
    (NoRoute, 404),
    (WrongMethod, 405),
    (TooSlow, 408),
    (TooLarge, 413),
    (WrongType, 415),
    (WrongHost, 421),
    (TooMany, 429),
    (HeadersTooLarge, 431),
    (errors.BadInput, 422),
    (errors.NotFound, 404),
    (errors.Refused, 409),
    (errors.Conflict, 409),
    (errors.ProjectBusy, 409),
    # A model's service is no upstream of these requests: what it said earlier, or that none is set up, is a state of the project.
    (errors.RequestRejected, 422),
    (errors.ProviderError, 409),
    (errors.Interrupted, 503),
    (errors.StorageError, 500),
    (errors.StudioError, 500),
)
"""The first row that an error belongs to decides; the most specific rows come first."""


def status_of(error: StudioError) -> int:
    return next(status for kind, status in STATUS if isinstance(error, kind))


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """`message` says what is wrong, `hint` what to do next; `data` holds both sides of a conflict, a limit, a state."""

    code: str
    message: str
    hint: str = ""
    data: dict[str, object] = {}


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of every route to a request that was not carried out."""

    success: bool = False
    error: ErrorBody


def failure(error: StudioError) -> Failure:
    return Failure(
        error=ErrorBody(code=error.code, message=clean(error.message), hint=clean(error.hint), data=plain(error.data))
    )


def plain(data: dict[str, object]) -> dict[str, object]:
    """Details as JSON; what is no JSON becomes its text, so that an error is never lost to its own details."""
    try:
        return msgspec.json.decode(msgspec.json.encode(data, enc_hook=str), type=dict[str, object])
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        return {str(key): str(value) for key, value in data.items()}
