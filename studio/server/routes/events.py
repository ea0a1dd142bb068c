"""`GET /api/events`: the engine's events as server-sent events. The id of an event is its journal sequence."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator

from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from studio.protocol import codec
from studio.protocol.events import AnyEvent, Lagged
from studio.server.gateway import Gateway
from studio.server.refusals import BadRequest

HEARTBEAT_SECONDS = 15.0
_RETRY = b"retry: 1000\n\n"
_BEAT = b": still here\n\n"
_LAST = 2**63 - 1


def after_of(request: Request) -> int | None:
    """The sequence to go on after: the Last-Event-ID of a browser that reconnects, else `?after=`. Raises BadRequest."""
    given = request.headers.get("last-event-id") or request.query_params.get("after")
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 20 and int(given) <= _LAST):
        raise BadRequest("Last-Event-ID and `after` are journal sequences: whole numbers from 0 on.")
    return int(given)


def frame(event: AnyEvent) -> bytes:
    """One server-sent event. A transient event has no id, so that a browser's Last-Event-ID stays a journal sequence."""
    tag = str(type(event).__struct_config__.tag)
    head = b"id: %d\n" % event.seq if event.seq else b""
    return b"%sevent: %s\ndata: %s\n\n" % (head, tag.encode(), codec.encode(event))


class EventStream:
    """An ASGI answer: ends when the reader goes, when it lags too far behind (it resumes by its id), or with the gateway."""

    def __init__(self, gateway: Gateway, after: int | None) -> None:
        self._gateway = gateway
        self._after = after
        self._started = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises the engine's refusal as long as nothing is sent."""
        with self._gateway.stream():
            sending = asyncio.ensure_future(self._send_all(send))
            others = [asyncio.ensure_future(_left(receive)), asyncio.ensure_future(self._gateway.closing.wait())]
            try:
                await asyncio.wait({sending, *others}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (sending, *others):
                    task.cancel()
                await asyncio.gather(sending, *others, return_exceptions=True)
            if not self._started and not sending.cancelled() and (error := sending.exception()):
                raise error
            if self._started:
                await send({"type": "http.response.body", "body": b""})

    async def _send_all(self, send: Send) -> None:
        async with (
            self._gateway.client.subscribe(self._after) as events,
            contextlib.aclosing(_pieces(events)) as pieces,
        ):
            await send(_start())
            self._started = True
            await _send(send, _RETRY)
            async for piece in pieces:
                await _send(send, piece)


async def _pieces(events: AsyncIterator[AnyEvent]) -> AsyncGenerator[bytes, None]:
    """Each event's frame, and a comment where none came for a while: it keeps proxies from closing and finds readers gone."""
    waiting: asyncio.Future[AnyEvent | None] | None = None
    try:
        while True:
            waiting = waiting or asyncio.ensure_future(anext(events, None))
            await asyncio.wait({waiting}, timeout=HEARTBEAT_SECONDS)
            if not waiting.done():
                yield _BEAT
                continue
            event, waiting = waiting.result(), None
            if event is None:
                return
            yield frame(event)
            if isinstance(event, Lagged):
                return
    finally:
        if waiting is not None:
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await waiting


def _start() -> Message:
    headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]
    return {"type": "http.response.start", "status": 200, "headers": headers}


async def _send(send: Send, piece: bytes) -> None:
    await send({"type": "http.response.body", "body": piece, "more_body": True})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
