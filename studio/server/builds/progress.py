"""`/api/progress`: what happens to changes, in ready words, over a WebSocket; each message has the journal's sequence to resume by.

```text
client: {"type": "subscribe-task", "taskId", "after"?}  {"type": "unsubscribe-task", "taskId"}  {"type": "ping"}
server: {"type", "taskId", "message", "data", "timestamp", "seq"}   type: status, progress, unsubscribed, pong or error
```
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Literal, cast

import msgspec
from msgspec import Meta
from starlette.websockets import WebSocket, WebSocketDisconnect

from studio.domain.errors import BadInput, NotFound, StudioError
from studio.protocol import build_queries as bq
from studio.protocol.build_views import BuildView
from studio.protocol.client import EngineClient
from studio.protocol.events import AnyEvent, Lagged
from studio.server.asked import read_json
from studio.server.both_ways import until_closed
from studio.server.builds.answers import status_of
from studio.server.builds.telling import Telling, happened
from studio.server.gateway import Gateway
from studio.server.refusals import TooMany, failure

log = logging.getLogger(__name__)

SUBSCRIPTIONS = 16
"""Changes that one connection may watch at the same time."""
_LAST = 2**63 - 1

TaskId = Annotated[str, Meta(min_length=1, max_length=400)]


class _Request(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, tag_field="type"):
    """Base of what a client sends."""


class SubscribeTask(_Request, frozen=True, kw_only=True, tag="subscribe-task"):
    """`task_id` is a change, the sender's own build id, or the task of an assignment. `after` is the last sequence that was seen:
    what happened since comes first. Without it the messages begin now."""

    task_id: TaskId
    after: Annotated[int, Meta(ge=0, le=_LAST)] | None = None


class UnsubscribeTask(_Request, frozen=True, kw_only=True, tag="unsubscribe-task"):
    task_id: TaskId


class Ping(_Request, frozen=True, kw_only=True, tag="ping"):
    pass


Asked = SubscribeTask | UnsubscribeTask | Ping


class Told(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One message. `seq` of a status is where its messages go on from: the newest seen is always the one to resume after."""

    type: Literal["status", "progress", "unsubscribed", "pong", "error"]
    task_id: str
    message: str
    data: object
    timestamp: datetime
    seq: int = 0


async def serve(socket: WebSocket, gateway: Gateway) -> None:
    """Until one side closes."""
    with gateway.stream():
        await socket.accept()
        await until_closed(socket, gateway, _Line(socket, gateway))


class _Line:
    """One client with what it watches, by the ids that it gave."""

    def __init__(self, socket: WebSocket, gateway: Gateway) -> None:
        self._socket = socket
        self._gateway = gateway
        self._address = socket.client.host if socket.client else ""
        self._watches: dict[str, asyncio.Task[None]] = {}

    async def read(self) -> None:
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                message = await self._socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                raw = message.get("text") or message.get("bytes") or b""
                await self._answer(raw.encode() if isinstance(raw, str) else raw)

    async def end(self) -> None:
        left = list(self._watches.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _answer(self, raw: bytes) -> None:
        try:
            self._gateway.requests.take(self._address)
            asked: Asked = read_json(raw, cast("type[Asked]", Asked), self._gateway.limits.nesting)
            await self._carry_out(asked)
        except StudioError as error:
            await self._refuse("", error)

    async def _carry_out(self, asked: Asked) -> None:
        match asked:
            case SubscribeTask():
                await self._stop(asked.task_id)
                if len(self._watches) >= SUBSCRIPTIONS:
                    raise TooMany(f"{SUBSCRIPTIONS} tasks are watched already.", hint="Unsubscribe from one of them.")
                watch = asyncio.create_task(self._watch(asked), name=f"progress of {asked.task_id}")
                self._watches[asked.task_id] = watch
            case UnsubscribeTask():
                if not await self._stop(asked.task_id):
                    raise BadInput("This task is not watched.", hint="Subscribe to it first.")
                await self._tell(_told("unsubscribed", asked.task_id, "No more messages of this task."))
            case Ping():
                await self._tell(_told("pong", "", "Still here."))

    async def _stop(self, task_id: str) -> bool:
        task = self._watches.pop(task_id, None)
        if task is None:
            return False
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return True

    async def _watch(self, asked: SubscribeTask) -> None:
        try:
            await self._follow(asked)
            error = StudioError("The engine has ended the stream.", hint="Subscribe again after the last seq.")
        except StudioError as refused:
            error = refused
        except Exception as problem:
            log.exception("unexpected")
            error = StudioError(f"Something went wrong ({type(problem).__name__}).", hint="Subscribe again.")
        await self._refuse(asked.task_id, error)
        if self._watches.get(asked.task_id) is asyncio.current_task():
            del self._watches[asked.task_id]

    async def _follow(self, asked: SubscribeTask) -> None:
        client = self._gateway.client
        build = await _find(client, asked.task_id)
        after = build.seq if asked.after is None else asked.after
        if after > build.seq:
            raise BadInput(
                f"The journal has come to {build.seq}; nothing can be told after {after}.",
                hint="Send the newest seq of this project's own messages, or none.",
            )
        data = {**msgspec.to_builtins(status_of(build)), "seq": build.seq}
        await self._tell(_told("status", asked.task_id, build.next_action, data=data, seq=after))
        telling = Telling(client, build.page)
        async with contextlib.aclosing(journal_after(client, after)) as events:
            async for event in events:
                message = await telling.of(event)
                if message is not None:
                    values = msgspec.to_builtins(event)
                    told = _told("progress", asked.task_id, message, data=values, seq=event.seq, at=happened(event))
                    await self._tell(told)

    async def _refuse(self, task_id: str, error: StudioError) -> None:
        body = failure(error).error
        await self._tell(_told("error", task_id, body.message, data=body))

    async def _tell(self, told: Told) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self._socket.send_text(msgspec.json.encode(told).decode())


def _told(
    kind: Literal["status", "progress", "unsubscribed", "pong", "error"],
    task_id: str,
    message: str,
    *,
    data: object = None,
    seq: int = 0,
    at: datetime | None = None,
) -> Told:
    values = {} if data is None else data
    return Told(
        type=kind, task_id=task_id, message=message, data=values, timestamp=at or datetime.now(UTC), seq=seq
    )  # fmt: skip


async def _find(client: EngineClient, task_id: str) -> BuildView:
    """The change of an id, or of an assignment's task, which is the change with a stage behind it."""
    try:
        return await client.query(bq.GetBuild(page=task_id))
    except NotFound:
        page, colon, _ = task_id.rpartition(":")
        if not colon:
            raise
        return await client.query(bq.GetBuild(page=page))


async def journal_after(client: EngineClient, after: int) -> AsyncGenerator[AnyEvent, None]:
    """Durable events behind `after`, then those that come. A reader that was too slow is not told: it goes on where it was."""
    lagged = True
    while lagged:
        lagged = False
        async with client.subscribe(after) as events:
            async for event in _durable(events):
                if isinstance(event, Lagged):
                    lagged = True
                    break
                after = event.seq
                yield event


async def _durable(events: AsyncIterator[AnyEvent]) -> AsyncGenerator[AnyEvent, None]:
    async for event in events:
        if event.seq or isinstance(event, Lagged):
            yield event
