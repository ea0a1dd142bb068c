"""`studio export`: write the approved book to files."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio.cli.arguments import CHAPTER, Group, path_name
from studio.cli.host import Host
from studio.domain.errors import Refused
from studio.domain.text import counted, slugify
from studio.protocol import queries as q
from studio.protocol import views as v


def configure(parser: argparse.ArgumentParser) -> None:
    group = Group(
        parser, "Write the approved text of the book, in order. Pages without approved text are left out and counted."
    )
    markdown = group.add(
        "markdown", _markdown, "One Markdown file, a folder with a file for each page, or standard output.",
        "studio export markdown", "studio export markdown -o book.md", "studio export markdown -o pages/", "studio export markdown -o -",
    )  # fmt: skip
    markdown.add_argument(
        "-o", "--output", metavar="FILE|DIR|-", type=path_name,
        help="a name with a suffix is a file, another a folder (default: the book's name .md)"
    )  # fmt: skip
    markdown.add_argument("--chapter", metavar="CHAPTER", help=f"one chapter alone: {CHAPTER}")


def _markdown(args: argparse.Namespace, host: Host) -> int:
    return _export(args.output, host.run(_book(args.chapter, host)), host)


async def _book(chapter: str | None, host: Host) -> v.BookView:
    async with host.session() as client:
        return await client.query(q.GetBook(chapter=chapter))


def _export(output: str | None, book: v.BookView, host: Host) -> int:
    if not book.pages:
        raise Refused(
            "Nothing is approved yet, so there is nothing to export.", hint="Approve a page: studio approve PAGE"
        )
    if output == "-":
        from studio.exporters.markdown import render

        for piece in render(book.title, book.language, book.pages):
            host.out.piece(piece)
        return 0
    from studio.exporters import registry

    path = Path(output).expanduser() if output else Path(f"{slugify(book.title) or 'book'}.md")
    folder = bool(output) and (str(output).endswith("/") or path.is_dir() or not path.suffix)
    made = registry.export("markdown", book, path, folder=folder)
    if host.out.as_json:
        kept = str(made.kept) if made.kept else None
        host.out.json({"path": str(made.path), "pages": made.pages, "skipped": made.skipped, "kept": kept})
        return 0
    host.out.line(str(made.path))
    left_out = f"; {made.skipped} without approved text left out." if made.skipped else "."
    host.out.say(f"{counted(made.pages, 'page')} written{left_out}")
    if made.kept:
        host.out.say(f"The file there had been edited since its export: it is kept as {made.kept}.")
    return 0
