"""`studio new`: make an empty project, or an application from a description or from code that exists."""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from studio.cli.arguments import TEXT, describe, path_name, read_given
from studio.cli.host import Host
from studio.domain.errors import BadInput, NotFound, Refused
from studio.domain.request import APP_TYPES, request_text
from studio.domain.text import one_line

if TYPE_CHECKING:
    from studio.protocol.commands import Done
    from studio.workspace.scaffold import Created

_OF_AN_APP = ("description", "type", "requirement", "source")


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run,
        "Make a project in DIR: settings, a canon folder, and ignore files for .studio/ and .env. Nothing is overwritten. Of an\n"
        "application, the description and the requirements become the request of its first change.",
        'studio new my-book --title "The Lantern Ferry"',
        'studio new shop --workflow app --description "A corner shop." --requirement "a cart" --requirement "its total"',
        "studio new shop --workflow app --from ~/code/shop",
    )  # fmt: skip
    parser.add_argument(
        "directory", metavar="DIR", nargs="?", type=path_name, help="the folder to make; . for this one"
    )
    parser.add_argument("--title", help="its title (default: the folder's name)")
    parser.add_argument(
        "--workflow", default="story", help="the workflow's name: story, app, or one of yours (default: story)"
    )
    parser.add_argument("--language", default="en", help="the language, as in en or pt-BR (default: en)")
    app = parser.add_argument_group("of an application")
    app.add_argument("--description", metavar="TEXT", help=f"what it is for: {TEXT}")
    app.add_argument("--type", choices=APP_TYPES, help="what kind of application (default: web)")
    app.add_argument(
        "--requirement", metavar="R", action="append", help="something it must do; may be given several times"
    )
    app.add_argument(
        "--from", metavar="DIR", dest="source", type=path_name, help="copy the code of this folder into app/, as the first version"
    )  # fmt: skip


def run(args: argparse.Namespace, host: Host) -> int:
    from studio.workflows import library
    from studio.workspace import scaffold

    named = args.directory or args.project
    if not named:
        raise BadInput(
            "Say which folder the project is to lie in.",
            hint="As in: studio new my-book, or studio new . for this folder.",
        )
    base = Path(args.project).expanduser() if args.project and args.directory else Path()
    root = Path(os.path.abspath(base / Path(named).expanduser()))  # as git -C: a folder is looked for from there
    app = any(stage.output.value == "code" for stage in library.load(args.workflow, root).stages)
    given = [name for name in _OF_AN_APP if getattr(args, name) is not None]
    if given and not app:
        flag = "from" if given[0] == "source" else given[0]
        raise BadInput(f"--{flag} is for an application.", hint="Add: --workflow app")
    source = _source(args.source, root) if args.source is not None else None
    title = args.title if args.title is not None else root.name
    description = read_given(args.description) if args.description is not None else ""
    # Of code that exists the name is the application's, not that of the change.
    request = request_text("" if source is not None else title, description, args.type or "", args.requirement or ())
    kind = (args.type or "web") if app else ""
    made = scaffold.create(root, title=title, workflow=args.workflow, language=args.language, kind=kind)
    if app:
        return host.run(_first_change(made, source, title, request, host))
    if host.out.as_json:
        host.out.json({"root": str(made.root), "written": list(made.written)})
        return 0
    host.out.line(str(made.root))
    host.out.say("A new project. Open it with `studio`, or go on with `studio chapter add TITLE`.")
    return 0


def _source(given: str, root: Path) -> Path:
    """The folder to copy, absolute. Raises NotFound or Refused before anything is made."""
    source = Path(os.path.abspath(Path(given).expanduser()))
    if not source.is_dir():
        raise NotFound(f"There is no folder {one_line(given)}.")
    if root.resolve().is_relative_to(source.resolve()):
        raise Refused(
            f"The project would lie inside the folder that is copied, {one_line(str(source))}.",
            hint="Make the project elsewhere: studio new OTHER-DIR --workflow app --from DIR",
        )
    return source


def _shown(root: Path) -> str:
    """The folder as `-C` takes it from here; empty for the folder that this is."""
    return "" if root == Path.cwd() else os.path.relpath(root)


async def _first_change(made: Created, source: Path | None, title: str, request: str, host: Host) -> int:
    """Copy the code and begin the change, where there is one."""
    shown = _shown(made.root)
    from studio.protocol import build_commands as b

    copied: Done | None = None
    begun: Done | None = None
    if source is not None or request:
        async with host.session(made.root) as client:
            if source is not None:
                copied = await client.execute(b.ImportApp(path=str(source)))
            if request:
                begun = await client.execute(b.StartBuild(requirements=request, title="" if source else title))
    if host.out.as_json:
        found = {"version": copied.version if copied else None, "page": begun.page if begun else None}
        host.out.json({"root": str(made.root), "written": list(made.written), **found})
        return 0
    host.out.line(str(made.root))
    if copied is not None:
        host.out.say(copied.message)
    where = f" -C {shlex.quote(shown)}" if shown else ""
    if begun is not None:
        host.out.say(f"The first change is begun. Next: studio{where} generate next")
    else:
        what = "The application's files are versioned" if copied is not None else "A new application"
        host.out.say(f'{what}. Say what is wanted: studio{where} change "..."')
    return 0
