"""A terminal under the workbench: what was really painted, row by row, to hold against what should stand there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pyte
from rich.console import RenderableType
from textual._compositor import CompositorUpdate
from textual.screen import Screen

from studio.protocol.client import EngineClient
from studio.tui.app import StudioApp
from studio.tui.options import WorkbenchOptions
from tests.tui.bench import Bench


class GlassApp(StudioApp):
    """Feeds what Textual would write to the terminal to an emulator."""

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        # While an update is written, the emulator's size is that of the screen: it forgets nothing that still stands there.
        if screen is self.screen and isinstance(renderable, CompositorUpdate):
            width, height = self.size
            if (self.glass.columns, self.glass.lines) != (width, height):
                self.glass.resize(height, width)
            segments = renderable.render_segments(self.console)
            self.written += len(segments)
            pyte.Stream(self.glass).feed(segments)
        super()._display(screen, renderable)

    glass = pyte.Screen(80, 24)
    written = 0


class Glass(Bench):
    @property
    def painted(self) -> list[str]:
        """Rows as a terminal shows them after all that was written to it."""
        app = self.app
        assert isinstance(app, GlassApp)
        return [row.rstrip() for row in app.glass.display]

    @property
    def written(self) -> int:
        """Characters that went to the terminal so far."""
        app = self.app
        assert isinstance(app, GlassApp)
        return app.written

    @property
    def meant(self) -> list[str]:
        """Rows as they are drawn from nothing now."""
        return [row.rstrip() for row in self.screen().split("\n")]

    def wrong(self) -> str:
        """The rows that differ, empty when none does."""
        pairs = enumerate(zip(self.painted, self.meant, strict=True))
        return "\n".join(f"{n:>3} shows {a!r}\n    wants {b!r}" for n, (a, b) in pairs if a != b)


@asynccontextmanager
async def glass(
    client: EngineClient, *, size: tuple[int, int] = (80, 24), options: WorkbenchOptions | None = None
) -> AsyncIterator[Glass]:
    async def connect() -> EngineClient:
        return client

    app = GlassApp(connect, options or WorkbenchOptions())
    app.glass = pyte.Screen(*size)
    try:
        async with app.run_test(size=size) as pilot:
            at = Glass(app, pilot)
            await at.until(lambda: app.session.page is not None and app._all_loaded and app.focused is not None)
            await pilot.pause()
            yield at
    finally:
        for task in app._tasks:
            task.cancel()
