"""`studio files`: the tree of the application, one of its files, and a worker's text that was kept beside a person's."""

from __future__ import annotations

import argparse

from studio.cli.arguments import Group
from studio.cli.host import Host
from studio.domain.errors import Refused
from studio.protocol import build_commands as b
from studio.protocol import build_queries as bq
from studio.protocol import build_views as bv

KEPT = "a worker's kept text: the digest that the finding names, or its beginning"
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
        "--base", metavar="VERSION", help="compare with this one (default: what there was before the newest change)"
    )
    shown = group.add(
        "show", _show, "Print a file.", "studio files show index.html", "studio files show cart.js --version 1.0.0"
    )
    shown.add_argument("path", metavar="PATH", help="as listed, inside app/")
    which = shown.add_mutually_exclusive_group()
    which.add_argument("--version", metavar="VERSION", help=VERSION)
    which.add_argument("--kept", metavar="DIGEST", help=KEPT)
    diff = group.add(
        "diff", _diff, "Show what differs between your file and a worker's text that was kept because you had changed it.",
        "studio files diff cart.js", "studio files diff cart.js --kept ee1be01ff62b --words",
    )  # fmt: skip
    diff.add_argument("--words", action="store_true", help="word by word instead of line by line")
    take = group.add(
        "take", _take, "Put a worker's kept text in the place of yours, as a new version. Yours becomes a version first.",
        "studio files take cart.js", "studio files take cart.js --kept ee1be01ff62b",
    )  # fmt: skip
    for one in (diff, take):
        one.add_argument("path", metavar="PATH", help="of the finding, inside app/")
        one.add_argument("--kept", metavar="DIGEST", default="", help=f"{KEPT} (default: of the newest open conflict)")


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
    if args.kept is not None:
        return host.run(_print_kept(bq.GetKept(path=args.path, kept=args.kept), host))
    return host.run(_print_file(bq.GetFile(path=args.path, version=args.version), host))


async def _print_file(query: bq.GetFile, host: Host) -> int:
    from studio.cli.application import app_of

    async with host.session() as client:
        await app_of(client)
        found = await client.query(query)
    if host.out.as_json:
        host.out.json(found)
        return 0
    return _print_text(found, host)


def _print_text(found: bv.FileView | bv.KeptView, host: Host) -> int:
    if found.text is None:
        raise Refused(
            f"{found.path} is not text ({found.size} bytes).", hint="Open it in app/ with a program for its kind."
        )
    host.out.piece(found.text if found.text.endswith("\n") or not found.text else f"{found.text}\n")
    return 0


async def _print_kept(query: bq.GetKept, host: Host) -> int:
    found = await _kept(query, host)
    if host.out.as_json:
        host.out.json(found)
        return 0
    return _print_text(found, host)


async def _kept(query: bq.GetKept, host: Host) -> bv.KeptView:
    from studio.cli.application import app_of

    async with host.session() as client:
        await app_of(client)
        return await client.query(query)


def _diff(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print_diff(bq.GetKept(path=args.path, kept=args.kept), args.words, host))


async def _print_diff(query: bq.GetKept, words: bool, host: Host) -> int:
    from studio.cli.file_diff import lines

    found = await _kept(query, host)
    if host.out.as_json:
        host.out.json(found)
        return 0
    host.out.say(f"{found.path}: yours -> kept as {found.digest[:12]}")
    if found.diff is None:
        host.out.say("Both are the same.")
    else:
        host.out.lines(lines((found.diff,), host.out, words=words), styled=True)
    return 0


def _take(args: argparse.Namespace, host: Host) -> int:
    return host.run(_send(b.TakeKept(path=args.path, kept=args.kept), host))


async def _send(command: b.TakeKept, host: Host) -> int:
    from studio.cli.application import app_of
    from studio.cli.commands.answers import print_done

    async with host.session() as client:
        await app_of(client)
        done = await client.execute(command)
    return print_done(done, host.out)
