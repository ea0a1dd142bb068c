"""Drafting to the end, and moving a page to its next stage: what came of it, the note to the next role, what is next, its price."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.cli.application import is_app
from studio.cli.commands.answers import print_done
from studio.domain.errors import NotFound
from studio.protocol import build_queries as bq
from studio.protocol import build_views as bv
from studio.protocol import commands as c
from studio.protocol import queries as q

if TYPE_CHECKING:
    from studio.cli.following import Drafted
    from studio.cli.output import Output
    from studio.protocol.client import EngineClient


async def print_draft(client: EngineClient, command: c.AnyCommand, out: Output) -> int:
    """Start a draft, wait for its end, print what came of it; of a change also what is to be done next."""
    from studio.cli.following import draft

    try:
        drafted = await draft(client, command, out)
    except NotFound as error:
        raise await _in_words_of(client, command, error) from error
    return await _print_drafted(client, drafted, out)


async def _in_words_of(client: EngineClient, command: c.AnyCommand, error: NotFound) -> NotFound:
    """An application has changes, not pages: what to do where none is at work."""
    if getattr(command, "page", None) != "next":
        return error
    project = await client.query(q.GetProject())
    if not is_app(project) or any(page.phase != "approved" for chapter in project.chapters for page in chapter.pages):
        return error
    return NotFound("There is no change at work.", hint='Describe one: studio change "A page that lists our goods."')


async def _print_drafted(client: EngineClient, drafted: Drafted, out: Output) -> int:
    from studio.cli.following import print_result

    code = print_result(drafted, out)
    if not out.as_json and any(cell.output == "code" for cell in drafted.page.cells):
        out.say(f"Next: {(await client.query(bq.GetBuild(page=drafted.page.id))).next_action}")
    return code


async def print_moved(client: EngineClient, command: c.AnyCommand, out: Output) -> int:
    """Where `[workflow] auto_draft` began the next draft, its end is waited for as that of `studio generate`."""
    from studio.cli.following import begin

    project = await client.query(q.GetProject())
    try:
        done = await begin(client, command, out)
    except NotFound as error:
        raise await _in_words_of(client, command, error) from error
    build = await client.query(bq.GetBuild(page=done.page)) if is_app(project) and done.page else None
    if done.run is None:
        return _print_build(done, build, out) if build is not None else print_done(done, out)
    from studio.cli.following import wait_for

    out.say(done.message)
    _say_handoff(build, out)
    return await _print_drafted(client, await wait_for(client, done, project.seq, out), out)


def _print_build(done: c.Done, build: bv.BuildView, out: Output) -> int:
    if out.as_json:
        import msgspec

        handoff = build.handoffs[-1] if build.handoffs else None
        out.json({**msgspec.to_builtins(done), "handoff": handoff, "next_action": build.next_action})
        return 0
    print_done(c.Done(seq=done.seq, message=done.message, state=done.state), out)
    _say_handoff(build, out)
    out.say(f"Next: {build.next_action}")
    if done.price:
        out.say(f"Next draft: {done.price}")
    return 0


def _say_handoff(build: bv.BuildView | None, out: Output) -> None:
    if build is not None and build.handoffs:
        last = build.handoffs[-1]
        out.say(f"{last.from_role} to {last.to_role}: {last.note}")
