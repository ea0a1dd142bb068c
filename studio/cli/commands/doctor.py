"""`studio doctor`: the project, the terminal, the editor and the models, each with what to do."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator

from studio.cli.arguments import describe
from studio.cli.host import Host
from studio.cli.output import table
from studio.domain.errors import NotFound, StudioError
from studio.protocol import queries as q
from studio.protocol.client import EngineClient, LinkedClient
from studio.protocol.views import Check


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run,
        "Compare store, journal and manuscript, check canon, templates and model, and say what this terminal can do.\n"
        "Nothing is changed. Exit code 1 if something is wrong.",
        "studio doctor", "studio doctor --online --json",
    )  # fmt: skip
    parser.add_argument("--online", action="store_true", help="also ask the services that have a key")


def run(args: argparse.Namespace, host: Host) -> int:
    checks = [*_project(args, host), *_surroundings()]
    failed = any(one.ok is False for one in checks)
    if host.out.as_json:
        host.out.json({"ok": not failed, "checks": checks})
    else:
        host.out.lines(table([_row(one) for one in checks]))
    return 1 if failed else 0


def _row(one: Check) -> tuple[str, ...]:
    mark = {True: "ok", False: "wrong", None: "-"}[one.ok]
    return (mark, one.name, f"{one.message} {one.hint}".rstrip())


def _project(args: argparse.Namespace, host: Host) -> list[Check]:
    try:
        host.root()
    except NotFound as error:
        if args.project:
            raise
        return [Check(name="project", ok=None, message=error.message, hint=error.hint)]
    try:
        return host.run(_engine_checks(host, online=args.online))
    except StudioError as error:
        # Busy, broken settings, a damaged store: that is a finding, and the rest is still worth saying.
        return [Check(name="project", ok=False, message=error.message, hint=error.hint)]


async def _engine_checks(host: Host, *, online: bool) -> list[Check]:
    async with host.session() as client:
        found = await client.query(q.GetDoctor(online=online))
        models = await client.query(q.GetModels())
    keys = [f"{one.name} ({one.key})" for one in models.providers if one.key]
    return [
        Check(name="project", ok=True, message=f"{host.root()}; {_open_in(client)}."),
        *found.checks,
        Check(name="keys", ok=None, message=", ".join(keys) or "none is set."),
    ]


def _open_in(client: EngineClient) -> str:
    """The truth about who else has the project: a command that finds no engine opens it itself."""
    return "its engine is running" if isinstance(client, LinkedClient) else "no other process has the project open"


def _surroundings() -> Iterator[Check]:
    yield _terminal()
    yield _colours()
    if os.environ.get("TMUX"):
        yield Check(name="tmux", ok=None, message="Copying needs `set -g set-clipboard on` in tmux.conf.")
    yield _editor()
    yield _encoding()


def _encoding() -> Check:
    encoding = (sys.stdout.encoding or "").lower()
    fits = encoding.replace("-", "") == "utf8"
    hint = "" if fits else "Set LANG to a UTF-8 locale, or [ui] ascii = true."
    return Check(name="encoding", ok=fits, message=f"{encoding or 'unknown'}.", hint=hint)


def _terminal() -> Check:
    term = os.environ.get("TERM", "")
    if not sys.stdout.isatty():
        return Check(name="terminal", ok=None, message=f"standard output is no terminal (TERM={term or 'not set'}).")
    size = os.get_terminal_size(sys.stdout.fileno())
    small = size.columns < 60 or size.lines < 20
    usable = term not in ("", "dumb")
    hint = "The workbench needs 60x20 or more." if small else "" if usable else "Set TERM, as in xterm-256color."
    return Check(
        name="terminal", ok=usable and not small, message=f"TERM={term}, {size.columns}x{size.lines}.", hint=hint
    )


def _colours() -> Check:
    if os.environ.get("NO_COLOR"):
        return Check(name="colours", ok=None, message="none, as NO_COLOR asks.")
    if os.environ.get("COLORTERM") in ("truecolor", "24bit"):
        return Check(name="colours", ok=None, message="true colour.")
    return Check(name="colours", ok=None, message="256 or fewer (COLORTERM is not set; ssh does not pass it on).")


def _editor() -> Check:
    from studio.tui.editor import find_editor

    try:
        found = find_editor()
    except StudioError as error:
        return Check(name="editor", ok=False, message=error.message, hint=error.hint)
    return Check(name="editor", ok=True, message=f"{found.name} ({found.source}).")
