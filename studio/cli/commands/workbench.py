"""`studio` without a command: the workbench, or the first-run screen in a folder that has no project."""

from __future__ import annotations

import argparse
import sys

from studio.cli.host import Host
from studio.domain.errors import BadInput, NotFound


def run(args: argparse.Namespace, host: Host) -> int:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise BadInput(
            "The workbench needs a terminal.", hint="Without one, use commands: `studio status`, `studio generate next`, `studio --help`."
        )  # fmt: skip
    try:
        root = host.root()
    except NotFound:
        if args.project:
            raise
        root = None
    return host.workbench(root)
