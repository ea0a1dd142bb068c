"""`studio generate`: draft the stage that a page stands at, and wait for it."""

from __future__ import annotations

import argparse

from studio.cli.arguments import describe, page_argument
from studio.cli.host import Host
from studio.protocol import commands as c


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run,
        "Draft the stage that a page stands at and wait for its end. On a terminal the text appears as it arrives; otherwise it is\n"
        "printed at the end. Where workers write files, the log of their work is shown. With --json, events come as JSON lines and the\n"
        "result last. Ctrl-C stops the draft and keeps its text.",
        "studio generate next", "studio generate 2/14 --model anthropic:claude-sonnet-5-5",
    )  # fmt: skip
    page_argument(parser)
    parser.add_argument("--model", metavar="REF", help="provider:model, for this draft alone")


def run(args: argparse.Namespace, host: Host) -> int:
    return host.run(_generate(c.Generate(page=args.page, model=args.model), host))


async def _generate(command: c.Generate, host: Host) -> int:
    from studio.cli.moving_on import print_draft

    async with host.session(drafts=True) as client:
        return await print_draft(client, command, host.out)
