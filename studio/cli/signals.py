"""Running a command's coroutine so that Ctrl-C, SIGTERM and SIGHUP end it in order, with the shell's exit code for each."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

_WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_until_done(work: Coroutine[Any, Any, int]) -> int:
    """The work's own exit code, or 128 + the signal that cancelled it. A second signal does not wait for the clean end."""
    return asyncio.run(_supervised(work))


async def _supervised(work: Coroutine[Any, Any, int]) -> int:
    task = asyncio.ensure_future(work)
    received: list[int] = []
    loop = asyncio.get_running_loop()

    def stop(number: int) -> None:
        received.append(number)
        task.cancel()

    for number in _WATCHED:
        loop.add_signal_handler(number, stop, number)
    try:
        return await task
    except asyncio.CancelledError:
        if not received:
            raise
        return 128 + received[0]
    finally:
        for number in _WATCHED:
            loop.remove_signal_handler(number)
