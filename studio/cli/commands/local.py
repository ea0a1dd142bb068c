"""`studio local`: set up, look at, remove the local model."""

from __future__ import annotations

import argparse

from studio.cli.arguments import Group
from studio.cli.host import Host
from studio.cli.local_setup import offer_runtime, set_up
from studio.cli.output import table
from studio.protocol.local import LocalModelView


def configure(parser: argparse.ArgumentParser) -> None:
    group = Group(parser, "A small model on this computer, for work without a key. Its texts are of draft quality.")
    setup = group.add(
        "setup", _setup, "Fetch a model, check its SHA-256, start it once; or use a GGUF file of your own.",
        "studio local setup", "studio local setup tiny", "studio local setup ~/models/mine.gguf",
    )  # fmt: skip
    setup.add_argument(
        "which",
        metavar="small|tiny|PATH",
        nargs="?",
        default="small",
        help="small 1.1 GB (default), tiny 98 MB, or a GGUF file",
    )
    setup.add_argument("--yes", action="store_true", help="also install the program that runs it, without being asked")
    group.add("status", _status, "Say what is installed and which model is used.", "studio local status")
    remove = group.add("remove", _remove, "Delete a downloaded model.", "studio local remove small")
    remove.add_argument(
        "which",
        metavar="small|tiny|own",
        choices=("small", "tiny", "own"),
        help="own: forget your own file, which stays where it is",
    )


def _setup(args: argparse.Namespace, host: Host) -> int:
    local = host.local()
    if local.status().runtime is None:
        offer_runtime(host, local, yes=args.yes)
    made = host.run(set_up(local, args.which, host.out))
    if host.out.as_json:
        host.out.json(made)
        return 0
    host.out.line(made.path)
    host.out.say(
        f"Ready: {made.source}; loads in {made.load_seconds:.1f} s, {made.tokens_per_second:.0f} tokens a second here."
    )
    return 0


def _status(args: argparse.Namespace, host: Host) -> int:
    found = host.local().status()
    if host.out.as_json:
        host.out.json(found)
        return 0
    host.out.lines(
        table(
            [
                ("runtime", f"xllamacpp {found.runtime}" if found.runtime else "not installed: pip install xllamacpp"),
                ("folder", found.folder),
            ]
        )
    )
    host.out.line()
    host.out.lines(table([_row(one, found.chosen) for one in found.models]))
    return 0


def _row(one: LocalModelView, chosen: str | None) -> tuple[str, ...]:
    return (
        "*" if one.name == chosen else "",
        one.name,
        one.title,
        one.size_words,
        one.licence,
        one.problem or one.path or "",
    )


def _remove(args: argparse.Namespace, host: Host) -> int:
    freed = host.local().remove(args.which)
    if host.out.as_json:
        host.out.json({"removed": args.which, "bytes": freed})
        return 0
    host.out.say(f"{freed / 1e6:.0f} MB freed." if freed else "There was nothing to delete.")
    return 0
