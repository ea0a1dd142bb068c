"""`studio show`: the text of a page."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from studio.cli.arguments import describe, page_argument
from studio.cli.host import Host
from studio.cli.outline import page_ref
from studio.domain.errors import BadInput, NotFound
from studio.domain.run import NOT_WHOLE
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.tui.presenters.outcomes import why_outdated

if TYPE_CHECKING:
    from studio.protocol.client import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run, "Print a page's text: of each stage the approved revision, or the newest where none is approved.",
        "studio show 2/14", "studio show 2/14 --stage narration --revision 1",
    )  # fmt: skip
    page_argument(parser)
    parser.add_argument("--stage", help="one stage alone (narration, dialogue, brief)")
    parser.add_argument("--revision", metavar="N|ID", help="one revision: its number (with --stage) or id")


def run(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print(args.page, args.stage, args.revision, host))


async def _print(ref: str, stage: str | None, revision: str | None, host: Host) -> int:
    async with host.session() as client:
        page = await client.query(q.GetPage(page=ref))
        if revision is not None:
            found = [await client.query(q.GetRevision(revision=revision_ref(page, stage, revision)))]
        else:
            found = await _texts(client, page, stage)
    if host.out.as_json:
        old = {cell.name: cell.outdated for cell in page.cells if cell.outdated}
        host.out.json({"page": page.id, "state": page.state, "revisions": found, "outdated": old})
        return 0
    _say_what_is_amiss(page, found, host)
    if len(found) == 1:
        host.out.line(found[0].text)
        return 0
    labels = {cell.name: cell.label for cell in page.cells}
    for n, one in enumerate(found):
        host.out.line(f"{chr(10) if n else ''}## {labels.get(one.stage, one.stage)}\n\n{one.text}")
    return 0


def _say_what_is_amiss(page: v.PageView, found: list[v.RevisionView], host: Host) -> None:
    """Which of the texts are not whole, or were written for one that has changed since: words beside the text, not in it."""
    labels = {cell.name: cell.label for cell in page.cells}
    shown = {one.id for one in found}
    for one in found:
        if one.outcome in NOT_WHOLE:
            host.out.say(f"{labels.get(one.stage, one.stage)}, revision {one.number}: {NOT_WHOLE[one.outcome]}.")
    for cell in page.cells:
        why = why_outdated([labels[name] for name in cell.outdated])
        if why and cell.head is not None and cell.head.id in shown:
            host.out.say(f"{cell.label}: {why[:1].lower()}{why[1:]}")


async def _texts(client: EngineClient, page: v.PageView, stage: str | None) -> list[v.RevisionView]:
    if stage == "brief":
        if page.brief is None:
            raise NotFound("The page has no brief yet.")
        return [page.brief]
    cells = [cell for cell in page.cells if stage in (None, cell.name)]
    if not cells:
        known = ", ".join(["brief", *(cell.name for cell in page.cells)])
        raise BadInput(f"There is no stage {stage!r}.", hint=f"There are: {known}.")
    found: list[v.RevisionView] = []
    for cell in cells:
        if cell.approved is not None and (cell.head is None or cell.head.id != cell.approved):
            found.append(await client.query(q.GetRevision(revision=cell.approved)))
        elif cell.head is not None:
            found.append(cell.head)
    if not found:
        raise NotFound("There is no text yet.", hint=f"Draft it: studio generate {page_ref(page)}")
    return found


def revision_ref(page: v.PageView, stage: str | None, given: str) -> str:
    """How the engine is asked for a revision that a person named by number (in `stage`, or where the page stands) or id."""
    if not given.isdecimal():
        return given
    where = stage or page.stage or next((cell.name for cell in reversed(page.cells) if cell.head), None)
    if where is None:
        raise NotFound("There is no text yet.", hint=f"Draft it: studio generate {page_ref(page)}")
    return f"{page.id}@{where}:{given}"
