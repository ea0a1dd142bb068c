"""`studio restore`: make an earlier revision the newest, as a new revision."""

from __future__ import annotations

import argparse

from studio.cli.arguments import describe, page_argument
from studio.cli.commands.answers import print_done
from studio.cli.commands.show import revision_ref
from studio.cli.host import Host
from studio.protocol import commands as c
from studio.protocol import queries as q


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run, "Make an earlier revision the newest, as a new revision; the others stay in the history.",
        "studio restore 2/14 1 --stage narration",
    )  # fmt: skip
    page_argument(parser)
    parser.add_argument(
        "revision", metavar="N|ID", help="the revision's number or id, or the id of a run that broke off"
    )
    parser.add_argument("--stage", help="the stage of a number (default: where the page stands)")


def run(args: argparse.Namespace, host: Host) -> int:
    return host.run(_restore(args.page, args.revision, args.stage, host))


async def _restore(ref: str, revision: str, stage: str | None, host: Host) -> int:
    async with host.session() as client:
        page = await client.query(q.GetPage(page=ref))
        done = await client.execute(c.Restore(revision=revision_ref(page, stage, revision)))
    return print_done(done, host.out)
