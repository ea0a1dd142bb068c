"""`studio approve`: approve the draft under review; says what the next draft costs."""

from __future__ import annotations

import argparse

from studio.cli.arguments import describe, page_argument
from studio.cli.commands.answers import print_done
from studio.cli.host import Host
from studio.protocol import commands as c
from studio.protocol import queries as q


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run,
        "Approve the newest revision of the stage under review, write it to manuscript/, and print the page's new state.\n"
        "A draft that is cut off, empty or unreadable needs --anyway.",
        "studio approve next", "studio approve 2/14 --anyway",
    )  # fmt: skip
    page_argument(parser)
    parser.add_argument("--anyway", action="store_true", help="also a draft that is cut off, empty or unparsed")
    parser.add_argument("--revision", metavar="ID", help="refuse if another revision is the newest by now")


def run(args: argparse.Namespace, host: Host) -> int:
    return host.run(_approve(c.Approve(page=args.page, revision=args.revision, anyway=args.anyway), host))


async def _approve(command: c.Approve, host: Host) -> int:
    async with host.session(drafts=True) as client:
        seq = (await client.query(q.GetProject())).seq
        done = await client.execute(command)
        if done.run is None:
            return print_done(done, host.out)
        # `[workflow] auto_draft`: the next draft has begun, and its end is waited for as that of `studio generate`.
        from studio.cli.following import print_result, wait_for

        host.out.say(done.message)
        return print_result(await wait_for(client, done, seq, host.out), host.out)
