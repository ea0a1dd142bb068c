"""One attached client: its requests in, and answers and events out on one ordered stream."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from studio.domain.errors import BadInput, Refused, StudioError
from studio.domain.ids import new_id
from studio.domain.text import one_line
from studio.engine.open_project import Call
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.protocol import wire

if TYPE_CHECKING:
    from studio.daemon.host import EngineHost
    from studio.engine.engine import Engine

log = logging.getLogger(__name__)

# A client that sends and never reads is held to this many unread answers; its next request waits in the kernel.
AT_ONCE = 32
# Above this many unsent bytes a subscription waits, and falls behind in the engine's bounded queue: then it gets `Lagged`.
UNSENT_BYTES = 1 << 20
FAREWELL_SECONDS = 1.0

_STARTS_A_DRAFT = (c.Generate, c.Revise, c.Resume)


class Connection:
    """Served by `serve` until either side leaves. Commands that were begun go on when the client is gone."""

    def __init__(
        self, host: EngineHost, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, you: wire.You
    ) -> None:
        self.id = new_id()
        self.view = False
        self._host = host
        self._reader = reader
        self._writer = writer
        self._you = you
        self._actor = you.user
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._pumps: dict[int, asyncio.Task[None]] = {}
        writer.transport.set_write_buffer_limits(high=UNSENT_BYTES)
        self._controls: dict[str, Callable[[wire.Request, Any], Awaitable[None]]] = {
            "hello": self._introduce,
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "ping": self._ping,
            "status": self._status,
            "drain": self._drain,
            "stop": self._stop,
        }

    async def serve(self) -> None:
        """Say hello, then answer until the client leaves."""
        try:
            engine = await self._host.engine()
            self._write(wire.line({"hello": await self._host.hello(self._you)}))
            await self._listen(engine)
        except StudioError as error:
            self._write(wire.error_line(error))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except Exception as error:
            log.exception("a connection failed")
            self._write(
                wire.error_line(StudioError(f"The engine failed ({type(error).__name__}).", hint="See its log."))
            )
        finally:
            await self._end()

    def say_goodbye(self, reason: str) -> None:
        """The last frame; then the client sees the end of the stream, also when it does not read."""
        self._write(wire.line({"bye": reason}))
        self._close()

    async def _listen(self, engine: Engine) -> None:
        while not self._host.leaving:
            try:
                raw = await self._reader.readuntil(b"\n")
            except asyncio.LimitOverrunError as error:
                raise BadInput(
                    f"The request is larger than {wire.MAX_REQUEST / 1e6:.0f} MB.", hint="Send less at once."
                ) from error
            if self._host.leaving:
                return
            await self._slots.acquire()
            self._start(self._answer(engine, raw))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, engine: Engine, raw: bytes) -> None:
        request_id: int | None = None
        try:
            request = wire.read_request(raw)
            request_id = request.id
            args = wire.read_args(request)
            if isinstance(args, c.Command):
                self._reply(request, await self._execute(engine, args, request.req))
            elif isinstance(args, q.Query):
                self._reply(request, await self._query(engine, args))
            else:
                await self._controls[request.op](request, args)
            await self._writer.drain()
        except StudioError as error:
            self._write(wire.error_line(error, request_id))
        except ConnectionError:
            pass
        except Exception as error:
            log.exception("a request failed")
            self._write(wire.error_line(StudioError(f"The engine failed ({type(error).__name__})."), request_id))
        finally:
            self._slots.release()

    async def _execute(self, engine: Engine, command: Any, request: str | None) -> c.Done:
        if self.view and not isinstance(command, c.KeepPlace):
            raise Refused("This terminal only looks (--view).", hint="Open the project without --view to change it.")
        if not isinstance(command, c.KeepWords):
            self._host.check_place()
        if self._host.draining and isinstance(command, _STARTS_A_DRAFT):
            raise Refused(
                "The engine takes no new drafts: it leaves once the running ones have ended.",
                hint="Try again in a while, or see: studio engine status",
            )
        return await engine.execute(command, Call(self._actor, request, self.id, self.view))

    async def _query(self, engine: Engine, query: q.Query[v.View]) -> v.View:
        answer = await engine.query(query, self._actor)
        if isinstance(answer, v.PresenceView):
            people = (msgspec.structs.replace(one, you=one.id == self.id) for one in answer.people)
            return v.PresenceView(people=tuple(people))
        return answer

    # Controls

    async def _introduce(self, request: wire.Request, args: wire.Introduction) -> None:
        own = self._you.uid == os.geteuid()  # another user is who the kernel says
        self._actor = (one_line(args.author, 80) if own else "") or self._you.user
        self.view = args.view
        if args.kind == "workbench":
            (await self._host.engine()).presence.join(self.id, self._actor, view=args.view)
        self._reply(request, wire.Acknowledged())

    async def _subscribe(self, request: wire.Request, args: wire.SubscribeArgs) -> None:
        engine = await self._host.engine()
        after = args.after if args.after is not None else (await engine.standing()).last_seq
        began = asyncio.Event()
        self._pumps[request.id] = asyncio.create_task(self._pump(engine, request, after, began))
        await began.wait()

    async def _pump(self, engine: Engine, request: wire.Request, after: int, began: asyncio.Event) -> None:
        try:
            async with engine.subscribe(after) as batches:
                self._reply(request, wire.Subscribed(after=after))
                began.set()
                async for batch in batches:
                    self._write(b"".join(wire.event_line(request.id, event) for event in batch))
                    await self._writer.drain()
            self._write(wire.line({"sub": request.id, "end": True}))
        except ConnectionError:
            pass
        finally:
            began.set()

    async def _unsubscribe(self, request: wire.Request, args: wire.UnsubscribeArgs) -> None:
        task = self._pumps.pop(args.sub, None)
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        self._reply(request, wire.Acknowledged())

    async def _ping(self, request: wire.Request, args: wire.NoArgs) -> None:
        self._reply(request, wire.Acknowledged())

    async def _status(self, request: wire.Request, args: wire.NoArgs) -> None:
        self._reply(request, await self._host.status())

    async def _drain(self, request: wire.Request, args: wire.LeaveArgs) -> None:
        self._refuse_viewer()
        self._reply(request, wire.Acknowledged(message=await self._host.drain(args.reason)))

    async def _stop(self, request: wire.Request, args: wire.LeaveArgs) -> None:
        self._refuse_viewer()
        self._reply(request, wire.Acknowledged(message="The engine leaves."))
        self._host.leave_soon(args.reason)

    def _refuse_viewer(self) -> None:
        if self.view:
            raise Refused("This terminal only looks (--view).")

    # The stream

    def _reply(self, request: wire.Request, value: object) -> None:
        self._write(wire.answer_line(request.id, value))

    def _write(self, data: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(data)

    def _close(self) -> None:
        """EOF after what is written; a client that does not read is cut off."""
        self._writer.close()
        asyncio.get_running_loop().call_later(FAREWELL_SECONDS, self._writer.transport.abort)

    async def _end(self) -> None:
        for task in (*self._tasks, *self._pumps.values()):
            task.cancel()
        pending = {*self._tasks, *self._pumps.values()}
        if pending:
            await asyncio.wait(pending)
        self._close()
        with suppress(ConnectionError, asyncio.CancelledError):
            await self._writer.wait_closed()
