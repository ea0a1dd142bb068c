"""`studio chapter`: add, list, rename, move."""

from __future__ import annotations

import argparse

from studio.cli.arguments import CHAPTER, Group, number
from studio.cli.commands.answers import carry_out, made
from studio.cli.host import Host
from studio.cli.output import table
from studio.protocol import commands as c
from studio.protocol import queries as q


def configure(parser: argparse.ArgumentParser) -> None:
    group = Group(parser, "The book's chapters. A chapter is named by its id, slug or number.")
    add = group.add("add", _add, "Add a chapter and print its id.", 'studio chapter add "The Crossing"')
    add.add_argument("title", metavar="TITLE")
    add.add_argument("--slug", help="its name in commands and files (default: from the title)")
    add.add_argument("--at", metavar="N", type=number, help="its place in the book, from 1 (default: last)")
    group.add("list", _list, "List the chapters.", "studio chapter list")
    rename = group.add("rename", _rename, "Give a chapter another title.", 'studio chapter rename 2 "The Toll"')
    rename.add_argument("chapter", metavar="CHAPTER", help=CHAPTER)
    rename.add_argument("title", metavar="TITLE")
    move = group.add("move", _move, "Move a chapter to another place.", "studio chapter move the-toll 1")
    move.add_argument("chapter", metavar="CHAPTER", help=CHAPTER)
    move.add_argument("position", metavar="N", type=number, help="its new place, from 1")


def _add(args: argparse.Namespace, host: Host) -> int:
    return host.run(made(host, c.AddChapter(title=args.title, slug=args.slug, position=args.at), "chapter"))


def _rename(args: argparse.Namespace, host: Host) -> int:
    return host.run(carry_out(host, c.RenameChapter(chapter=args.chapter, title=args.title)))


def _move(args: argparse.Namespace, host: Host) -> int:
    return host.run(carry_out(host, c.MoveChapter(chapter=args.chapter, position=args.position)))


def _list(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print_list(host))


async def _print_list(host: Host) -> int:
    async with host.session() as client:
        project = await client.query(q.GetProject())
    if host.out.as_json:
        host.out.json({"chapters": project.chapters})
        return 0
    rows = [
        (str(one.number), one.slug, f"{one.approved}/{one.total} approved", one.title, one.id)
        for one in project.chapters
    ]
    host.out.lines(table(rows))
    if not rows:
        host.out.say("There are none yet: studio chapter add TITLE")
    return 0
