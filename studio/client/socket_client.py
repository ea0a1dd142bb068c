"""`SocketClient`: an `EngineClient` over the engine's socket that finds the engine again when the connection is lost."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from studio.client.feed import Feed
from studio.client.link import Link
from studio.domain.errors import BadInput, NotFound, StorageError, StudioError
from studio.domain.ids import new_id
from studio.protocol import wire
from studio.protocol.client import LinkState
from studio.protocol.codec import decode_event
from studio.protocol.commands import AnyCommand, Done
from studio.protocol.events import AnyEvent
from studio.protocol.queries import Query
from studio.protocol.views import View

log = logging.getLogger(__name__)

R = TypeVar("R", bound=View)
S = TypeVar("S", bound=msgspec.Struct)

TICK_SECONDS = 1.5
"""After two ticks without a frame the engine is asked for one, after two more it is called silent: 6 s at most."""
_ASK_AFTER, _SILENT_AFTER = 2, 4
RETRY_SECONDS = 2.0
GIVE_WAY_SECONDS = 1.0


@dataclass(slots=True)
class _Asked:
    """A request without an answer. `again` is safe to send to the next engine."""

    line: bytes
    answer: asyncio.Future[bytes]
    again: bool


class SocketClient:
    """Implements `protocol.client.LinkedClient`; made by `client.attach.attach`, on the loop that it is used on.

    While the connection is lost, requests wait; they are sent again with their key, and subscriptions go on after the last
    sequence they saw. When no engine can be reached, waiting requests get that error, and it is tried again.
    """

    def __init__(self, root: Path, link: Link, again: Callable[[], Awaitable[Link]], who: wire.Introduction) -> None:
        self.root = root
        self.on_state: Callable[[LinkState, str], None] = lambda state, words: None
        self.state = LinkState.CONNECTED
        self._again = again
        self._who = who
        self._link: Link | None = None
        self._ids = itertools.count(1)
        self._asked: dict[int, _Asked] = {}
        self._feeds: dict[int, Feed] = {}
        self._closed = False
        self._bye = ""
        self._quiet_ticks = 0
        self._reviving: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._take_link(link)
        self._watching = asyncio.create_task(self._watch(), name="engine watch")

    @property
    def hello(self) -> wire.Hello | None:
        """What the engine said last; None while there is none."""
        return self._link.hello if self._link else None

    # EngineClient

    async def execute(self, command: AnyCommand, *, request: str | None = None) -> Done:
        op = str(command.__struct_config__.tag)
        return msgspec.json.decode(await self._ask(op, command, request or new_id()), type=Done)

    async def query(self, query: Query[R]) -> R:
        op = str(query.__struct_config__.tag)
        answer: Any = msgspec.json.decode(await self._ask(op, query), type=wire.ANSWERS[op])
        return answer  # type: ignore[no-any-return]  # ANSWERS has the query's own view

    @asynccontextmanager
    async def subscribe(self, after: int | None = None) -> AsyncGenerator[AsyncIterator[AnyEvent]]:
        feed = Feed(after)
        number = next(self._ids)
        self._feeds[number] = feed
        try:
            raw = await self._ask("subscribe", wire.SubscribeArgs(after=after), number=number)
            feed.begin(msgspec.json.decode(raw, type=wire.Subscribed).after)
            yield feed.events()
        finally:
            del self._feeds[number]
            if self._link is not None:
                self._link.write(wire.request_line(next(self._ids), "unsubscribe", wire.UnsubscribeArgs(sub=number)))

    async def aclose(self) -> None:
        """Let go of the engine, which goes on. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        tasks = [task for task in (self._watching, self._reviving, self._reading) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        self._fail(_closed_error())
        for feed in self._feeds.values():
            feed.end()
        if self._link is not None:
            await self._link.aclose()

    # The engine process

    async def engine_status(self) -> wire.EngineStatus:
        return await self._control("status", wire.NoArgs(), wire.EngineStatus)

    async def drain(self, reason: str = "stop") -> str:
        """Let the engine leave when its drafts have ended; what it answers."""
        args = msgspec.convert({"reason": reason}, wire.LeaveArgs)
        return (await self._control("drain", args, wire.Acknowledged)).message

    async def stop_engine(self, reason: str = "stop") -> None:
        """End the engine now; running drafts keep their text. Returns when it has let go of this connection."""
        link = self._link
        args = msgspec.convert({"reason": reason}, wire.LeaveArgs)
        await self._control("stop", args, wire.Acknowledged)
        if link is not None and self._reading is not None:
            await asyncio.wait({self._reading})

    async def _control(self, op: str, args: msgspec.Struct, answer: type[S]) -> S:
        return msgspec.json.decode(await self._ask(op, args, again=False), type=answer)

    # Requests

    async def _ask(
        self, op: str, args: msgspec.Struct, req: str | None = None, *, number: int | None = None, again: bool = True
    ) -> bytes:
        if self._closed:
            raise _closed_error()
        number = next(self._ids) if number is None else number
        line = wire.request_line(number, op, args, req)
        if len(line) > wire.MAX_REQUEST:
            raise BadInput(f"That is more than {wire.MAX_REQUEST / 1e6:.0f} MB at once.", hint="Send a shorter text.")
        asked = _Asked(line, asyncio.get_running_loop().create_future(), again)
        self._asked[number] = asked
        try:
            if self._link is not None:
                self._link.write(line)
            else:
                self._revive_soon()
            return await asked.answer
        finally:
            self._asked.pop(number, None)

    def _fail(self, error: StudioError, *, also_safe: bool = True) -> None:
        """Give waiting requests an error: all, or those that must not be sent again."""
        for asked in self._asked.values():
            if (also_safe or not asked.again) and not asked.answer.done():
                asked.answer.set_exception(error)

    # Frames

    def _take_link(self, link: Link) -> None:
        self._link = link
        self._bye = ""
        self._quiet_ticks = 0
        link.write(wire.request_line(0, "hello", self._who))
        self._reading = asyncio.create_task(self._read(link), name="engine frames")

    async def _read(self, link: Link) -> None:
        try:
            while (raw := await link.read()) is not None:
                self._quiet_ticks = 0
                if self.state is LinkState.SILENT:
                    self._tell(LinkState.CONNECTED, "The engine answers again.")
                self._take(raw)
        except StudioError as error:
            log.warning("the connection is given up: %s", error)
            self._fail(error)
        self._lost(link)

    def _take(self, raw: bytes) -> None:
        frame = wire.read_frame(raw)
        if frame.sub is not None:
            self._take_event(frame.sub, raw, ended=frame.end)
        elif frame.id is not None:
            asked = self._asked.get(frame.id)
            if asked is None or asked.answer.done():
                return
            if frame.err is not None:
                asked.answer.set_exception(wire.as_error(frame.err))
            else:
                asked.answer.set_result(bytes(frame.ok))
        elif frame.bye is not None:
            self._bye = frame.bye
        elif frame.err is not None:
            self._fail(wire.as_error(frame.err))

    def _take_event(self, number: int, raw: bytes, *, ended: bool) -> None:
        feed = self._feeds.get(number)
        if feed is None:
            return
        if ended:
            if not self._bye:
                feed.end()
            return
        try:
            feed.offer(decode_event(raw))
        except BadInput:
            log.info("an event of a kind that is unknown here was passed over")

    # Losing the connection, and finding the engine again

    def _lost(self, link: Link) -> None:
        if self._link is not link:
            return
        self._link = None
        link.close()
        if self._closed:
            return
        self._fail(StorageError("The engine has gone before it answered.", hint="Try again."), also_safe=False)
        if self._bye == "stop" and not self._asked:
            self._tell(LinkState.STOPPED, "The engine was stopped. The next thing you do starts it again.")
            return
        self._tell(LinkState.RECONNECTING, "The connection to the engine is lost; reconnecting.")
        self._revive_soon()

    def _revive_soon(self) -> None:
        if self._reviving is None or self._reviving.done():
            self._reviving = asyncio.create_task(self._revive(), name="engine again")

    async def _revive(self) -> None:
        if self._bye == "restart":
            # Whoever asked for it starts the next one: two of different versions would end each other's in turns.
            await asyncio.sleep(GIVE_WAY_SECONDS)
        while True:
            try:
                link = await self._again()
                break
            except StudioError as error:
                self._fail(error)
                self._tell(LinkState.FAILED, str(error))
                if isinstance(error, NotFound) or not self._feeds:
                    return
            await asyncio.sleep(RETRY_SECONDS)
        self._take_link(link)
        for number, feed in self._feeds.items():
            if feed.established:
                link.write(wire.request_line(number, "subscribe", wire.SubscribeArgs(after=feed.last)))
        for _, asked in sorted(self._asked.items()):
            link.write(asked.line)
        self._tell(LinkState.CONNECTED, "Connected again.")

    async def _watch(self) -> None:
        """Ask an engine that says nothing for a sign of life. Ticks are counted, not seconds: this program may have been stopped too."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if self._link is None or self.state is LinkState.SILENT:
                continue
            self._quiet_ticks += 1
            if self._quiet_ticks == _ASK_AFTER:
                self._link.write(wire.request_line(next(self._ids), "ping", wire.NoArgs()))
            elif self._quiet_ticks >= _SILENT_AFTER:
                words = f"The engine (process {self._link.hello.engine_pid}) does not answer."
                hint = "What was asked may still be done. `studio engine kill` ends it; a running draft keeps its text."
                self._tell(LinkState.SILENT, f"{words} {hint}")
                self._fail(StorageError(words, hint=hint))

    def _tell(self, state: LinkState, words: str) -> None:
        self.state = state
        try:
            self.on_state(state, words)
        except Exception:
            log.exception("a listener of the connection failed")


def _closed_error() -> StorageError:
    return StorageError("The connection to the engine is closed.", hint="Start the program again.")
