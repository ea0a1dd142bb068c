"""`studio search`: find words in pages and canon."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from studio.cli.arguments import describe
from studio.cli.host import Host
from studio.cli.output import Output
from studio.protocol import queries as q
from studio.protocol import views as v


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run, "Find a word or phrase, in upper or lower case, in all pages and canon documents.",
        "studio search lantern", 'studio search "grey gloves" --in canon',
    )  # fmt: skip
    parser.add_argument("text", metavar="TEXT")
    parser.add_argument(
        "--in", dest="scope", choices=("all", "pages", "canon"), default="all", help="where (default: all)"
    )


def run(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print(q.Search(text=args.text, scope=args.scope), host))


async def _print(query: q.Search, host: Host) -> int:
    async with host.session() as client:
        found = await client.query(query)
        project = await client.query(q.GetProject(archived=True))
    if host.out.as_json:
        host.out.json(found)
        return 0
    places = {
        page.id: f"{chapter.number}/{page.number} {page.title}"
        for chapter in project.chapters
        for page in chapter.pages
    }
    host.out.lines(_lines(found, places, host.out), styled=True)
    if not found.hits:
        host.out.say("Nothing found.")
    elif found.more:
        host.out.say(f"There are more; these are the first {len(found.hits)}.")
    return 0


def _lines(found: v.SearchView, places: dict[str, str], out: Output) -> Iterator[str]:
    for hit in found.hits:
        place = (
            f"{hit.path}:{hit.line}"
            if hit.kind == "canon"
            else f"{places.get(hit.page or '', hit.title)} ({hit.stage or 'title'})"
        )
        before, after = hit.before.replace("\n", " "), hit.after.replace("\n", " ")
        yield f"{out.styled(place, 'dim')}: {out.styled(before, 'plain')}{out.styled(hit.match, 'strong')}{out.styled(after, 'plain')}"
