"""Running a command's coroutine so that Ctrl-C, SIGTERM and SIGHUP end it in order, with the shell's exit code for each."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_until_done(work: Coroutine[Any, Any, T]) -> T:
    """The work's result. Raises SystemExit with 128 + the signal that cancelled it; a second signal cuts the clean end short."""
    return asyncio.run(_supervised(work))


async def _supervised(work: Coroutine[Any, Any, T]) -> T:
    task = asyncio.ensure_future(work)
    received: list[int] = []
    loop = asyncio.get_running_loop()

    def stop(number: int) -> None:
        received.append(number)
        task.cancel(signal.Signals(number).name)

    for number in _WATCHED:
        loop.add_signal_handler(number, stop, number)
    try:
        return await task
    except asyncio.CancelledError:
        if not received:
            raise
        raise SystemExit(128 + received[0]) from None
    finally:
        for number in _WATCHED:
            loop.remove_signal_handler(number)
