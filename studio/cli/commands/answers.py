"""What most commands do: send one thing to the engine and print its answer."""

from __future__ import annotations

from typing import Literal

from studio.cli.host import Host
from studio.cli.output import Output
from studio.domain.workflow import state_words
from studio.protocol import commands as c


async def carry_out(host: Host, command: c.AnyCommand) -> int:
    """Send a command that changes something: its sentence goes to standard error, the new state to standard output."""
    async with host.session() as client:
        done = await client.execute(command)
    return print_done(done, host.out)


def print_done(done: c.Done, out: Output) -> int:
    if out.as_json:
        out.json(done)
        return 0
    if done.state:
        out.line(state_words(done.state))
    out.say(done.message)
    if done.price:
        out.say(f"Next draft: {done.price}")
    return 0


async def made(host: Host, command: c.AnyCommand, what: Literal["chapter", "page"]) -> int:
    """Send a command that makes a chapter or a page, and print the new one's id."""
    async with host.session() as client:
        done = await client.execute(command)
    if host.out.as_json:
        host.out.json(done)
        return 0
    host.out.line(str(getattr(done, what)))
    host.out.say(done.message)
    return 0
