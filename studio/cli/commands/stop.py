"""`studio stop`: end a draft that runs in the engine, from any terminal."""

from __future__ import annotations

import argparse

from studio.cli.arguments import PAGE, describe
from studio.cli.host import Host
from studio.protocol import commands as c


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run,
        "End a running draft and keep its text. Without PAGE, every running draft of the project. The engine goes on.",
        "studio stop", "studio stop 2/14",
    )  # fmt: skip
    parser.add_argument("page", metavar="PAGE", nargs="?", help=PAGE)


def run(args: argparse.Namespace, host: Host) -> int:
    return host.run(_stop(args.page, host))


async def _stop(page: str | None, host: Host) -> int:
    from studio.cli.commands.answers import print_done

    async with host.session() as client:
        return print_done(await client.execute(c.Stop(page=page)), host.out)
