"""Waiting for a draft: what is seen of it as it arrives, its events as JSON lines, its end as an exit code."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.cli.live_text import LOGS, LiveText, LogLines, screen_for
from studio.cli.outline import page_ref
from studio.domain import errors
from studio.domain.errors import ERRORS, Interrupted, StudioError
from studio.domain.text import counted, word_count
from studio.protocol import build_events as be
from studio.protocol import commands as c
from studio.protocol import events as e
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.protocol.client import LinkedClient

if TYPE_CHECKING:
    from studio.cli.output import Output
    from studio.protocol.client import EngineClient

OUTCOMES = {
    "cut_off": "It was cut off at the output limit",
    "unproven": "The service did not say that it was complete",
    "empty": "It is empty",
    "refused": "The model declined",
    "filtered": "The service's content filter stopped it",
    "unparsed": "It could not be read and is kept as it came",
    "incomplete": "A task failed",
    "stopped": "It was stopped before its end",
    "interrupted": "It was interrupted before its end",
}


@dataclass(frozen=True, slots=True)
class Drafted:
    """How a draft ended: the run, the revision it made, the page as it stands."""

    run: v.RunView
    revision: v.RevisionView | None
    page: v.PageView


async def draft(client: EngineClient, command: c.AnyCommand, out: Output) -> Drafted:
    """Start a draft and wait for its end. Raises the error that ended it; Ctrl-C stops it and keeps its text.

    A StudioError carries the run's id in `data["run"]`.
    """
    seq = (await client.query(q.GetProject())).seq
    done = await begin(client, command, out)
    out.say(done.message)
    return await wait_for(client, done, seq, out)


async def begin(client: EngineClient, command: c.AnyCommand, out: Output) -> c.Done:
    """Carry out a command that may start a draft. Ctrl-C before its answer stops what it started: the engine was asked already."""
    asked = asyncio.ensure_future(client.execute(command))
    try:
        return await asyncio.shield(asked)
    except asyncio.CancelledError as ended:
        if not _goes_on(client, ended):
            with suppress(StudioError):
                done = await asked
                if done.run is not None:
                    await _stop(client, done.run, out)
        raise


def _goes_on(client: EngineClient, ended: asyncio.CancelledError) -> bool:
    """The line to this terminal was cut: an engine in a process of its own goes on with the draft."""
    return "SIGHUP" in ended.args and isinstance(client, LinkedClient)


async def wait_for(client: EngineClient, done: c.Done, seq: int, out: Output) -> Drafted:
    """Follow a run that a command has started after the journal's `seq`, as `draft` does."""
    if done.run is None or done.page is None:
        raise StudioError("No draft was started.")
    try:
        await _follow(client, done, seq, out)
    except asyncio.CancelledError as ended:
        if not _goes_on(client, ended):
            await _stop(client, done.run, out)
        raise
    drafted = await _ended(client, done.run, done.page)
    _raise_failure(drafted)
    return drafted


async def _follow(client: EngineClient, done: c.Done, seq: int, out: Output) -> None:
    run = done.run or ""
    page = await client.query(q.GetPage(page=done.page or ""))
    screen = screen_for(out, _output_of(page, page.stage))
    waiting = ""
    after: int | None = seq
    while after is not None:
        last, after = after, None
        async with client.subscribe(last) as events:
            async for event in events:
                if isinstance(event, e.Lagged):
                    after = event.seq
                    break
                if not _belongs(event, run, page.id):
                    continue
                if out.as_json:
                    out.json(event, flush=True)
                waiting = _show(event, screen, out, waiting)
                if isinstance(event, e.RunEnded):
                    await _finish(client, event, screen)
                    return


_OF_THE_CHANGE = (be.TaskChanged, be.VersionChanged, be.FindingChanged)


def _belongs(event: e.AnyEvent, run: str, page: str) -> bool:
    """Whether an event is of the run, or of what its workers do to the change."""
    return getattr(event, "run", None) == run or (isinstance(event, _OF_THE_CHANGE) and event.page == page)


def _show(event: e.AnyEvent, screen: LiveText | LogLines | None, out: Output, waiting: str) -> str:
    match event:
        case e.Delta() if screen is not None:
            screen.add(event.offset, event.text)
        case e.RunSnapshot() if screen is not None:
            screen.add(0, event.text)
        case e.RunProgress():
            if event.waiting and event.waiting != waiting and out.watched:
                out.say(f"… {event.waiting}")
            return event.waiting
        case _:
            pass
    return waiting


