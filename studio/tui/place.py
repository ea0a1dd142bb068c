"""Keeps the person's place in the book: page, paragraph and scroll, sent a moment after they changed. Others see the page."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from studio.domain.errors import StudioError
from studio.protocol.commands import KeepPlace

if TYPE_CHECKING:
    from studio.tui.screens.workbench import Workbench
    from studio.tui.widgets.page_view import PageView

log = logging.getLogger(__name__)

MOVING = 1.0
"""Seconds after the first move on a page that is not kept yet: a place costs a transaction (3 ms), and holding a key makes many."""
TURNED = 0.3
"""Seconds after another page is on the screen: that is what others see."""


class PlaceKeeper:
    """`moved` is cheap and may be called at every key; nothing is sent while the place is the same."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._kept: KeepPlace | None = None
        self._due: asyncio.TimerHandle | None = None

    def moved(self) -> None:
        """The page, the cursor or the scroll may be another one."""
        loop = asyncio.get_running_loop()
        page = self._bench.app.session.page
        turned = page is not None and (self._kept is None or self._kept.page != page.id)
        due = loop.time() + (TURNED if turned else MOVING)
        if self._due is None or due < self._due.when():
            if self._due is not None:
                self._due.cancel()
            self._due = loop.call_at(due, self._now)

    def again(self) -> None:
        """An engine that is new knows nobody: tell it where we are, though we have not moved."""
        self._kept = None
        self.moved()

    def _now(self) -> None:
        self._due = None
        self._bench.app.spawn(self.flush())

    async def flush(self) -> None:
        """Keep the place now. What goes wrong is in the log: a place that is lost costs two keys."""
        session = self._bench.app.session
        if not session.connected or session.away or (place := place_of(self._bench.page_view)) is None:
            return
        if place == self._kept:
            return
        self._kept = place
        try:
            await session.execute(place)
        except StudioError as error:
            self._kept = None
            log.info("the place was not kept: %s", error)


def place_of(view: PageView) -> KeepPlace | None:
    """Where a page is read: at the cursor, or at what stands first on the screen when the cursor has scrolled out of sight."""
    page = view.shown
    if page is None or not view.size.height:
        return None
    stop = view.cursor if view.sees(view.cursor) else view.first_seen()
    if not isinstance(stop, tuple) or not isinstance(stop[0], str):
        return KeepPlace(page=page.id, scroll=view.top)
    paragraph = stop[1] if isinstance(stop[1], int) else None
    return KeepPlace(page=page.id, stage=stop[0], paragraph=paragraph, scroll=view.top)
