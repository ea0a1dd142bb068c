"""`studio page`: add, list, show, brief, move, rename, archive, unarchive."""

from __future__ import annotations

import argparse

import msgspec

from studio.cli.arguments import CHAPTER, TEXT, Group, number, page_argument, read_given
from studio.cli.commands.answers import carry_out, made
from studio.cli.host import Host
from studio.cli.outline import REF_AND_STATE, build_card, page_card, page_ref, page_rows
from studio.cli.output import table
from studio.domain.errors import BadInput, NotFound
from studio.protocol import build_queries as bq
from studio.protocol import commands as c
from studio.protocol import queries as q


def configure(parser: argparse.ArgumentParser) -> None:
    group = Group(parser, "The book's pages. A page is named by its id, slug, numbers such as 2/14, or next.")
    add = group.add(
        "add", _add, "Add a page and print its id.", 'studio page add 1 "Fog" --brief "Ilse counts the rings."',
        "studio page add the-crossing --brief @brief.txt",
    )  # fmt: skip
    add.add_argument("chapter", metavar="CHAPTER", help=CHAPTER)
    add.add_argument("title", metavar="TITLE", nargs="?")
    add.add_argument("--brief", metavar="TEXT", default="", help=f"what happens on the page: {TEXT}")
    add.add_argument("--slug", help="its name in commands and files (default: from the title)")
    add.add_argument("--at", metavar="N", type=number, help="its place in the chapter, from 1 (default: last)")
    listed = group.add("list", _list, "List pages with their states.", "studio page list --chapter 2")
    listed.add_argument("--chapter", metavar="CHAPTER", help=CHAPTER)
    listed.add_argument("--archived", action="store_true", help="also those that were archived")
    page_argument(group.add("show", _show, "Show where a page stands.", "studio page show 2/14"))
    brief = group.add(
        "brief", _brief, "Print a page's brief, or write a new one.", "studio page brief 2/14",
        'studio page brief 2/14 "Bram drops the pole; Ilse catches it."',
    )  # fmt: skip
    page_argument(brief)
    brief.add_argument("text", metavar="TEXT", nargs="?", help=TEXT)
    move = group.add("move", _move, "Move a page.", "studio page move fog 3", "studio page move fog 1 --chapter 2")
    page_argument(move)
    move.add_argument("position", metavar="N", type=number, help="its new place in the chapter, from 1")
    move.add_argument("--chapter", metavar="CHAPTER", help=f"to another chapter: {CHAPTER}")
    rename = group.add("rename", _rename, "Give a page another title.", 'studio page rename fog "Fog at dawn"')
    page_argument(rename)
    rename.add_argument("title", metavar="TITLE")
    page_argument(group.add("archive", _archive, "Put a page aside; nothing is deleted.", "studio page archive fog"))
    page_argument(group.add("unarchive", _unarchive, "Bring an archived page back.", "studio page unarchive fog"))


def _add(args: argparse.Namespace, host: Host) -> int:
    brief = read_given(args.brief)
    if args.title == "":
        # To the engine an empty title is none, as of a page that is added without one.
        raise BadInput("A page needs a title.", hint="Give one word or more, or leave it out.")
    command = c.AddPage(chapter=args.chapter, title=args.title or "", brief=brief, slug=args.slug, position=args.at)
    return host.run(made(host, command, "page"))


def _move(args: argparse.Namespace, host: Host) -> int:
    return host.run(carry_out(host, c.MovePage(page=args.page, position=args.position, chapter=args.chapter)))


def _rename(args: argparse.Namespace, host: Host) -> int:
    return host.run(carry_out(host, c.RenamePage(page=args.page, title=args.title)))


def _archive(args: argparse.Namespace, host: Host) -> int:
    return host.run(carry_out(host, c.ArchivePage(page=args.page)))


def _unarchive(args: argparse.Namespace, host: Host) -> int:
    return host.run(carry_out(host, c.UnarchivePage(page=args.page)))


def _brief(args: argparse.Namespace, host: Host) -> int:
    if args.text is None:
        return host.run(_print_brief(args.page, host))
    return host.run(carry_out(host, c.SetBrief(page=args.page, text=read_given(args.text))))


async def _print_brief(ref: str, host: Host) -> int:
    async with host.session() as client:
        page = await client.query(q.GetPage(page=ref))
    if host.out.as_json:
        host.out.json({"page": page.id, "brief": page.brief})
        return 0
    if page.brief is None:
        raise NotFound("The page has no brief yet.", hint=f'Write one: studio page brief {page_ref(page)} "..."')
    host.out.line(page.brief.text)
    return 0


def _list(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print_list(args.chapter, args.archived, host))


async def _print_list(chapter: str | None, archived: bool, host: Host) -> int:
    async with host.session() as client:
        project = await client.query(q.GetProject(archived=archived))
    chapters = project.chapters
    if chapter is not None:
        chapters = tuple(one for one in chapters if chapter in (one.id, one.slug, str(one.number)))
        if not chapters:
            raise NotFound(f"There is no chapter {chapter!r}.", hint="See: studio chapter list")
    if host.out.as_json:
        host.out.json({"pages": [page for one in chapters for page in one.pages]})
        return 0
    host.out.lines(table(page_rows(chapters), host.out.width, whole=REF_AND_STATE))
    return 0


def _show(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print_page(args.page, host))


async def _print_page(ref: str, host: Host) -> int:
    from studio.cli.application import is_app

    async with host.session() as client:
        project = await client.query(q.GetProject())
        page = await client.query(q.GetPage(page=ref))
        build = await client.query(bq.GetBuild(page=page.id)) if is_app(project) else None
    if host.out.as_json:
        host.out.json(page if build is None else {**msgspec.to_builtins(page), "build": msgspec.to_builtins(build)})
        return 0
    host.out.lines(page_card(page, project))
    if build is not None:
        host.out.lines(build_card(build))
    return 0
