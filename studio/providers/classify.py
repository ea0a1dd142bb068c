"""Any exception of an SDK, of HTTP or of a reply's bytes, told as one ProviderError. No SDK is imported: names, status and body decide.

Why by name: importing anthropic costs a second of CPU, and its streams let raw `httpx2` and JSON errors out, which
`except anthropic.APIError` would miss.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from studio.domain.errors import (
    AuthenticationFailed,
    BadReply,
    ConnectionFailed,
    ContextTooLong,
    MissingKey,
    Overloaded,
    ProviderError,
    RateLimited,
    RequestRejected,
    TimedOut,
)
from studio.domain.text import one_line

_KEY_LIKE = re.compile(r"\b(?:sk|xai|gsk|pk|rk)-[\w*.\-]{6,}")
_TOO_LONG = re.compile(
    r"context[ _](?:length|size|window|limit)|prompt is too long|too many (?:input )?tokens|exceeds? the (?:maximum|available)"
    r"[\w ]{0,80}(?:context|tokens)|maximum[\w ]{0,80} context|input is too long",
    re.IGNORECASE,
)
_NO_CREDIT = re.compile(r"insufficient_quota|billing|credit balance|insufficient credits|payment", re.IGNORECASE)
_OVERLOADED_KINDS = {"overloaded_error", "api_error", "server_error", "service_unavailable", "server_overloaded"}
_RATE_KINDS = {"rate_limit_error", "rate_limit_exceeded", "rate_limit", "too_many_requests", "tokens", "requests"}
_AUTH_KINDS = {"authentication_error", "permission_error", "invalid_api_key"}
_TIMEOUTS = {"APITimeoutError", "TimeoutException", "TimeoutError"}
_CONNECTIONS = {"APIConnectionError", "TransportError", "OSError", "StreamError"}
_UNREADABLE = {
    "JSONDecodeError",
    "UnicodeDecodeError",
    "DecodingError",
    "APIResponseValidationError",
    "TooManyRedirects",
}


@dataclass(frozen=True, slots=True)
class CallSite:
    """Who was asked: for the sentence, the hint, and to keep the key out of both."""

    provider: str = "the model's service"
    host: str = ""
    model: str = ""
    key_env: str = ""
    secret: str = ""

    def __str__(self) -> str:
        return f"{self.provider} ({self.host})" if self.host else self.provider

    def quote(self, text: object, limit: int = 300) -> str:
        """Words of the service on one line, without control characters and without anything that looks like a key."""
        words = str(text)
        if self.secret:
            words = words.replace(self.secret, "[key]")
        return one_line(_KEY_LIKE.sub("[key]", words), limit).rstrip(".")


@dataclass(frozen=True, slots=True)
class _Fault:
    """What the service itself said: HTTP status (200 for an error frame), its kind of error and its words."""

    status: int | None
    kind: str
    words: str
    retry_after: float | None = None


def classify(exc: BaseException, site: CallSite | None = None) -> ProviderError:
    """The error of the tree that `exc` means. A ProviderError is given back as it is."""
    if isinstance(exc, ProviderError):
        return exc
    at = site or CallSite()
    names = {cls.__name__ for cls in type(exc).__mro__}
    if names & _TIMEOUTS:
        return TimedOut(f"{at} sent nothing in time.", hint="Try again; a large prompt can need a longer read timeout.")
    if "UnicodeEncodeError" in names or _caused_by(exc, "UnicodeEncodeError", "LocalProtocolError"):
        return unusable_key(at)
    if (fault := _fault(exc, at)) is not None:
        return from_fault(fault.status, fault.kind, fault.words, at, retry_after=fault.retry_after)
    if names & _CONNECTIONS:
        return _connection(exc, at)
    if names & _UNREADABLE:
        return BadReply(f"{at} sent a reply that is not readable ({at.quote(exc, 120)}).", hint=_ADDRESS_HINT)
    if _means_no_key(exc, names):
        return missing_key(at)
    said = at.quote(exc, 160) or type(exc).__name__
    return BadReply(f"The reply of {at} could not be followed ({said}).", hint="Try again, or choose another model.")


_ADDRESS_HINT = "Check the base URL: it should be the address of a model's API."


def missing_key(site: CallSite) -> MissingKey:
    name = site.key_env or "the key's environment variable"
    return MissingKey(f"There is no key for {site}.", hint=f"Set {name}, or choose another model.")


def unusable_key(site: CallSite) -> AuthenticationFailed:
    return AuthenticationFailed(
        f"The key for {site} holds characters that cannot be sent.",
        hint=_key_hint(site, "Copy it again, without quotes and line ends"),
    )


def from_fault(
    status: int | None, kind: str, words: str, site: CallSite, *, retry_after: float | None = None
) -> ProviderError:
    """The error for what a service said, whether by HTTP status or inside a stream. `words` and `kind` are its own."""
    said = site.quote(words) or site.quote(kind, 80) or f"HTTP {status}"
    if status is not None and 300 <= status < 400:
        return RequestRejected(
            f"{site} redirects to another address ({said}); a prompt and a key are not sent on.",
            hint="Set the base URL to the final address.",
            status=status,
        )
    if status == 413 or _TOO_LONG.search(words) or _TOO_LONG.search(kind):
        return ContextTooLong(
            f"The prompt is too long for {site.model or site}: {said}.",
            hint="Lower the context budget, include less canon, or choose a model with a larger context.",
            status=status,
        )
    if status == 402 or _NO_CREDIT.search(kind) or (status in (400, 429) and _NO_CREDIT.search(words)):
        return RequestRejected(
            f"The account at {site} has no credit for this: {said}.", hint="Add credit there, or choose another model.",
            status=status,
        )  # fmt: skip
    return _by_status(status, kind, said, site, retry_after)


def _by_status(status: int | None, kind: str, said: str, site: CallSite, retry_after: float | None) -> ProviderError:
    code = None if status == 200 else status
    if code in (401, 403) or kind in _AUTH_KINDS:
        return AuthenticationFailed(
            f"{site} did not accept the key: {said}.", hint=_key_hint(site, "Check"), status=status
        )
    if code == 429 or (code is None and kind in _RATE_KINDS):
        return RateLimited(
            f"{site} limits the rate of requests: {said}.", hint="Wait a little, or choose another model.",
            retry_after=retry_after, status=status,
        )  # fmt: skip
    if code in (408, 504) or kind in ("timeout_error", "timeout"):
        return TimedOut(f"{site} timed out: {said}.", hint="Try again.", retry_after=retry_after, status=status)
    if (code is not None and (code >= 500 or code in (409, 425))) or kind in _OVERLOADED_KINDS:
        return Overloaded(
            f"{site} is overloaded or failing: {said}.", hint="Try again in a little while.", retry_after=retry_after,
            status=status,
        )  # fmt: skip
    if code == 404:
        where = f" for {site.model}" if site.model else ""
        return RequestRejected(
            f"{site} does not know what was asked{where}: {said}.",
            hint="Check the model's name and the base URL; `studio models --check` lists what a service offers.",
            status=status,
        )
    if code is None:
        return BadReply(f"{site} broke off with an error: {said}.", hint="Try again.", status=status)
    return RequestRejected(f"{site} rejected the request: {said}.", hint="Try another model or setting.", status=status)


def retry_after_seconds(headers: object, now: datetime | None = None) -> float | None:
    """Seconds asked for by `retry-after-ms` or `retry-after` (seconds or an HTTP date), never negative."""
    get = getattr(headers, "get", None)
    if get is None:
        return None
    try:
        if (milliseconds := get("retry-after-ms")) is not None:
            return _finite(float(milliseconds) / 1000)
        if (text := get("retry-after")) is None:
            return None
        return _finite(float(text)) if re.fullmatch(r"\s*\d+(\.\d+)?\s*", text) else _until(text, now)
    except (ValueError, TypeError, OverflowError):
        return None


def error_in_body(body: object) -> tuple[str, str] | None:
    """(kind, words) of an error object in a JSON body: `{"error": {...}}`, `{"error": "..."}`, or the inner object itself."""
    match body:
        case {"error": Mapping() as inner}:
            return error_in_body(inner)
        case {"error": str(words)}:
            return "", words
        case {"message": words, **rest}:
            kind = rest.get("type") if rest.get("type") not in (None, "error") else rest.get("code")
            code = rest.get("code")
            if isinstance(code, str) and code:
                kind = code
            return str(kind or ""), str(words or "")
        case {"detail": words}:
            return "", json.dumps(words) if not isinstance(words, str) else words
    return None


def _fault(exc: BaseException, site: CallSite) -> _Fault | None:
    """The service's own words, when the exception carries an HTTP status or an error body."""
    response = getattr(exc, "response", None)
    status = getattr(exc, "status_code", None) or getattr(response, "status_code", None)
    body = getattr(exc, "body", None)
    found = error_in_body(body)
    if not isinstance(status, int) and found is None:
        return None
    kind, words = found or ("", _plain_words(body, exc, site))
    headers = getattr(response, "headers", None)
    if isinstance(status, int) and 300 <= status < 400:
        words = f"HTTP {status} to {_location(headers)}"
    if not isinstance(status, int):
        status = _code_of(body)
    return _Fault(status, kind, words, retry_after_seconds(headers))


