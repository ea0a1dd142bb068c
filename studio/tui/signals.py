"""SIGHUP, SIGTERM and SIGINT: what is typed is kept, runs are stopped with their text, the terminal is restored, 128 + n is the code.

Without this an SSH drop ends a Textual program at once, with eleven terminal modes left on.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import io
import os
import signal
import termios
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.tui.app import StudioApp

_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
_HUNG_UP = 129


def _let_go_of_dead_terminal() -> None:
    """Where the terminal itself is gone (a dropped line), point its descriptors at nothing. Writes to it fail with EIO, which ends
    Textual's writer thread; and the SIGCONT that the kernel sends after SIGHUP would start Textual's driver once more on it."""
    for descriptor in (0, 1, 2):
        try:
            termios.tcgetattr(descriptor)
        except termios.error as error:
            if error.args and error.args[0] == errno.EIO:
                nothing = os.open(os.devnull, os.O_RDWR)
                os.dup2(nothing, descriptor)
                os.close(nothing)
                signal.signal(signal.SIGCONT, lambda number, frame: None)


def in_words(renderables: tuple[object, ...]) -> str:
    """What Textual would have printed, for the log."""
    from rich.console import Console

    console = Console(file=io.StringIO(), width=160, record=True)
    console.print(*renderables)
    return console.export_text()


def watch_signals(app: StudioApp) -> None:
    """Install the handlers on the running loop (not in a thread without signals)."""
    if app.is_headless:
        return
    loop = asyncio.get_running_loop()

    def hung_up(number: int, frame: object) -> None:
        # A plain handler: it runs before that of SIGCONT, which a callback of the loop would not.
        # And once is enough: a second one while Python itself ends would kill it, with another exit code.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        _let_go_of_dead_terminal()
        loop.call_soon_threadsafe(app.leave, _HUNG_UP)

    with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
        signal.signal(signal.SIGHUP, hung_up)
        for number, code in _CODES.items():
            loop.add_signal_handler(number, app.leave, code)
