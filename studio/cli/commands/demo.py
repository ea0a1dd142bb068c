"""`studio demo`: an example to look around in, a book or an application; without a terminal, one page of it to its approval."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from studio.cli.arguments import describe, path_name
from studio.cli.host import Host
from studio.cli.output import Output, table

_WHAT = {"story": "book", "app": "application"}


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run,
        "Copy the example book, or with --workflow app the example application, to DIR and open it. With --headless, or without a\n"
        "terminal, nothing is asked: the next page is drafted, revised from a feedback and approved (of the application, the next\n"
        "change goes through all phases to an approved version), with the local model where no key is set (it is fetched first). That\n"
        "is refused in a demo where somebody has worked; a run that broke off goes on with its own page.",
        "studio demo my-demo", "studio demo my-shop --workflow app", "studio demo --headless my-demo --local tiny",
    )  # fmt: skip
    parser.add_argument(
        "directory", metavar="DIR", nargs="?", type=path_name, help="where to (default: lantern-ferry, or corner-shop)"
    )
    parser.add_argument(
        "--workflow", choices=("story", "app"), help="which example (default: the one in DIR, else story)"
    )
    parser.add_argument("--headless", action="store_true", help="no screen and no question")
    parser.add_argument(
        "--local",
        choices=("small", "tiny"),
        help="which local model to set up and use (default: small, where no key is set)",
    )


def run(args: argparse.Namespace, host: Host) -> int:
    from studio.cli import demo

    sample = demo.SAMPLES[args.workflow or demo.STORY]
    root = Path(os.path.abspath(Path(args.directory or sample).expanduser()))
    workflow = args.workflow or demo.workflow_at(root) or demo.STORY
    if demo.copy_to(root, demo.SAMPLES[workflow]):
        host.out.say(f"The example {_WHAT[workflow]} is in {root}.")
    headless = args.headless or args.json or not (sys.stdin.isatty() and sys.stdout.isatty())
    model = host.run(_prepared(host, root, headless=headless))
    if headless:
        return _without_a_screen(args, host, root, model, workflow)
    if model is None or args.local:
        _offer_local(args, host, has_model=model is not None)
    return host.workbench(root)


async def _prepared(host: Host, root: Path, *, headless: bool) -> str | None:
    """Fill the book; the model that drafts would use, None when nothing is set up. What is refused is so before a model is fetched."""
    from studio.cli import demo, demo_mark
    from studio.protocol.queries import GetProject

    async with host.session(root) as client:
        await demo.fill(client, root)
        if headless:
            await demo_mark.page_to_take(client, root, demo.shown(root))
        return (await client.query(GetProject())).model


def _without_a_screen(args: argparse.Namespace, host: Host, root: Path, model: str | None, workflow: str) -> int:
    local = None
    if args.local or model is None or model.startswith("local:"):
        local = f"local:{_local_model(args.local, host, yes=True)}"
    return host.run((_one_page if workflow == "story" else _one_change)(host, root, local))


def _local_model(wanted: str | None, host: Host, *, yes: bool) -> str:
    """Make sure of a local model, a person's own file where that is what they chose; its name."""
    from studio.cli.local_setup import offer_runtime, set_up

    local = host.local()
    status = local.status()
    which = wanted or ("own" if status.chosen == "own" else "small")
    if status.ready(which):
        host.out.say(f"The local model {which} is ready.")
        return which
    if status.runtime is None:
        offer_runtime(host, local, yes=yes)
    host.run(set_up(local, which, host.out))
    return which


def _offer_local(args: argparse.Namespace, host: Host, *, has_model: bool) -> None:
    from studio.cli.local_setup import ask

    which = args.local or "small"
    size = host.local().size_words(which)
    question = f"No model is set up. Fetch one that runs on this computer ({size}, draft quality)?"
    if has_model or ask(question):
        _local_model(which, host, yes=True)
    else:
        host.out.say("Later: set a key such as ANTHROPIC_API_KEY, or run `studio local setup`.")


async def _one_page(host: Host, root: Path, model: str | None) -> int:
    from studio.cli import demo

    words = Output(quiet=host.out.quiet, live=host.out.live)
    async with host.session(root, drafts=True) as client:
        finished = await demo.finish_a_page(client, root, model, words)
    if host.out.as_json:
        host.out.json(demo.as_data(root, finished))
    else:
        host.out.lines(table(demo.lines(root, finished)))
    return 0


async def _one_change(host: Host, root: Path, model: str | None) -> int:
    from studio.cli import demo_app

    words = Output(quiet=host.out.quiet, live=host.out.live)
    async with host.session(root, drafts=True) as client:
        finished = await demo_app.finish_a_change(client, root, model, words)
    if host.out.as_json:
        host.out.json(demo_app.as_data(root, finished))
    else:
        host.out.lines(table(demo_app.lines(root, finished)))
    return 0
