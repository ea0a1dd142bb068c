"""`studio resume`: leave an interrupted or failed draft."""

from __future__ import annotations

import argparse

from studio.cli.arguments import describe, page_argument
from studio.cli.commands.answers import carry_out
from studio.cli.host import Host
from studio.protocol import commands as c


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run, "Leave a draft that broke off: one that was stopped or interrupted, or failed.",
        "studio resume next --continue", "studio resume 2/14 --keep",
    )  # fmt: skip
    page_argument(parser)
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument(
        "--continue", dest="way", action="store_const", const="continue", help="let the model go on from the partial text"
    )  # fmt: skip
    way.add_argument("--keep", dest="way", action="store_const", const="keep", help="make the partial text a revision")
    way.add_argument(
        "--discard", dest="way", action="store_const", const="discard",
        help="back to the newest revision; the partial stays in the history",
    )  # fmt: skip
    parser.add_argument("--model", metavar="REF", help="provider:model that goes on")


def run(args: argparse.Namespace, host: Host) -> int:
    command = c.Resume(page=args.page, action=args.way, model=args.model)
    if args.way != "continue":
        return host.run(carry_out(host, command))
    return host.run(_continue(command, host))


async def _continue(command: c.Resume, host: Host) -> int:
    from studio.cli.moving_on import print_draft

    async with host.session(drafts=True) as client:
        return await print_draft(client, command, host.out)
