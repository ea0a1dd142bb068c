"""`studio reopen`: undo the latest approval of a page."""

from __future__ import annotations

import argparse

from studio.cli.arguments import describe, page_argument
from studio.cli.commands.answers import carry_out
from studio.cli.host import Host
from studio.protocol import commands as c


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run, "Undo the latest approval of a page. No text changes, and later drafts stay.", "studio reopen 2/14"
    )
    page_argument(parser)


def run(args: argparse.Namespace, host: Host) -> int:
    return host.run(carry_out(host, c.Reopen(page=args.page)))
