"""`studio follow-ups`: what may be worth doing next; offered, never taken."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from studio.cli.arguments import describe
from studio.cli.host import Host
from studio.protocol import build_queries as bq
from studio.protocol.build_views import FollowUpView


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run,
        "Print what the files and the plan suggest as next steps, each with its reason and what to do: the request of a change,\n"
        "a table for studio.toml, or a prompt for an image. Nothing is done.",
        "studio follow-ups", "studio follow-ups --json",
    )  # fmt: skip


def run(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print(host))


async def _print(host: Host) -> int:
    from studio.cli.application import app_of

    async with host.session() as client:
        await app_of(client)
        offers = (await client.query(bq.GetPublications())).follow_ups
    if host.out.as_json:
        host.out.json({"follow_ups": offers})
        return 0
    host.out.lines(_lines(offers))
    if not offers:
        host.out.say("There is nothing to suggest.")
    return 0


def _lines(offers: tuple[FollowUpView, ...]) -> Iterator[str]:
    for n, one in enumerate(offers):
        if n:
            yield ""
        yield f"{one.title} ({one.id})"
        yield f"  why: {one.why}"
        yield from (f"  {line}" for line in one.action.splitlines())
