"""`studio canon`: list, show, check, copy."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from studio.cli.arguments import Group
from studio.cli.commands.answers import print_done
from studio.cli.host import Host
from studio.cli.output import table
from studio.protocol import canon_views as cv
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.tui.presenters.warnings import told


def configure(parser: argparse.ArgumentParser) -> None:
    group = Group(parser, "The book's reference documents: Markdown files under canon/, which Obsidian can open too.")
    group.add(
        "list",
        _list,
        "List the documents: type, when they go in, tokens; of an application the standards in force too.",
        "studio canon list",
    )
    show = group.add("show", _show, "Print a document.", 'studio canon show "Ilse Vane"')
    show.add_argument("name", metavar="NAME", help="a name, an alias or a path")
    group.add(
        "check", _check, "Say what is wrong with files and links; exit code 1 if a file could not be read as written.",
        "studio canon check",
    )  # fmt: skip
    copy = group.add(
        "copy", _copy, "Copy documents on craft that came with the program into the project; nothing is overwritten.",
        "studio canon copy", "studio canon copy craft/page-craft.md",
    )  # fmt: skip
    copy.add_argument("name", metavar="NAME", nargs="?", help="the document (without it: list what there is)")


def _list(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print_list(host))


async def _print_list(host: Host) -> int:
    async with host.session() as client:
        canon = await client.query(q.GetCanon())
    if host.out.as_json:
        host.out.json(canon)
        return 0
    host.out.lines(table([_row(one) for one in canon.documents]))
    if canon.standards:
        host.out.lines(("",) if canon.documents else ())
        host.out.lines(
            table([("standards in force", "from", "tokens", "rules"), *(_standard(one) for one in canon.standards)])
        )
    if canon.warnings:
        host.out.say(f"{len(canon.warnings)} files have a problem: studio canon check")
    return 0


def _row(one: cv.CanonLine) -> tuple[str, ...]:
    aliases = f"also: {', '.join(one.aliases)}" if one.aliases else ""
    return (one.name, one.type, one.include, f"{one.tokens:,} tokens", one.path, aliases)


def _standard(one: cv.StandardLine) -> tuple[str, ...]:
    return (one.path, one.source, f"{one.tokens:,}", str(len(one.rules)))


def _show(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print_text(args.name, host))


async def _print_text(name: str, host: Host) -> int:
    async with host.session() as client:
        found = await client.query(q.GetCanonText(name=name))
    if host.out.as_json:
        host.out.json(found)
    else:
        host.out.line(found.text.rstrip("\n"))
    return 0


def _check(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print_check(host))


async def _print_check(host: Host) -> int:
    async with host.session() as client:
        canon = await client.query(q.GetCanon())
    code = 1 if canon.warnings else 0
    if host.out.as_json:
        host.out.json(canon)
        return code
    host.out.lines(_problems(canon))
    host.out.say(f"{len(canon.documents)} documents, {len(canon.warnings)} with a problem.")
    return code


def _problems(canon: cv.CanonView) -> Iterator[str]:
    for warning in canon.warnings:
        yield told(warning)
    for one in canon.documents:
        for link in one.missing_links:
            yield f"canon/{one.path}: [[{link}]] leads nowhere"


def _copy(args: argparse.Namespace, host: Host) -> int:
    if args.name is None:
        return host.run(_print_packaged(host))
    return host.run(_copy_one(args.name, host))


async def _print_packaged(host: Host) -> int:
    async with host.session() as client:
        canon = await client.query(q.GetCanon())
    if host.out.as_json:
        host.out.json({"packaged": list(canon.packaged)})
        return 0
    host.out.lines(canon.packaged)
    host.out.say("Copy one with: studio canon copy NAME")
    return 0


async def _copy_one(name: str, host: Host) -> int:
    async with host.session() as client:
        return print_done(await client.execute(c.CopyCanon(name=name)), host.out)
