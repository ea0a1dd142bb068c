"""`studio tools`: the log of tool calls: who called what, and what came of it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from studio.cli.arguments import describe, number, page_argument
from studio.cli.host import Host
from studio.domain.text import counted
from studio.protocol import build_queries as bq
from studio.protocol import build_views as bv


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run, "List the tool calls of a change or of one run, newest last. A call that was refused changed nothing.",
        "studio tools", "studio tools 1/2 --full", "studio tools --run 0192f3c4 --json",
    )  # fmt: skip
    page_argument(parser, needed=False)
    parser.add_argument("--run", metavar="ID", dest="of_run", help="one run alone")
    parser.add_argument(
        "-n", "--limit", metavar="N", type=number, default=500, help="at most so many, the newest (default: 500)"
    )
    parser.add_argument("--full", action="store_true", help="with the arguments and the result of each")


def run(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print(args, host))


async def _print(args: argparse.Namespace, host: Host) -> int:
    from studio.cli.application import app_of, change_of

    async with host.session() as client:
        await app_of(client)
        page = None if args.of_run and args.page is None else await change_of(client, args.page)
        found = await client.query(bq.GetToolLog(page=page, run=args.of_run, limit=args.limit))
    if host.out.as_json:
        host.out.json(found)
        return 0
    host.out.lines(_lines(found, full=args.full))
    host.out.say(f"{len(found.calls)} of {counted(found.total, 'call')}.")
    return 0


def _lines(found: bv.ToolLogView, *, full: bool) -> Iterator[str]:
    from studio.cli.output import table

    heads = table([_row(one) for one in found.calls])
    for one, head in zip(found.calls, heads, strict=True):
        yield head
        if full:
            yield from (f"    > {line}" for line in one.arguments.splitlines())
            yield from (f"    < {line}" for line in one.result.splitlines())
            yield ""


def _row(one: bv.ToolCallView) -> tuple[str, ...]:
    return (
        f"{one.created_at:%H:%M:%S}", one.task or one.role, f"#{one.iteration}", one.name, one.status, f"{one.elapsed_ms:.0f} ms",
        one.line,
    )  # fmt: skip
