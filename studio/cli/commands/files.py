"""`studio files`: the tree of the application, and one of its files."""

from __future__ import annotations

import argparse

from studio.cli.arguments import Group
from studio.cli.host import Host
from studio.domain.errors import Refused
from studio.protocol import build_queries as bq
from studio.protocol import build_views as bv

VERSION = "of this version: number, id, or newest (default: as they lie in app/)"


def configure(parser: argparse.ArgumentParser) -> None:
    group = Group(
        parser,
        "The files of the application. `studio files` alone lists them.\n"
        "A added  M modified  D deleted  R renamed  ! changed by you since the newest version",
        fallback="list",
    )
    listed = group.add(
        "list", _list, "List the files with what the newest version did to them.", "studio files list", "studio files list --version 1.0.0"
    )  # fmt: skip
    listed.add_argument("--version", metavar="VERSION", help=VERSION)
    listed.add_argument(
        "--base", metavar="VERSION", help="compare with this one (default: the version before the newest)"
    )
    shown = group.add(
        "show", _show, "Print a file.", "studio files show index.html", "studio files show cart.js --version 1.0.0"
    )
    shown.add_argument("path", metavar="PATH", help="as listed, inside app/")
    shown.add_argument("--version", metavar="VERSION", help=VERSION)


def _list(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print(bq.GetFiles(version=args.version, base=args.base), host))


async def _print(query: bq.GetFiles, host: Host) -> int:
    from studio.cli.application import app_of
    from studio.cli.output import table
    from studio.domain.text import counted

    async with host.session() as client:
        await app_of(client)
        found = await client.query(query)
    if host.out.as_json:
        host.out.json(found)
        return 0
    host.out.lines(table([_row(one) for one in found.files]))
    there = sum(1 for one in found.files if one.mark != "D")
    host.out.say(f"{counted(there, 'file')}" + (f" in version {found.version}." if found.version else " in app/."))
    return 0


def _row(one: bv.FileLine) -> tuple[str, ...]:
    from studio.cli.application import size_of
    from studio.domain.text import counted

    problems = f"{counted(one.findings, 'finding')} open" if one.findings else ""
    return (one.mark or ".", size_of(one.size), one.path, problems)


def _show(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print_file(bq.GetFile(path=args.path, version=args.version), host))


async def _print_file(query: bq.GetFile, host: Host) -> int:
    from studio.cli.application import app_of

    async with host.session() as client:
        await app_of(client)
        found = await client.query(query)
    if host.out.as_json:
        host.out.json(found)
        return 0
    if found.text is None:
        raise Refused(
            f"{found.path} is not text ({found.size} bytes).", hint="Open it in app/ with a program for its kind."
        )
    host.out.piece(found.text if found.text.endswith("\n") or not found.text else f"{found.text}\n")
    return 0
