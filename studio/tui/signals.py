"""SIGHUP, SIGTERM and SIGINT: what is typed is kept, runs are stopped with their text, the terminal is restored, 128 + n is the code.

Without this an SSH drop ends a Textual program at once, with eleven terminal modes left on.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.tui.app import StudioApp

_CODES = {signal.SIGHUP: 129, signal.SIGINT: 130, signal.SIGTERM: 143}


def watch_signals(app: StudioApp) -> None:
    """Install the handlers on the running loop (not in a thread without signals)."""
    if app.is_headless:
        return
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
        for number, code in _CODES.items():
            loop.add_signal_handler(number, app.leave, code)