def _output_of(page: v.PageView, stage: str | None) -> str:
    return next((cell.output for cell in page.cells if cell.name == stage), "")


async def _finish(client: EngineClient, event: e.RunEnded, screen: LiveText | LogLines | None) -> None:
    if screen is None:
        return
    if event.revision is not None:
        screen.finish((await client.query(q.GetRevision(revision=event.revision))).text)
    else:
        screen.finish((await client.query(q.GetRun(run=event.run))).partial, whole=False)


async def _stop(client: EngineClient, run: str, out: Output) -> None:
    """Ctrl-C: the draft ends as one that a person stopped."""
    try:
        await client.execute(c.Stop(run=run))
    except StudioError:
        return
    view = await client.query(q.GetRun(run=run))
    page = await client.query(q.GetPage(page=view.page))
    kept = _kept(view, page) or "no text had come"
    if out.live:
        out.piece("\n")
    go_on = f"Next: {_ways(view, page)}." if view.partial.strip() else ""
    out.say(f"Stopped; {kept}. {go_on}".rstrip())
    if out.as_json:
        data = {"run": view.id, "page": view.page, "status": view.status}
        error = {"code": Interrupted.code, "message": f"Stopped; {kept}.", "hint": go_on, "data": data}
        out.json({"error": error})


def _kept(run: v.RunView, page: v.PageView) -> str:
    """What is left of a run that broke off, in words; empty when nothing is."""
    output = _output_of(page, run.stage)
    if not run.partial.strip():
        return ""
    if output == "code":
        return "what was written is kept as a version that is not complete"
    if output == "review":
        return "the answers that had come are kept"
    return f"{word_count(run.partial)} words are kept"


def _ways(run: v.RunView, page: v.PageView) -> str:
    """The command that decides on what is kept, with each of its ways."""
    ways = "--continue or --discard" if _output_of(page, run.stage) in LOGS else "--continue, --keep or --discard"
    return f"studio resume {page_ref(page)} {ways}"


async def _ended(client: EngineClient, run: str, page: str) -> Drafted:
    view = await client.query(q.GetRun(run=run))
    revision = await client.query(q.GetRevision(revision=view.revision)) if view.revision else None
    return Drafted(view, revision, await client.query(q.GetPage(page=page)))


def _raise_failure(drafted: Drafted) -> None:
    run = drafted.run
    if run.status == "completed":
        return
    data: dict[str, object] = {"run": run.id, "page": run.page, "status": run.status}
    kept = _kept(run, drafted.page)
    if kept:
        kept = f"{kept[:1].upper()}{kept[1:]}: {_ways(run, drafted.page)}."
    if run.status in ("stopped", "interrupted") and run.error_code is None:
        raise Interrupted("The draft was stopped.", hint=kept, data=data)
    # That the engine ended under a draft is no act of the person at this terminal, who would be told 130.
    kind = StudioError if run.status == "interrupted" else ERRORS.get(run.error_code or "", errors.ProviderError)
    message = run.error or "The draft failed."
    raise kind(message, hint=" ".join(filter(None, (run.hint if run.hint not in message else "", kept))), data=data)


def print_result(drafted: Drafted, out: Output) -> int:
    """The text (where it was not shown while it came), or the JSON result as the last line; then a sentence."""
    run, revision, page = drafted.run, drafted.revision, drafted.page
    if out.as_json:
        out.json({"ev": "result", "run": run, "revision": revision, "page": page.id, "state": page.state})
        return 0
    if revision is None:
        return 0
    if not out.live:
        out.line(revision.text)
    out.say(sentence(drafted))
    if run.same_as is not None:
        out.say(f"r{revision.number} is the same as r{run.same_as}: nothing was changed.")
    if revision.outcome != "complete":
        out.say(f"{OUTCOMES.get(revision.outcome, revision.outcome)}: revise or edit it, or approve it with --anyway.")
    return 0


def sentence(drafted: Drafted) -> str:
    """What came of a draft: which revision, how long, by which model, at what price."""
    run, revision = drafted.run, drafted.revision
    if revision is None:
        return "The draft made no revision."
    price = "price unknown" if run.cost_usd is None else f"${run.cost_usd:.4f}" if run.cost_usd else "free"
    label = next((cell.label for cell in drafted.page.cells if cell.name == revision.stage), revision.stage)
    badge = f" ({revision.badge})" if revision.badge else ""
    return f"{label}, revision {revision.number}: {counted(revision.words, 'word')} by {run.model}{badge}, {price}."
