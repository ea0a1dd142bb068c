"""`studio status`: the outline, and what waits for the person."""

from __future__ import annotations

import argparse

from studio.cli.arguments import describe
from studio.cli.host import Host
from studio.cli.outline import outline
from studio.protocol import queries as q
from studio.tui.presenters.warnings import told


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run,
        "Show the book: chapters, pages and their states, the model in use, what was spent.\n"
        "[.] empty  [*] drafting or to be drafted  [?] waits for you  [v] approved  [!] failed or interrupted",
        "studio status", "studio status --json",
    )  # fmt: skip
    parser.add_argument("--archived", action="store_true", help="also pages that were archived")


def run(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print(args.archived, host))


async def _print(archived: bool, host: Host) -> int:
    async with host.session() as client:
        project = await client.query(q.GetProject(archived=archived))
    if host.out.as_json:
        host.out.json(project)
        return 0
    host.out.lines(outline(project, host.out.width))
    if project.model is None:
        host.out.say(project.model_hint)
    for warning in project.warnings:
        host.out.say(f"{warning.kind}: {told(warning)}")
    return 0
