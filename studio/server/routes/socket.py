"""`/api/ws`: commands, queries and one subscription over a WebSocket, in the frames of `protocol.wire` (without its hello)."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from starlette.websockets import WebSocket, WebSocketDisconnect

from studio.domain.errors import BadInput, Refused, StudioError
from studio.protocol import wire
from studio.protocol.commands import Command
from studio.protocol.queries import Query
from studio.server.both_ways import until_closed
from studio.server.gateway import Gateway
from studio.server.limits import check_nesting

log = logging.getLogger(__name__)

_AT_ONCE = 8


async def serve(socket: WebSocket, gateway: Gateway) -> None:
    """Until one side closes. What was begun for a client that has gone is finished by the engine."""
    with gateway.stream():
        await socket.accept()
        await until_closed(socket, gateway, _Talk(socket, gateway))


class _Talk:
    """One client: at most `_AT_ONCE` requests are carried out together, so that a slow query holds up no command."""

    def __init__(self, socket: WebSocket, gateway: Gateway) -> None:
        self._socket = socket
        self._gateway = gateway
        self._address = socket.client.host if socket.client else ""
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._subscription: asyncio.Task[None] | None = None
        self._sub = 0

    async def read(self) -> None:
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                message = await self._socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                raw = message.get("text") or message.get("bytes") or b""
                await self._free.acquire()
                task = asyncio.create_task(self._guarded(raw.encode() if isinstance(raw, str) else raw))
                self._tasks.add(task)
                task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._free.release()

    async def end(self) -> None:
        left = [*self._tasks, *([self._subscription] if self._subscription else [])]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _guarded(self, raw: bytes) -> None:
        request_id: int | None = None
        try:
            self._gateway.requests.take(self._address)
            check_nesting(raw, self._gateway.limits.nesting)
            request = wire.read_request(raw)
            request_id = request.id
            answer = await self._answer(request)
        except StudioError as error:
            answer = wire.error_line(error, request_id)
        except Exception as error:
            log.exception("unexpected")
            answer = wire.error_line(StudioError(f"Something went wrong ({type(error).__name__})."), request_id)
        await self._send(answer)

    async def _answer(self, request: wire.Request) -> bytes:
        args = None if request.op in wire.CONTROLS else wire.read_args(request)
        if isinstance(args, Command):
            done = await self._gateway.client.execute(args, request=request.req)  # type: ignore[arg-type]
            return wire.answer_line(request.id, done)
        if isinstance(args, Query):
            return wire.answer_line(request.id, await self._gateway.client.query(args))
        return await self._control(request)

    async def _control(self, request: wire.Request) -> bytes:
        match request.op:
            case "ping":
                wire.read_args(request)
            case "subscribe":
                given = wire.read_args(request)
                await self._unsubscribe()
                self._sub = request.id
                self._subscription = asyncio.create_task(self._forward(request.id, given.after))
            case "unsubscribe":
                if wire.read_args(request).sub != self._sub:
                    raise BadInput("There is no such subscription.")
                await self._unsubscribe()
            case _:
                raise Refused(f"{request.op!r} is for the engine's own socket.", hint="Use `studio engine` in a shell.")
        return wire.answer_line(request.id, wire.Acknowledged())

    async def _unsubscribe(self) -> None:
        task, self._subscription, self._sub = self._subscription, None, 0
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _forward(self, sub: int, after: int | None) -> None:
        try:
            async with self._gateway.client.subscribe(after) as events:
                async for event in events:
                    await self._send(wire.event_line(sub, event))
        except StudioError as error:
            await self._send(wire.error_line(error, sub))
        await self._send(wire.line({"sub": sub, "end": True}))

    async def _send(self, line: bytes) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self._socket.send_text(line.decode().rstrip("\n"))
