"""`studio prompts`: list, show, check, edit, reset."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio.cli.arguments import Group, path_name, read_file
from studio.cli.commands.answers import carry_out
from studio.cli.host import Host
from studio.cli.output import table
from studio.domain.text import one_line
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.tui.presenters.warnings import place

NAME = "such as story/narration (see: studio prompts list)"


def configure(parser: argparse.ArgumentParser) -> None:
    group = Group(
        parser, "Prompt templates: those that came with the program, and those that the project changed (prompts/)."
    )
    group.add("list", _list, "List the templates and which of them are the project's own.", "studio prompts list")
    show = group.add("show", _show, "Print a template.", "studio prompts show story/narration")
    show.add_argument("name", metavar="NAME", help=NAME)
    group.add("check", _check, "Render each with sample inputs; exit code 1 if one is broken.", "studio prompts check")
    edit = group.add(
        "edit", _edit, "Write the project's own copy of a template, in your editor or from a file.",
        "studio prompts edit story/narration", "studio prompts edit story/narration --file mine.md.j2",
    )  # fmt: skip
    edit.add_argument("name", metavar="NAME", help=NAME)
    edit.add_argument("--file", metavar="F", type=path_name, help="take the text from F, - for standard input")
    reset = group.add(
        "reset",
        _reset,
        "Use the packaged template again; yours is kept in .studio/trash/.",
        "studio prompts reset story/narration",
    )
    reset.add_argument("name", metavar="NAME", help=NAME)


def _list(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print_list(host, check=False))


def _check(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print_list(host, check=True))


async def _print_list(host: Host, *, check: bool) -> int:
    async with host.session() as client:
        found = await client.query(q.GetTemplates(check=check))
    broken = [one for one in found.templates if one.error]
    code = 1 if check and broken else 0
    if host.out.as_json:
        host.out.json(found)
        return code
    shown = broken if check else found.templates
    host.out.lines(table([_row(one) for one in shown]))
    if check:
        host.out.say(f"{len(found.templates)} templates, {len(broken)} broken.")
    return code


def _row(one: v.TemplateView) -> tuple[str, ...]:
    if one.error:
        return (one.name, one.source, f"line {one.error_line}: {one.error}" if one.error_line else one.error)
    return (one.name, one.source, one_line(one.description, 90))


def _show(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print_text(args.name, host))


async def _print_text(name: str, host: Host) -> int:
    async with host.session() as client:
        found = await client.query(q.GetTemplate(name=name))
    if host.out.as_json:
        host.out.json(found)
    else:
        host.out.line(found.text.rstrip("\n"))
    return 0


def _reset(args: argparse.Namespace, host: Host) -> int:
    return host.run(carry_out(host, c.SaveTemplate(name=args.name, text=None)))


def _edit(args: argparse.Namespace, host: Host) -> int:
    if args.file is not None:
        return host.run(_save(args.name, read_file(args.file), host))
    from studio.cli.editing import check_editor, open_editor
    from studio.config.files import read_text

    check_editor()
    before = host.run(_text_of(args.name, host))
    path = _hand_out(host.root(), args.name, before)
    open_editor(path)
    text = read_text(path)
    if text.rstrip("\n") == before.rstrip("\n"):
        path.unlink(missing_ok=True)
        host.out.say("Nothing was changed.")
        return 0
    code = host.run(_save(args.name, text, host))
    path.unlink(missing_ok=True)
    return code


async def _text_of(name: str, host: Host) -> str:
    async with host.session() as client:
        return (await client.query(q.GetTemplate(name=name))).text


def _hand_out(root: Path, name: str, text: str) -> Path:
    """Beside the files of texts, in a folder of its own: what is left there after a crash is no page's text."""
    from studio.config.paths import state_folder
    from studio.workspace.files import atomic_write, safe_name

    path = state_folder(root) / "edits" / "prompts" / f"{safe_name(name)}.md.j2"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    atomic_write(path, text, mode=0o600)
    return path


async def _save(name: str, text: str, host: Host) -> int:
    """Save, and say at once what is wrong with it; a broken one is kept, and the last good one stays in use."""
    async with host.session() as client:
        done = await client.execute(c.SaveTemplate(name=name, text=text))
        saved = (await client.query(q.GetTemplate(name=name))).template
        checked = await client.query(q.GetTemplates(check=True))
    now = next((one for one in checked.templates if one.name == saved.name), saved)
    if host.out.as_json:
        host.out.json({"message": done.message, "template": now})
        return 1 if now.error else 0
    host.out.say(done.message)
    if now.error:
        host.out.say(f"{place(now.name, now.error_line)}{now.error}")
        return 1
    return 0
