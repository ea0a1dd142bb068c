"""`studio edit`: a person's own text for a stage, from an editor or a file."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from studio.cli.arguments import describe, page_argument, path_name, read_file
from studio.cli.commands.answers import print_done
from studio.cli.host import Host
from studio.cli.outline import page_ref
from studio.domain.errors import BadInput, Conflict, Refused, StudioError
from studio.domain.page import BRIEF
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol import views as v

if TYPE_CHECKING:
    from studio.protocol.client import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run,
        "Open the newest text in $VISUAL or $EDITOR and keep what you wrote as a new revision; or take it from a file. Edits of your\n"
        "own are never limited. The project is free for others while the editor is open; if the text has changed meanwhile, both are kept.",
        "studio edit next", "studio edit 2/14 --stage dialogue --file dialogue.txt",
    )  # fmt: skip
    page_argument(parser)
    parser.add_argument("--stage", help="narration, dialogue or brief (default: where the page stands)")
    parser.add_argument("--file", metavar="F", type=path_name, help="take the text from F, - for standard input")
    parser.add_argument("--revision", metavar="ID", help="with --file: refuse if another revision is the newest by now")
    parser.add_argument("--note", default="", help="a word for the history on what was changed")


@dataclass(frozen=True, slots=True)
class Start:
    """What the editor starts from; `revision` is None where there is no text yet."""

    page: v.PageView
    stage: str
    text: str
    revision: str | None


def run(args: argparse.Namespace, host: Host) -> int:
    if args.file is not None:
        text = read_file(args.file)
        if not text.strip():
            raise BadInput("The text is empty.", hint="Give the whole text of the stage.")
        return host.run(_store_file(args, text, host))
    from studio.cli.editing import check_editor, open_editor
    from studio.workspace.edits import text_line

    check_editor()
    start = host.run(_start(args.page, args.stage, host))
    path = _hand_out(host.root(), start)
    open_editor(path, text_line(path))
    return host.run(_take_back(path, start, args.note, host))


async def _store_file(args: argparse.Namespace, text: str, host: Host) -> int:
    async with host.session() as client:
        page = await client.query(q.GetPage(page=args.page))
        stage = _stage_of(page, args.stage)
        command = c.Edit(page=page.id, stage=stage, text=text.strip("\n"), revision=args.revision, note=args.note)
        return print_done(await client.execute(command), host.out)


async def _start(ref: str, stage: str | None, host: Host) -> Start:
    async with host.session() as client:
        page = await client.query(q.GetPage(page=ref))
    name = _stage_of(page, stage)
    head = _head(page, name)
    return Start(page, name, head.text if head else "", head.id if head else None)


def _head(page: v.PageView, stage: str) -> v.RevisionView | None:
    return page.brief if stage == BRIEF else next((cell.head for cell in page.cells if cell.name == stage), None)


def _stage_of(page: v.PageView, given: str | None) -> str:
    known = [BRIEF, *(cell.name for cell in page.cells)]
    if given is not None and given not in known:
        raise BadInput(f"There is no stage {given!r}.", hint=f"There are: {', '.join(known)}.")
    if given is not None:
        return given
    if page.stage is not None:
        return page.stage
    if page.phase == "awaiting":
        return BRIEF
    raise Refused(
        "Every stage of this page is approved.", hint=f"Name the one to edit: --stage {' or --stage '.join(known)}"
    )


def _hand_out(root: Path, start: Start) -> Path:
    from studio.workspace import edits

    return edits.write(
        root, page_id=start.page.id, page_slug=start.page.slug, stage=start.stage, revision_id=start.revision,
        title=start.page.title or start.page.slug, text=start.text,
    )  # fmt: skip


async def _take_back(path: Path, start: Start, note: str, host: Host) -> int:
    from studio.workspace import edits

    found = edits.read(path)
    if not found.changed:
        edits.remove(path)
        host.out.say("Nothing was changed.")
        if host.out.as_json:
            host.out.json({"page": start.page.id, "revision": start.revision, "message": "Nothing was changed."})
        return 0
    command = c.Edit(page=start.page.id, stage=start.stage, text=found.text, revision=start.revision, note=note)
    try:
        async with host.session() as client:
            if start.revision is None:
                await _refuse_a_first_text_that_came_meanwhile(client, start)
            done = await client.execute(command)
    except StudioError as error:
        error.hint = f"{error.hint} Your text is kept in {path}.".strip()
        raise
    edits.remove(path)
    return print_done(done, host.out)


async def _refuse_a_first_text_that_came_meanwhile(client: EngineClient, start: Start) -> None:
    """A command that saw no revision names none, so the engine cannot know that one has come since."""
    head = _head(await client.query(q.GetPage(page=start.page.id)), start.stage)
    if head is not None:
        raise Conflict(
            f"While the editor was open, the {start.stage} of this page was written by {head.author}.",
            hint=f"Compare: studio show {page_ref(start.page)} --stage {start.stage}.",
            data={"expected": "", "actual": head.id, "theirs": head.text},
        )
