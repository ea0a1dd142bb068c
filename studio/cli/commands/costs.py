"""`studio costs`: what was spent."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from studio.cli.arguments import PAGE, describe
from studio.cli.host import Host
from studio.cli.output import table
from studio.protocol import queries as q
from studio.protocol import views as v


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run, "What model calls cost, in US dollars. A call without a known price counts as unknown, not as free.",
        "studio costs", "studio costs --by model", "studio costs --page 2/14 --calls", "studio costs --by task",
    )  # fmt: skip
    parser.add_argument(
        "--by",
        choices=("page", "chapter", "model", "day", "stage", "role", "task"),
        default="page",
        help="one row for each; task: for each type of task of an application",
    )
    parser.add_argument("--page", metavar="PAGE", help=f"one page alone: {PAGE}")
    parser.add_argument("--calls", action="store_true", help="every call as a row of its own")


def run(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print(q.GetCosts(by=args.by, page=args.page, executions=args.calls), host))


async def _print(query: q.GetCosts, host: Host) -> int:
    async with host.session() as client:
        found = await client.query(query)
    if host.out.as_json:
        host.out.json(found)
        return 0
    host.out.lines(lines(found))
    return 0


def lines(found: v.CostsView) -> Iterator[str]:
    """A row for each key, the total, and each call where asked for."""
    tasks = ("tasks",) if found.by == "task" else ()
    head = (found.by, *tasks, "calls", "tokens in", "cached", "tokens out", "cost")
    yield from table([head, *(_row(row, tasks=bool(tasks)) for row in (*found.rows, found.total))])
    if found.executions:
        yield ""
        yield from table([_call(call) for call in found.executions])


def _row(row: v.CostRow, *, tasks: bool) -> tuple[str, ...]:
    unknown = f" + {row.unknown} unknown" if row.unknown else ""
    counts = (str(row.tasks), str(row.calls)) if tasks else (str(row.calls),)
    return (
        row.key, *counts, f"{row.input_tokens:,}", f"{row.cached_tokens:,}", f"{row.output_tokens:,}",
        f"${row.cost_usd:.4f}{unknown}",
    )  # fmt: skip


def _call(call: v.ExecutionView) -> tuple[str, ...]:
    cost = "unknown" if call.cost_usd is None else f"${call.cost_usd:.4f}"
    return (
        f"{call.started_at:%Y-%m-%d %H:%M:%S}", call.stage, f"{call.provider}:{call.model}", call.status,
        f"{call.input_tokens or 0:,} in", f"{call.output_tokens or 0:,} out", cost, f"{call.latency_ms / 1000:.1f} s",
        call.error or "",
    )  # fmt: skip
