"""`studio audit`: every transition, message, handoff and result of a change."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from studio.cli.arguments import describe, page_argument
from studio.cli.host import Host
from studio.protocol import build_queries as bq
from studio.protocol import build_views as bv

KINDS = ("transition", "handoff", "message", "result", "tool", "finding", "version")


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run, "Print the audit trail of a change, oldest first: who did what at which stage.",
        "studio audit", "studio audit 1/2 --kind handoff --full",
    )  # fmt: skip
    page_argument(parser, needed=False)
    parser.add_argument("--kind", choices=KINDS, action="append", help="only these; may be given several times")
    parser.add_argument("--full", action="store_true", help="with the whole text of messages, notes and results")


def run(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print(args, host))


async def _print(args: argparse.Namespace, host: Host) -> int:
    from studio.cli.application import change_of

    async with host.session() as client:
        found = await client.query(bq.GetAudit(page=await change_of(client, args.page)))
    lines = tuple(one for one in found.lines if not args.kind or one.kind in args.kind)
    if host.out.as_json:
        host.out.json({"page": found.page, "lines": lines, "left_out": found.left_out})
        return 0
    host.out.lines(_lines(lines, full=args.full))
    if found.left_out:
        host.out.say(f"{found.left_out} older lines are left out.")
    return 0


def _lines(lines: tuple[bv.AuditLine, ...], *, full: bool) -> Iterator[str]:
    from studio.cli.application import at
    from studio.cli.output import table

    heads = table([(str(one.seq), at(one.created_at), one.kind, one.stage, one.who, one.line) for one in lines])
    for one, head in zip(lines, heads, strict=True):
        yield head
        if full:
            yield from (f"    {line}" for line in one.detail.splitlines())
