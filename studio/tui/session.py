"""The link to the engine: its events, the book and the page on the screen, texts of live runs, who else is here. No Textual."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from msgspec.structs import replace

from studio.domain.errors import Interrupted, StudioError
from studio.protocol import events
from studio.protocol.build_events import BuildEvent
from studio.protocol.client import EngineClient, LinkedClient, LinkState
from studio.protocol.commands import AnyCommand, Done, KeepWords
from studio.protocol.events import AnyEvent
from studio.protocol.queries import GetPage, GetPlace, GetPresence, GetProject, Query
from studio.protocol.views import KeptWords, PageLine, PageView, PlaceView, PresentPerson, ProjectView, SpendView, View
from studio.tui.presenters.stream import LiveText

R = TypeVar("R", bound=View)
Listener = Callable[[AnyEvent], None]
log = logging.getLogger(__name__)

_GATHER = 0.03
"""Seconds to wait for more changes before the views are asked for again: a command makes several events."""
_RETRY = 2.0
"""Seconds until events are asked for again when that failed."""
_AWAY = {
    LinkState.RECONNECTING: "The connection to the engine is lost; it is being found again. Try the key again in a moment.",
    LinkState.SILENT: "The engine does not answer now. `studio engine kill` ends it; a running draft keeps its text.",
}
"""What is said to a key that needs the engine. In the other states a request finds or starts an engine, or says why not."""


class Session:
    """Owns the client. `changed` is called when `project`, `page` or `people` is new; `listeners` get every event; `failed` gets
    errors; `linked` hears how the connection stands to an engine in another process."""

    def __init__(self, connect: Callable[[], Awaitable[EngineClient]]) -> None:
        self._connect = connect
        self._client: EngineClient | None = None
        self.project: ProjectView | None = None
        self.page: PageView | None = None
        self.archived = False
        self.live: dict[str, LiveText] = {}
        self._beginning: asyncio.Task[Done] | None = None
        self.listeners: list[Listener] = []
        self.changed: Callable[[], None] = lambda: None
        self.failed: Callable[[StudioError], None] = lambda error: None
        self.linked: Callable[[LinkState, str], None] = lambda state, words: None
        self.link = LinkState.CONNECTED
        self.people: tuple[PresentPerson, ...] = ()
        self._place: PlaceView | None = None
        self._stale = asyncio.Event()
        self._book_stale = self._people_stale = False
        self._wanted: str | None = None
        self._after: int | None = None

    @property
    def engine(self) -> EngineClient:
        """The client. Raises Interrupted while the project is still being opened."""
        if self._client is None:
            raise Interrupted("The project is still being opened.")
        return self._client

    @property
    def connected(self) -> bool:
        return self._client is not None

    @property
    def in_background(self) -> bool:
        """Whether the engine is a process of its own, which goes on when this terminal leaves."""
        return isinstance(self._client, LinkedClient)

    @property
    def away(self) -> bool:
        """Whether the engine cannot be asked now."""
        return self.link in _AWAY

    @property
    def others(self) -> tuple[PresentPerson, ...]:
        """Everybody else who has the project on a screen."""
        return tuple(person for person in self.people if not person.you)

    async def execute(self, command: AnyCommand) -> Done:
        """Carry out a command. Raises Interrupted at once while the engine cannot be asked: no key waits for a lost connection."""
        return await self._reached().execute(command)

    async def begin(self, command: AnyCommand) -> Done:
        """`execute` for a command that starts a draft: until its first event is here, `begun` says which it is."""
        self._beginning = asyncio.ensure_future(self.execute(command))
        try:
            return await asyncio.shield(self._beginning)
        except StudioError:
            self._beginning = None
            raise

    @property
    def beginning(self) -> bool:
        """Whether a draft was asked for, of which nothing has been heard yet."""
        return self._beginning is not None

    async def begun(self) -> str | None:
        """The run of the draft that was asked for last, once the engine has answered. Raises what kept it from being started."""
        return (await asyncio.shield(self._beginning)).run if self._beginning is not None else None

    async def query(self, query: Query[R]) -> R:
        return await self._reached().query(query)

    def _reached(self) -> EngineClient:
        if words := _AWAY.get(self.link):
            raise Interrupted(words)
        return self.engine

    async def connect(self) -> None:
        """Let the engine be opened, and ask for the book and the person's place in it. Raises StudioError."""
        client = await self._connect()
        self.project, self._place = await asyncio.gather(client.query(GetProject()), _place_in(client))
        self._client = client
        if isinstance(client, LinkedClient):
            client.on_state = self._on_state
        self.changed()

    def _on_state(self, state: LinkState, words: str) -> None:
        """The connection changed. A new one has missed nothing of the journal; what is not in it is asked for again."""
        self.link = state
        if state is LinkState.CONNECTED:
            self.refresh()
            self.refresh_people()
        self.linked(state, words)

    async def open(self, page: str | None) -> None:
        """Put `page` on the screen, or the one where the person was last, or the one that waits. Raises StudioError."""
        assert self.project is not None
        here = self._place.page if self._place else None
        wanted = page or here or first_waiting(self.project)
        if wanted is not None:
            await self.open_page(wanted)

    def take_place(self, page: str) -> PlaceView | None:
        """Where on `page` the person was last, the first time that it is asked for."""
        place, self._place = self._place, None
        return place if place is not None and place.page == page else None

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
        self._heard_of(None)
        shown = {cell.live.id for cell in page.cells if cell.live}
        for live in [cell.live for cell in page.cells if cell.live]:
            known = self.live.setdefault(live.id, LiveText.of(live, time.monotonic()))
            known.text = live.text if len(live.text) > len(known.text) else known.text
        for run in [run for run, text in self.live.items() if text.ended and run not in shown]:
            del self.live[run]

    def kept(self, command: KeepWords) -> None:
        """Words that were kept stand on the page before it is asked for again: a key pressed at once opens them."""
        page = self.page
        if page is None or page.id != command.page:
            return
        others = tuple(one for one in page.kept if one.place != command.place)
        mine = KeptWords(
            place=command.place,
            text=command.text,
            base_revision=command.base_revision,
            updated_at=datetime.now(UTC),
        )
        self.page = replace(page, kept=(mine, *others) if command.text else others)

    def _heard_of(self, run: str | None) -> None:
        """Forget the draft that was asked for last, once an event of it, or a page asked for since, says how it stands."""
        asked = self._beginning
        if asked is None or not asked.done():
            return
        if run is None or asked.cancelled() or asked.exception() is not None or asked.result().run == run:
            self._beginning = None

    def live_on(self, page: str) -> LiveText | None:
        """The run that writes on a page now."""
        return next((text for text in self.live.values() if text.page == page and not text.ended), None)

    @property
    def running(self) -> list[LiveText]:
        return [text for text in self.live.values() if not text.ended]

    def refresh(self) -> None:
        """Ask for the book and the page again, soon and once."""
        self._book_stale = True
        self._stale.set()

    def refresh_people(self) -> None:
        """Ask again who is here, soon and once."""
        self._people_stale = True
        self._stale.set()

    async def keep_fresh(self) -> None:
        """The task behind `refresh`; runs for ever. While the engine is away nothing is asked: that comes with its return."""
        while True:
            await self._stale.wait()
            await asyncio.sleep(_GATHER)
            self._stale.clear()
            book, self._book_stale = self._book_stale, False
            people, self._people_stale = self._people_stale, False
            try:
                if people and not self.away:
                    self.people = (await self.query(GetPresence())).people
                if book and not self.away:
                    await self._ask_again()
                self.changed()
            except StudioError as error:
                if not self.away:
                    self.failed(error)

    def spent(self, spend: SpendView) -> None:
        """What the project has come to cost, as a view of something else told it."""
        if self.project is not None and self.project.spend != spend:
            self.project = replace(self.project, spend=spend)

    async def update(self) -> None:
        """Ask for the book and the page now: what comes next is about them as they are after a command. Raises StudioError."""
        await self._ask_again()
        self.changed()

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

    async def listen(self) -> None:
        """Follow the engine's events until it closes; after `Lagged`, or when they cannot be had, ask from the last one seen on."""
        self._after = self.project.seq if self.project else None
        self.refresh_people()
        while self._client is not None:
            try:
                if not await self._follow():
                    return
            except StudioError as error:
                log.warning("no events: %s", error)
                await asyncio.sleep(_RETRY)
            self.refresh()

    async def _follow(self) -> bool:
        """One subscription to its end. Whether there is more to come by another one."""
        async with self.engine.subscribe(self._after) as stream:
            async for event in stream:
                self._after = max(self._after or 0, event.seq) or self._after
                if isinstance(event, events.Lagged):
                    return True
                self._hear(event)
        return False

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
                self._heard_of(event.run)
                self.refresh()
            case events.RunSnapshot():
                self.live[event.run] = LiveText.again(event, self.live.get(event.run), now)
                self.refresh()
            case events.RunEnded():
                if text := self.live.get(event.run):
                    text.ended = True
                self._heard_of(event.run)
                self.refresh()
            case events.PresenceChanged():
                self.refresh_people()
            case events.Notice():
                pass
            case _ if not isinstance(event, BuildEvent):  # those change neither outline nor page
                self.refresh()
        for listener in self.listeners:
            listener(event)

    async def aclose(self) -> None:
        """Let go of the engine. One in this process ends, its runs with their text kept; one in another process goes on."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(StudioError):
                await client.aclose()


async def _place_in(client: EngineClient) -> PlaceView | None:
    try:
        return await client.query(GetPlace())
    except StudioError as error:
        log.warning("the place in the book is not known: %s", error)
        return None


def first_waiting(project: ProjectView) -> str | None:
    """The page to open first: one that waits for the person, else the first that is not finished, else the last."""
    pages: list[PageLine] = [page for chapter in project.chapters for page in chapter.pages if not page.archived]
    for wanted in (("user_reviewing", "failed", "interrupted"), ("generating", "awaiting")):
        for page in pages:
            if page.phase in wanted:
                return page.id
    return pages[-1].id if pages else None
