"""The link to the engine: one client, its events, the book and the page on the screen, and the texts of live runs. No Textual."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from studio.domain.errors import Interrupted, StudioError
from studio.protocol import events
from studio.protocol.client import EngineClient
from studio.protocol.commands import AnyCommand, Done
from studio.protocol.events import AnyEvent
from studio.protocol.queries import GetPage, GetProject, Query
from studio.protocol.views import PageLine, PageView, ProjectView, View
from studio.tui.presenters.stream import LiveText

R = TypeVar("R", bound=View)
Listener = Callable[[AnyEvent], None]
log = logging.getLogger(__name__)

_GATHER = 0.03
"""Seconds to wait for more changes before the views are asked for again: a command makes several events."""


class Session:
    """Owns the client. `changed` is called when `project` or `page` is new; `listeners` get every event; `failed` gets errors."""

    def __init__(self, connect: Callable[[], Awaitable[EngineClient]]) -> None:
        self._connect = connect
        self._client: EngineClient | None = None
        self.project: ProjectView | None = None
        self.page: PageView | None = None
        self.archived = False
        self.live: dict[str, LiveText] = {}
        self.listeners: list[Listener] = []
        self.changed: Callable[[], None] = lambda: None
        self.failed: Callable[[StudioError], None] = lambda error: None
        self._stale = asyncio.Event()
        self._wanted: str | None = None

    @property
    def engine(self) -> EngineClient:
        """The client. Raises Interrupted while the project is still being opened."""
        if self._client is None:
            raise Interrupted("The project is still being opened.")
        return self._client

    @property
    def connected(self) -> bool:
        return self._client is not None

    async def execute(self, command: AnyCommand) -> Done:
        return await self.engine.execute(command)

    async def query(self, query: Query[R]) -> R:
        return await self.engine.query(query)

    async def connect(self) -> None:
        """Let the engine be opened, and ask for the book. Raises StudioError."""
        client = await self._connect()
        self.project = await client.query(GetProject())
        self._client = client
        self.changed()

    async def open(self, page: str | None) -> None:
        """Put `page` on the screen, or the one that waits. Raises StudioError."""
        assert self.project is not None
        wanted = page or first_waiting(self.project)
        if wanted is not None:
            await self.open_page(wanted)

    async def open_page(self, ref: str) -> None:
        """Put a page on the screen. Of several asked for at once, the last one wins."""
        self._wanted = ref
        page = await self.query(GetPage(page=ref))
        if self._wanted == ref:
            self._wanted = page.id
            self._take(page)
            self.changed()

    def _take(self, page: PageView) -> None:
        self.page = page
        shown = {cell.live.id for cell in page.cells if cell.live}
        for cell in page.cells:
            if cell.live and cell.live.id not in self.live:
                self.live[cell.live.id] = LiveText.of(cell.live, time.monotonic())
        for run in [run for run, text in self.live.items() if text.ended and run not in shown]:
            del self.live[run]

    def live_on(self, page: str) -> LiveText | None:
        """The run that writes on a page now."""
        return next((text for text in self.live.values() if text.page == page and not text.ended), None)

    @property
    def running(self) -> list[LiveText]:
        return [text for text in self.live.values() if not text.ended]

    def refresh(self) -> None:
        """Ask for the book and the page again, soon and once."""
        self._stale.set()

    async def keep_fresh(self) -> None:
        """The task behind `refresh`; runs for ever."""
        while True:
            await self._stale.wait()
            await asyncio.sleep(_GATHER)
            self._stale.clear()
            try:
                await self._ask_again()
            except StudioError as error:
                self.failed(error)

    async def _ask_again(self) -> None:
        self.project = await self.query(GetProject(archived=self.archived))
        ref = self.page.id if self.page else None
        if ref is None:
            ref = first_waiting(self.project)
            self._wanted = ref
        if ref is not None:
            page = await self.query(GetPage(page=ref))
            if self._wanted in (None, ref, page.id):
                self._take(page)
        self.changed()

    async def listen(self) -> None:
        """Follow the engine's events until it closes; after `Lagged`, start again from the last sequence seen."""
        after = self.project.seq if self.project else None
        lagged = True
        while lagged:
            lagged = False
            async with self.engine.subscribe(after) as stream:
                async for event in stream:
                    after = max(after or 0, event.seq) or after
                    if isinstance(event, events.Lagged):
                        lagged = True
                        break
                    self._hear(event)
            self.refresh()

    def _hear(self, event: AnyEvent) -> None:
        now = time.monotonic()
        match event:
            case events.Delta():
                text = self.live.get(event.run)
                if text is None:
                    text = self.live[event.run] = LiveText(event.run, event.page, event.stage, began=now)
                if not text.add(event.offset, event.text):
                    self.refresh()
            case events.RunProgress():
                if text := self.live.get(event.run):
                    text.progress(event.elapsed, event.output_tokens, event.cost_usd, event.waiting, now)
            case events.RunStarted():
                self.live[event.run] = LiveText(event.run, event.page, event.stage, event.model, began=now)
                self.refresh()
            case events.RunSnapshot():
                text = LiveText(event.run, event.page, event.stage, event.model, began=now - event.elapsed)
                text.text, text.tokens = event.text, event.output_tokens
                self.live[event.run] = text
                self.refresh()
            case events.RunEnded():
                if text := self.live.get(event.run):
                    text.ended = True
                self.refresh()
            case events.Notice():
                pass
            case _:
                self.refresh()
        for listener in self.listeners:
            listener(event)

    async def aclose(self) -> None:
        """Let go of the engine; its runs end with their text kept."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(StudioError):
                await client.aclose()


def first_waiting(project: ProjectView) -> str | None:
    """The page to open first: one that waits for the person, else the first that is not finished, else the last."""
    pages: list[PageLine] = [page for chapter in project.chapters for page in chapter.pages if not page.archived]
    for wanted in (("user_reviewing", "failed", "interrupted"), ("generating", "awaiting")):
        for page in pages:
            if page.phase in wanted:
                return page.id
    return pages[-1].id if pages else None
