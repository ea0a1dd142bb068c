"""The ASGI app: routes from the tables of endpoints, behind the guard and the limits. Started by `serving`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from studio.domain.errors import StudioError
from studio.protocol.client import EngineClient
from studio.server import guard, openapi, pages, terminal
from studio.server.asked import Asked, Endpoint
from studio.server.auth import cookie_name
from studio.server.builds import endpoints as builds
from studio.server.builds import progress
from studio.server.gateway import Gateway, Settings
from studio.server.limits import BoundedBodies
from studio.server.reference import reference
from studio.server.refusals import BadRequest, TooMany, TooSlow
from studio.server.routes import engine, events, socket
from studio.server.story import endpoints as story

_COOKIE_SECONDS = 30 * 86_400


def endpoints() -> tuple[Endpoint, ...]:
    """Every JSON endpoint, in the order of the document."""
    return (*story.endpoints(), *builds.endpoints(), *engine.endpoints())


def create_app(settings: Settings, client: EngineClient) -> tuple[ASGIApp, Gateway]:
    """The app, and the state that its server needs for the invitation and for closing streams."""
    gateway = Gateway(settings, client)
    inner = Starlette(
        routes=_routes(gateway),
        exception_handlers={
            StudioError: guard.on_error,
            HTTPException: guard.on_http_error,
            Exception: guard.on_unexpected,
        },
    )
    # A redirect for a slash too many would lose the body of a POST.
    inner.router.redirect_slashes = False
    return guard.Guard(BoundedBodies(inner, settings.limits), gateway), gateway


def _routes(gateway: Gateway) -> list[BaseRoute]:
    table = endpoints()
    document = openapi.document(table)
    raw = msgspec.json.encode(document)
    page = reference(document)

    async def show_document(request: Request) -> Response:
        return Response(raw, media_type="application/json")

    async def show_page(request: Request) -> Response:
        return HTMLResponse(page)

    async def enter(request: Request) -> Response:
        return await _enter(gateway, request)

    async def stream(request: Request) -> Response:
        return events.EventStream(gateway, events.after_of(request))  # type: ignore[return-value]  # ty: ignore[invalid-explicit-return]  # an ASGI answer

    async def home(request: Request) -> Response:
        return RedirectResponse("/terminal" if web else "/reference", 303)

    static = terminal.assets()
    web = terminal.routes(gateway, gateway.settings.terminal, static) if static and gateway.settings.terminal else []

    return [
        Route("/", home),
        Route("/reference", show_page),
        Route("/openapi.json", show_document),
        Route("/login", enter, methods=["GET", "POST"]),
        Route("/api/events", stream),
        WebSocketRoute("/api/ws", _talking(gateway, socket.serve)),
        WebSocketRoute("/api/progress", _talking(gateway, progress.serve)),
        *web,
        *(Route(one.path, _served(gateway, one), methods=[one.method], name=one.name) for one in table),
    ]


def _talking(
    gateway: Gateway, serve: Callable[[WebSocket, Gateway], Awaitable[None]]
) -> Callable[[WebSocket], Awaitable[None]]:
    async def talk(web_socket: WebSocket) -> None:
        try:
            await serve(web_socket, gateway)
        except TooMany as error:
            await web_socket.send_denial_response(guard.refusal(error))

    return talk


def _served(gateway: Gateway, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        asked = await Asked.of(gateway, request)
        try:
            async with asyncio.timeout(gateway.limits.answer_seconds):
                answer = await endpoint.handler(asked)
        except TimeoutError as error:
            raise TooSlow(
                f"There was no answer within {gateway.limits.answer_seconds:.0f} s; what was begun goes on.",
                hint="Ask again; with the same Idempotency-Key nothing happens twice.",
            ) from error
        # The newline is for people with curl: without it their prompt stands behind the answer.
        return Response(msgspec.json.encode(answer) + b"\n", media_type="application/json")

    return serve


async def _enter(gateway: Gateway, request: Request) -> Response:
    """`GET /login?code=...` with the invitation, or the token from the form: sets the cookie."""
    address = request.client.host if request.client else ""
    if request.method == "POST":
        welcome = gateway.settings.token.accepts(await _form_token(request))
        words = "The token is not the right one."
    elif code := request.query_params.get("code", ""):
        welcome = gateway.invitation.accepts(code)
        words = "This link was used already, or belongs to an earlier start."
    else:
        return HTMLResponse(pages.entrance())
    if not welcome:
        gateway.failures.take(address)
        return HTMLResponse(pages.entrance(words), 401)
    answer = HTMLResponse(pages.welcome())
    answer.set_cookie(
        cookie_name(gateway.settings.port), gateway.settings.token.cookie, max_age=_COOKIE_SECONDS, httponly=True,
        samesite="strict", secure=request.url.scheme == "https",
    )  # fmt: skip
    return answer


async def _form_token(request: Request) -> str:
    try:
        fields = parse_qs((await request.body()).decode("ascii"), max_num_fields=4)
    except ValueError as error:
        raise BadRequest("The form could not be read.") from error
    return fields.get("token", [""])[0].strip()