def _plain_words(body: object, exc: BaseException, site: CallSite) -> str:
    text = body if isinstance(body, str) else str(exc)
    if re.match(r"\s*<(?:!doctype|html)", text, re.IGNORECASE):
        return "a web page instead of an answer"
    return site.quote(text)


def _code_of(body: object) -> int | None:
    """An HTTP-like number in an error frame's `code` (OpenRouter sends 429 or 502 there)."""
    code = body.get("code") if isinstance(body, Mapping) else None
    return code if isinstance(code, int) and 400 <= code < 600 else None


def _location(headers: object) -> str:
    get = getattr(headers, "get", None)
    return one_line(str(get("location") or "somewhere"), 120) if get else "somewhere"


def _connection(exc: BaseException, site: CallSite) -> ProviderError:
    if _caused_by(exc, "ConnectError", "ConnectTimeout", "gaierror", "ConnectionRefusedError"):
        return ConnectionFailed(
            f"{site} could not be reached.", hint="Check the network and the base URL, then try again."
        )
    return ConnectionFailed(f"The connection to {site} broke off.", hint="Try again; what had arrived is kept.")


def _caused_by(exc: BaseException, *names: str) -> bool:
    seen: BaseException | None = exc
    for _ in range(8):
        if seen is None:
            return False
        if {cls.__name__ for cls in type(seen).__mro__} & set(names):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _means_no_key(exc: BaseException, names: set[str]) -> bool:
    text = str(exc)
    if "TypeError" in names:
        return "authentication method" in text
    return "OpenAIError" in names and ("api_key" in text or "credentials" in text)


def _key_hint(site: CallSite, verb: str) -> str:
    return f"{verb}: {site.key_env}." if site.key_env else f"{verb} its key."


def _until(text: str, now: datetime | None) -> float | None:
    moment = parsedate_to_datetime(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - (now or datetime.now(UTC))).total_seconds(), 0.0)


def _finite(seconds: float) -> float | None:
    return seconds if 0 <= seconds < float("inf") else None
