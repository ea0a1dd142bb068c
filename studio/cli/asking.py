"""A yes from the person at the terminal, for what must never happen without one."""

from __future__ import annotations

import sys

from studio.domain.errors import Refused


def asked(question: str) -> bool:
    """Ask on the terminal; anything but a yes is a no, and so is that nobody is there."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


def need_yes(question: str, *, given: bool, hint: str) -> None:
    """Go on with a yes, given on the command line or at the terminal. Raises Refused."""
    if not given and not asked(question):
        raise Refused("Nothing was done: it needs your yes.", hint=hint)
