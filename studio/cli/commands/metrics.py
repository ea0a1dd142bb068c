"""`studio metrics`: how the changes of the application went."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from studio.cli.arguments import describe
from studio.cli.host import Host
from studio.protocol import build_queries as bq
from studio.protocol import build_views as bv


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run,
        "Success rate, time, files and versions per complete change, tasks and their tries, and how tools are used.\n"
        "A change that is open has more to come: it is counted, and in no rate and no mean.",
        "studio metrics", "studio metrics --json",
    )  # fmt: skip


def run(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print(host))


async def _print(host: Host) -> int:
    from studio.cli.application import app_of

    async with host.session() as client:
        await app_of(client)
        found = await client.query(bq.GetMetrics())
    if host.out.as_json:
        host.out.json(found)
        return 0
    host.out.lines(_lines(found))
    return 0


def _lines(found: bv.MetricsView) -> Iterator[str]:
    from studio.cli.output import table
    from studio.tui.presenters.metrics import figures

    yield from table(figures(found))
    if found.tools:
        yield ""
        head = ("tool", "calls", "errors", "refused", "mean")
        yield from table(
            [
                head,
                *(
                    (one.name, str(one.calls), str(one.errors), str(one.refused), f"{one.mean_ms:.0f} ms")
                    for one in found.tools
                ),
            ]
        )
    if found.patterns:
        yield ""
        yield from table([("what follows what", "times"), *((words, str(times)) for words, times in found.patterns)])
