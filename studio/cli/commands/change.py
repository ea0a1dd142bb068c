"""`studio change`: describe what the application should do, or what is to change in it."""

from __future__ import annotations

import argparse

from studio.cli.arguments import CHAPTER, TEXT, describe, read_given
from studio.cli.host import Host
from studio.protocol import build_commands as b


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run,
        "Begin a change: its request goes to discovery, planning, implementation, testing, verification and deployment. Whether\n"
        "it creates the application or updates it is seen from the files. Prints the change's id.",
        'studio change "A cart with a total, kept in the browser." --title "Cart"', "studio change @request.md",
    )  # fmt: skip
    parser.add_argument("text", metavar="TEXT", help=f"the request: {TEXT}")
    parser.add_argument("--title", default="", help="a short title (default: the beginning of the request)")
    parser.add_argument(
        "--release", metavar="RELEASE", help=f"the release it belongs to: {CHAPTER} (default: the newest)"
    )


def run(args: argparse.Namespace, host: Host) -> int:
    command = b.StartBuild(requirements=read_given(args.text), title=args.title, chapter=args.release)
    return host.run(_begin(command, host))


async def _begin(command: b.StartBuild, host: Host) -> int:
    from studio.cli.application import app_of, ref_of
    from studio.protocol import build_queries as bq

    async with host.session() as client:
        await app_of(client)
        done = await client.execute(command)
        build = await client.query(bq.GetBuild(page=done.page or ""))
        ref = ref_of(await app_of(client), build.page)
    if host.out.as_json:
        host.out.json(done)
        return 0
    host.out.line(build.page)
    host.out.say(f"Change {ref}: {build.title} ({build.detected}).")
    host.out.say(f"Next: studio generate {ref}")
    return 0
