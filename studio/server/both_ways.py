"""One WebSocket from its acceptance to its end: it is read until the client goes or the gateway closes."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol

from starlette.websockets import WebSocket, WebSocketDisconnect

from studio.server.gateway import Gateway

_GOING_AWAY = 1001


class Line(Protocol):
    """A client's side of the talk. `end` lets go of what was begun for it."""

    async def read(self) -> None: ...

    async def end(self) -> None: ...


async def until_closed(socket: WebSocket, gateway: Gateway, line: Line) -> None:
    """Read an accepted socket until one side closes."""
    reading = asyncio.ensure_future(line.read())
    closing = asyncio.ensure_future(gateway.closing.wait())
    try:
        await asyncio.wait({reading, closing}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        reading.cancel()
        closing.cancel()
        await asyncio.gather(reading, closing, return_exceptions=True)
        await line.end()
    if gateway.closing.is_set():
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await socket.close(_GOING_AWAY)
