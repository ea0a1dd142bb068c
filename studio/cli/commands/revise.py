"""`studio revise`: have the draft under review revised from feedback, and wait for it."""

from __future__ import annotations

import argparse

from studio.cli.arguments import TEXT, describe, page_argument, read_given
from studio.cli.host import Host
from studio.protocol import commands as c


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run,
        "Keep your feedback, have the draft revised from it (and from open notes), and wait for the end. Output as in `generate`.",
        'studio revise next --feedback "Colder. Keep the last line."',
        'studio revise 2/14 --feedback @notes.txt --quote "he let it"',
    )  # fmt: skip
    page_argument(parser)
    parser.add_argument("--feedback", metavar="TEXT", required=True, help=f"what should change: {TEXT}")
    parser.add_argument("--quote", metavar="PASSAGE", help="the passage of the draft that the feedback is about")
    parser.add_argument("--model", metavar="REF", help="provider:model, for this revision alone")
    parser.add_argument("--revision", metavar="ID", help="refuse if another revision is the newest by now")


def run(args: argparse.Namespace, host: Host) -> int:
    command = c.Revise(
        page=args.page, feedback=read_given(args.feedback), quote=args.quote, model=args.model, revision=args.revision
    )
    return host.run(_revise(command, host))


async def _revise(command: c.Revise, host: Host) -> int:
    from studio.cli.moving_on import print_draft

    async with host.session(drafts=True) as client:
        return await print_draft(client, command, host.out)
