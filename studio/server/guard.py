"""ASGI: what every request passes before a route sees it (Host, Origin, rate, token), and how a refusal is answered."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.domain.errors import StudioError
from studio.protocol import codec
from studio.server import pages
from studio.server.auth import bearer, check_host, check_origin, cookie_in, cookie_name
from studio.server.gateway import Gateway
from studio.server.refusals import HeadersTooLarge, NoRoute, TooMany, Unauthorized, WrongMethod, failure, status_of

log = logging.getLogger(__name__)

OPEN_PATHS = frozenset({"/login"})
_SAFE = frozenset({"GET", "HEAD"})
_HEADERS = {
    "content-security-policy": pages.POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


class Guard:
    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self._app = app
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            started = True
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                add_headers(MutableHeaders(scope=message))
            await send(message)

        try:
            self._check(scope)
            await self._app(scope, receive, send_guarded)
        except StudioError as error:
            if not started:
                answer = refusal(error, wants_html(scope))
                # The body was not read: a client that never sends it would keep the connection.
                answer.headers["connection"] = "close"
                await answer(scope, receive, send_guarded)

    def _check(self, scope: Scope) -> None:
        _check_size(scope, self._gateway.limits.header_bytes)
        headers = _headers(scope)
        address = scope["client"][0] if scope.get("client") else ""
        check_host(headers.get("host", ""), self._gateway.settings.names)
        by_token = bool(headers.get("authorization"))
        changes = scope["type"] == "websocket" or scope["method"] not in _SAFE
        check_origin(headers, required=changes and not by_token and scope["path"] not in OPEN_PATHS)
        self._gateway.requests.take(address)
        if scope["path"] not in OPEN_PATHS:
            check_token(self._gateway, headers, address)


def _check_size(scope: Scope, most: int) -> None:
    """The server's own bound holds for headers that are not complete yet; those that come in one piece are measured here."""
    size = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    if size + len(scope.get("raw_path") or b"") + len(scope["query_string"]) > most:
        raise HeadersTooLarge(f"The headers are larger than {most} bytes.")


def check_token(gateway: Gateway, headers: Mapping[str, str], address: str) -> None:
    """Raises Unauthorized, and TooMany for a client that guesses. The right token passes always: on loopback all are one client."""
    token = gateway.settings.token
    given = bearer(headers.get("authorization", ""))
    cookie = cookie_in(headers.get("cookie", ""), cookie_name(gateway.settings.port))
    if (given and token.accepts(given)) or (not given and cookie and token.accepts_cookie(cookie)):
        return
    if given or cookie:
        gateway.failures.take(address)
        raise Unauthorized("The token is not the right one.", hint=f"It comes from {token.source}.")
    raise Unauthorized(
        "A token is needed.", hint="Send `Authorization: Bearer TOKEN`; `studio serve` says where it is."
    )


def _headers(scope: Scope) -> dict[str, str]:
    """By name; of one that is sent twice, all values joined, so that none of two Hosts passes for the other."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1")
        found[key] = f"{found[key]}, {value.decode('latin-1')}" if key in found else value.decode("latin-1")
    return found


def add_headers(headers: MutableHeaders) -> None:
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("cache-control", "no-store")


def wants_html(scope: Scope) -> bool:
    """Whether a person's browser asks for a page, not a program for data."""
    accepts = _headers(scope).get("accept", "")
    return scope["type"] == "http" and "text/html" in accepts and not scope["path"].startswith("/api/")


def refusal(error: StudioError, html: bool = False) -> Response:
    status = status_of(error)
    headers = {"retry-after": str(error.retry_after)} if isinstance(error, TooMany) else {}
    if status == 401:
        headers["www-authenticate"] = "Bearer"
        if html:
            return HTMLResponse(pages.entrance(), status, headers)
    return Response(codec.encode(failure(error)) + b"\n", status, headers, "application/json")


async def on_error(request: Request, error: Exception) -> Response:
    """A refusal inside a route."""
    assert isinstance(error, StudioError)
    return refusal(error, wants_html(request.scope))


async def on_http_error(request: Request, error: Exception) -> Response:
    """Starlette's own: no such route, another method."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        answer = refusal(WrongMethod(f"{request.method} is not possible here.", hint="See /openapi.json."))
    else:
        answer = refusal(NoRoute("There is nothing at this address.", hint="See /openapi.json."))
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    return answer


async def on_unexpected(request: Request, error: Exception) -> Response:
    """The details are in the log; the answer says what kind it was."""
    log.error("unexpected: %s %s", request.method, request.url.path, exc_info=error)
    return refusal(StudioError(f"Something unexpected went wrong ({type(error).__name__})."))
