"""The terminal around the screen: its title, progress in the taskbar (OSC 9;4), and the bell."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from studio.domain.text import one_line
from studio.protocol import events
from studio.protocol.events import AnyEvent

if TYPE_CHECKING:
    from studio.tui.app import StudioApp

_LEFT_AFTER = 20.0
"""Seconds without a key after which the terminal counts as left, for those that do not report their focus."""
_PLAIN = ("linux", "dumb", "vt100", "vt220", "")


class Terminal:
    """Writes escape sequences that are not text. Nothing is written twice."""

    def __init__(self, app: StudioApp) -> None:
        self._app = app
        self._title = ""
        self._busy = False
        self._pushed = False
        self._mouse = app.options.mouse
        self._plain = os.environ.get("TERM", "") in _PLAIN

    def _write(self, sequence: str) -> None:
        driver = self._app._driver
        if driver is not None and not self._app.is_headless and not self._plain:
            driver.write(sequence)
            driver.flush()

    def start(self) -> None:
        """Remember the terminal's own title (XTWINOPS 22) and set ours."""
        self._write("\x1b[22;2t")
        self._pushed = True
        self.show()

    def show(self) -> None:
        """Title and progress as the session stands."""
        session = self._app.session
        project = session.project
        title = one_line(project.title if project else self._app.options.title, 60)
        running = session.running
        if running:
            title = f"{self._app.glyphs.drafting} {title}"
        if title != self._title and self._pushed:
            self._title = title
            self._write(f"\x1b]2;{title}\x07")
        if bool(running) != self._busy:
            self._busy = bool(running)
            if self._app.options.progress:
                self._write("\x1b]9;4;3\x07" if running else "\x1b]9;4;0\x07")

    def hear(self, event: AnyEvent) -> None:
        if isinstance(event, events.RunStarted | events.RunSnapshot):
            self.show()
        elif isinstance(event, events.RunEnded):
            self.show()
            if event.elapsed >= self._app.options.bell_after and self._left():
                self._app.bell()

    def _left(self) -> bool:
        return not self._app.app_focus or time.monotonic() - self._app.last_key_at > _LEFT_AFTER

    def toggle_mouse(self) -> bool:
        """Ask the terminal for the mouse, or leave it to the terminal (DECSET 1000, 1002, 1003, 1006). True when it is ours."""
        self._mouse = not self._mouse
        switch = "h" if self._mouse else "l"
        self._write("".join(f"\x1b[?{mode}{switch}" for mode in (1000, 1002, 1003, 1006)))
        return self._mouse

    def restore(self) -> None:
        """Give the title back and end the progress."""
        if self._busy and self._app.options.progress:
            self._write("\x1b]9;4;0\x07")
        if self._pushed:
            self._write("\x1b[23;2t")
            self._pushed = False
