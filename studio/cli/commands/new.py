"""`studio new`: make an empty project."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from studio.cli.arguments import describe
from studio.cli.host import Host


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run,
        "Make a project in DIR: settings, a canon folder, and ignore files for .studio/ and .env. Nothing is overwritten.",
        'studio new my-book --title "The Lantern Ferry"',
    )  # fmt: skip
    parser.add_argument("directory", metavar="DIR", nargs="?", default="", help="the folder (default: this one)")
    parser.add_argument("--title", help="the book's title (default: the folder's name)")
    parser.add_argument("--workflow", default="story", help="the workflow's name (default: story)")
    parser.add_argument("--language", default="en", help="the book's language, as in en or pt-BR (default: en)")


def run(args: argparse.Namespace, host: Host) -> int:
    from studio.workflows import library
    from studio.workspace import scaffold

    root = Path(os.path.abspath(Path(args.directory or args.project or ".").expanduser()))
    library.load(args.workflow, root)
    title = args.title if args.title is not None else root.name
    made = scaffold.create(root, title=title, workflow=args.workflow, language=args.language)
    if host.out.as_json:
        host.out.json({"root": str(made.root), "written": list(made.written)})
        return 0
    host.out.line(str(made.root))
    host.out.say("A new project. Open it with `studio`, or go on with `studio chapter add TITLE`.")
    return 0
