"""`studio diff`: word by word, what changed between two revisions."""

from __future__ import annotations

import argparse

from studio.cli.arguments import describe, page_argument
from studio.cli.commands.show import revision_ref
from studio.cli.host import Host
from studio.cli.outline import page_ref
from studio.cli.word_diff import changed_lines
from studio.domain.diff import diff
from studio.domain.errors import NotFound
from studio.protocol import queries as q
from studio.protocol import views as v


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run,
        "Show what changed from revision OLD to NEW (default: from the one before to the newest). Without colour, words that went\n"
        "stand in [-...-] and words that came in {+...+}.",
        "studio diff 2/14", "studio diff 2/14 1 3 --stage narration",
    )  # fmt: skip
    page_argument(parser)
    parser.add_argument("old", metavar="OLD", nargs="?", help="a revision's number or id")
    parser.add_argument("new", metavar="NEW", nargs="?", help="a revision's number or id (default: the newest)")
    parser.add_argument("--stage", help="the stage (default: where the page stands, else the last that was changed)")
    parser.add_argument("--full", action="store_true", help="also paragraphs that stayed as they were")


def run(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print(args, host))


async def _print(args: argparse.Namespace, host: Host) -> int:
    async with host.session() as client:
        page = await client.query(q.GetPage(page=args.page))
        stage = args.stage or _changed_stage(page, named=args.old is not None)
        newest = _newest(page, stage)
        old = args.old or str(newest.number - 1)
        if old == "0":
            raise NotFound(f"There is only one revision of {stage}.", hint="Name a stage with two: --stage")
        before = await client.query(q.GetRevision(revision=revision_ref(page, stage, old)))
        after = newest
        if args.new is not None:
            after = await client.query(q.GetRevision(revision=revision_ref(page, stage, args.new)))
    found = diff(before.text, after.text)
    if host.out.as_json:
        spans = [[{"op": span.op, "text": span.text} for span in paragraph.spans] for paragraph in found]
        host.out.json({"page": page.id, "old": before.id, "new": after.id, "paragraphs": spans})
        return 0
    host.out.say(f"{before.stage} r{before.number} -> {after.stage} r{after.number}")
    host.out.lines(changed_lines(found, host.out, full=args.full), styled=True)
    return 0


def _changed_stage(page: v.PageView, *, named: bool) -> str | None:
    """The stage that is meant: where the page stands; unless revisions are `named`, the last one that has two."""
    stages = sorted((cell for cell in page.cells if cell.head), key=lambda cell: cell.name != page.stage)
    ordered = stages[:1] + stages[:0:-1] if page.stage else stages[::-1]
    changed = [cell.name for cell in ordered if cell.revisions > 1 and not named]
    return next(iter([*changed, *(cell.name for cell in ordered)]), page.stage)


def _newest(page: v.PageView, stage: str | None) -> v.RevisionView:
    found = page.brief if stage == "brief" else next((cell.head for cell in page.cells if cell.name == stage), None)
    if found is None:
        raise NotFound(f"There is no text of {stage or 'any stage'} yet.", hint=f"See: studio history {page_ref(page)}")
    return found
