"""`studio approve`: approve the draft under review; says what the next draft costs."""

from __future__ import annotations

import argparse

from studio.cli.arguments import describe, page_argument
from studio.cli.host import Host
from studio.protocol import commands as c


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run,
        "Approve the newest revision of the stage under review, write it to manuscript/, and print the page's new state. Of a\n"
        "change to an application: with the note to the next role. What is cut off, empty, unreadable or incomplete, and a report\n"
        "that asks to send back, need --anyway.",
        "studio approve next", "studio approve 2/14 --anyway",
    )  # fmt: skip
    page_argument(parser)
    parser.add_argument("--anyway", action="store_true", help="also what is not whole, or asks to be sent back")
    parser.add_argument("--revision", metavar="ID", help="refuse if another revision is the newest by now")


def run(args: argparse.Namespace, host: Host) -> int:
    return host.run(_approve(c.Approve(page=args.page, revision=args.revision, anyway=args.anyway), host))


async def _approve(command: c.Approve, host: Host) -> int:
    from studio.cli.moving_on import print_moved

    async with host.session(drafts=True) as client:
        return await print_moved(client, command, host.out)
