"""`studio note`: what was noted about a page's drafts; write, change, dismiss a note, and take that back."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from studio.cli.arguments import TEXT, Group, number, page_argument, read_given
from studio.cli.commands.answers import print_done
from studio.cli.host import Host
from studio.cli.output import table
from studio.domain.errors import NotFound
from studio.domain.page import FeedbackKind, counts
from studio.domain.text import counted, one_line
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol import views as v

if TYPE_CHECKING:
    from studio.protocol.client import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    group = Group(
        parser, "Notes about a page's drafts: the next revision is given the open ones. `studio note PAGE` alone lists them.",
        fallback="list",
    )  # fmt: skip
    listed = group.add(
        "list", _list, "List the notes of a page, oldest first, each with its number and state.", "studio note list 2/14",
        "studio note list 2/14 --open",
    )  # fmt: skip
    page_argument(listed)
    listed.add_argument("--open", action="store_true", help="only those that the next revision will be given")
    add = group.add(
        "add", _add, "Note something for the next revision.", 'studio note add 2/14 "No moths." --quote "a moth"',
    )  # fmt: skip
    page_argument(add)
    add.add_argument("text", metavar="TEXT", help=TEXT)
    add.add_argument("--quote", metavar="PASSAGE", help="the passage that it is about, as it is written")
    add.add_argument("--stage", help="the stage that it is about (default: the one the page stands at)")
    edit = group.add(
        "edit", _edit, "Change the words of a note, as long as no draft has been given it.", 'studio note edit 2/14 1 "No moths here."'
    )  # fmt: skip
    _named(edit)
    edit.add_argument("text", metavar="TEXT", help=TEXT)
    dismiss = group.add(
        "dismiss", _dismiss, "Dismiss a note: no draft is given it, and it stays in the history.", "studio note dismiss 2/14 1",
    )  # fmt: skip
    _named(dismiss)
    _named(group.add("reopen", _reopen, "Take back that a note was dismissed.", "studio note reopen 2/14 1"))


def _named(parser: argparse.ArgumentParser) -> None:
    page_argument(parser)
    parser.add_argument("number", metavar="N", type=number, help="the note's number, as listed")


def _list(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print(args.page, args.open, host))


async def _print(ref: str, open_only: bool, host: Host) -> int:
    async with host.session() as client:
        page, notes, requests = await _feedback(client, ref)
    shown = [(n, note) for n, note in enumerate(notes, start=1) if not open_only or note.state == "open"]
    if host.out.as_json:
        rows = [{"number": n, "state": note.state, **msgspec.to_builtins(note)} for n, note in shown]
        host.out.json({"page": page, "notes": rows})
        return 0
    host.out.lines(table(_rows(shown), host.out.width))
    is_open = sum(note.state == "open" for note in notes)
    host.out.say(f"{counted(len(notes), 'note')}, {is_open} open.")
    if left := counts([one.kind for one in requests if one.state == "open"], open_=True):
        host.out.say(f"{left}, whose revision never came: given to the next one too.")
    return 0


def _rows(shown: list[tuple[int, v.FeedbackView]]) -> Iterator[tuple[str, ...]]:
    for n, note in shown:
        quote = f'"{one_line(note.quote, 60)}": ' if note.quote else ""
        yield str(n), note.state, f"{note.stage} r{note.revision_number}", note.author, f"{quote}{one_line(note.text)}"


async def _notes(client: EngineClient, ref: str) -> tuple[str, list[v.FeedbackView]]:
    """The page's id and its notes, oldest first: the place of one never changes, since none is ever deleted."""
    page, notes, _ = await _feedback(client, ref)
    return page, notes


async def _feedback(client: EngineClient, ref: str) -> tuple[str, list[v.FeedbackView], list[v.FeedbackView]]:
    """The page's id, its notes, and what revisions of it were asked for with."""
    history = await client.query(q.GetHistory(page=ref))
    notes = [one for one in history.feedback if one.kind == FeedbackKind.NOTE]
    return history.page, notes, [one for one in history.feedback if one.kind != FeedbackKind.NOTE]


async def _note(client: EngineClient, ref: str, place: int) -> v.FeedbackView:
    page, notes = await _notes(client, ref)
    if place > len(notes):
        has = counted(len(notes), "note") if notes else "no note"
        raise NotFound(f"This page has {has}, and none with the number {place}.", hint=f"See: studio note list {page}")
    return notes[place - 1]


def _add(args: argparse.Namespace, host: Host) -> int:
    return host.run(_added(args.page, args.stage, read_given(args.text), args.quote, host))


async def _added(ref: str, stage: str | None, text: str, quote: str | None, host: Host) -> int:
    async with host.session() as client:
        page = await client.query(q.GetPage(page=ref))
        written = [cell for cell in page.cells if cell.head is not None and stage in (None, cell.name)]
        cell = next((one for one in written if one.name == page.stage), written[-1] if written else None)
        if cell is None or cell.head is None:
            what = "draft" if stage is None else f"draft of {one_line(stage, 40)}"
            raise NotFound(f"There is no {what} to note something about.", hint="Draft it first: studio generate PAGE")
        done = await client.execute(c.Comment(revision=cell.head.id, text=text, quote=quote))
    return print_done(done, host.out)


def _edit(args: argparse.Namespace, host: Host) -> int:
    return host.run(_edited(args.page, args.number, read_given(args.text), host))


async def _edited(ref: str, place: int, text: str, host: Host) -> int:
    async with host.session() as client:
        note = await _note(client, ref, place)
        done = await client.execute(c.EditComment(feedback=note.id, text=text, seen=note.text))
    return print_done(done, host.out)


def _dismiss(args: argparse.Namespace, host: Host) -> int:
    return host.run(_settled(args.page, args.number, host, resolved=True))


def _reopen(args: argparse.Namespace, host: Host) -> int:
    return host.run(_settled(args.page, args.number, host, resolved=False))


async def _settled(ref: str, place: int, host: Host, *, resolved: bool) -> int:
    async with host.session() as client:
        note = await _note(client, ref, place)
        done = await client.execute(c.ResolveComment(feedback=note.id, resolved=resolved))
    return print_done(done, host.out)
