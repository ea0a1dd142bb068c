"""`studio return`: send a change back from a review to the stage that writes files."""

from __future__ import annotations

import argparse

from studio.cli.arguments import TEXT, describe, page_argument, read_given
from studio.cli.host import Host
from studio.protocol import build_commands as b


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run,
        "Send a change back from its verification to the implementation, with the open findings and your note. How many times is a\n"
        "rule of the workflow.",
        "studio return 1/2", 'studio return 1/2 --note "The total is wrong with two of the same."',
    )  # fmt: skip
    page_argument(parser, needed=False)
    parser.add_argument("--note", metavar="TEXT", default="", help=f"what you add: {TEXT}")
    parser.add_argument("--revision", metavar="ID", help="refuse if another report is the newest by now")


def run(args: argparse.Namespace, host: Host) -> int:
    return host.run(_send_back(args.page, read_given(args.note), args.revision, host))


async def _send_back(page: str | None, note: str, revision: str | None, host: Host) -> int:
    from studio.cli.application import change_of
    from studio.cli.moving_on import print_moved

    async with host.session(drafts=True) as client:
        command = b.SendBack(page=await change_of(client, page), note=note, revision=revision)
        return await print_moved(client, command, host.out)
