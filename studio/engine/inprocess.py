"""An engine inside this process, on a thread and loop of its own, and the `EngineClient` that speaks to it.

A busy screen or an external editor stops the caller's loop, never this one; a stream goes on.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from studio.domain.errors import StorageError
from studio.engine.engine import Engine
from studio.engine.open_project import Call
from studio.protocol.commands import AnyCommand, Done
from studio.protocol.events import AnyEvent
from studio.protocol.queries import Query
from studio.protocol.views import View

R = TypeVar("R", bound=View)
T = TypeVar("T")

OpenEngine = Callable[[], Awaitable[Engine]]


class EngineThread:
    """One daemon thread with one event loop; `call` runs a coroutine there from any other thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        if self._loop.is_closed() or not self._thread.is_alive():
            work.close()
            raise StorageError("The engine is closed.", hint="Start the program again.")
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def call(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(self.submit(work))

    def stop(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)


class InProcessClient:
    """Implements `protocol.client.EngineClient`. Made by `connect`; `aclose` ends the engine."""

    def __init__(self, thread: EngineThread, engine: Engine, actor: str) -> None:
        self._thread = thread
        self._engine = engine
        self._actor = actor
        self._closing: Future[None] | None = None

    @classmethod
    async def connect(cls, open_engine: OpenEngine, actor: str) -> InProcessClient:
        """Open an engine on its own thread; errors of opening reach the caller and leave no thread behind."""
        thread = EngineThread()

        async def opened() -> Engine:
            return await open_engine()

        try:
            engine = await thread.call(opened())
        except BaseException:
            thread.stop()
            raise
        return cls(thread, engine, actor)

    async def execute(self, command: AnyCommand, *, request: str | None = None) -> Done:
        # Shielded: a front end that goes away in the middle does not undo what a person asked for.
        call = self._engine.execute(command, Call(self._actor, request))
        return await asyncio.shield(asyncio.wrap_future(self._thread.submit(call)))

    async def query(self, query: Query[R]) -> R:
        return await self._thread.call(self._engine.query(query, self._actor))

    @asynccontextmanager
    async def subscribe(self, after: int | None = None) -> AsyncGenerator[AsyncIterator[AnyEvent]]:
        caller = asyncio.get_running_loop()
        batches: asyncio.Queue[list[AnyEvent] | None] = asyncio.Queue(maxsize=1)

        async def pump() -> None:
            """On the engine's loop: hand over one batch at a time, so that a slow reader gets larger, not more, batches."""
            try:
                async with self._engine.subscribe(after) as source:
                    async for batch in source:
                        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(batches.put(batch), caller))
            finally:
                if not caller.is_closed():
                    asyncio.run_coroutine_threadsafe(batches.put(None), caller)

        pumping = self._thread.submit(pump())

        async def events() -> AsyncGenerator[AnyEvent, None]:
            while (batch := await batches.get()) is not None:
                for event in batch:
                    yield event

        stream = events()
        try:
            yield stream
        finally:
            pumping.cancel()
            await stream.aclose()

    async def aclose(self) -> None:
        """End the engine: runs stop and keep their partials, the store closes. Safe to call twice."""
        if self._closing is None:
            self._closing = self._thread.submit(self._engine.aclose())
        await asyncio.shield(asyncio.wrap_future(self._closing))
        await asyncio.to_thread(self._thread.stop)
