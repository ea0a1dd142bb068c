"""`studio versions`: list, show, compare, restore, undo, save, approve."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from studio.cli.arguments import PAGE, Group
from studio.cli.commands.answers import print_done
from studio.cli.host import Host
from studio.protocol import build_commands as b
from studio.protocol import build_queries as bq
from studio.protocol import build_views as bv

VERSION = "number such as 1.2.0, id, or newest"


def configure(parser: argparse.ArgumentParser) -> None:
    group = Group(
        parser, "The versions of the application. Nothing is ever taken away: going back makes a new version. `studio versions`\n"
        "alone lists them.", fallback="list",
    )  # fmt: skip
    listed = group.add(
        "list", _list, "List the versions, newest first.", "studio versions list", "studio versions list --page 1/2"
    )
    listed.add_argument("--page", metavar="PAGE", help=f"those of one change: {PAGE}")
    shown = group.add("show", _show, "Show a version: its summary, changelog and files.", "studio versions show 1.1.0")
    shown.add_argument("version", metavar="VERSION", nargs="?", default="newest", help=f"{VERSION} (default: newest)")
    diff = group.add(
        "diff", _diff, "Show what changed from version OLD to NEW: with one, what it changed;\n"
        "with none, all that the newest change did.\n"
        "`files` is what lies in app/ now, `change` what there was before the change of NEW.",
        "studio versions diff", "studio versions diff 1.0.0 files --stat", "studio versions diff 1.0.0 1.1.0 --path cart.js --words",
    )  # fmt: skip
    diff.add_argument("versions", metavar="VERSION", nargs="*", help=f"{VERSION}, or files")
    diff.add_argument("--path", metavar="PATH", help="one file alone")
    diff.add_argument("--stat", action="store_true", help="only which files, and how many lines")
    diff.add_argument("--words", action="store_true", help="word by word instead of line by line")
    restore = group.add(
        "restore", _restore, "Make the files what they were in a version, as a new version.", "studio versions restore 1.0.0"
    )  # fmt: skip
    restore.add_argument("version", metavar="VERSION", help=VERSION)
    undo = group.add(
        "undo", _undo, "Take the newest version back, as a new version.", "studio versions undo", "studio versions undo 1.0.6"
    )  # fmt: skip
    undo.add_argument(
        "version", metavar="VERSION", nargs="?", help="the version to take back: refused where another is the newest by now"
    )  # fmt: skip
    approve = group.add(
        "approve", _approve, "Let a version that you saved go out, as if a change had approved it.", "studio versions approve 1.0.6"
    )  # fmt: skip
    approve.add_argument("version", metavar="VERSION", help=VERSION)
    for one in (restore, undo):
        one.add_argument(
            "--anyway", action="store_true", help="also when you changed files since; they become a version of their own first"
        )  # fmt: skip
    save = group.add(
        "save", _save, "Make a version of the files as they lie in app/: your own changes.", 'studio versions save "Warmer colours"'
    )  # fmt: skip
    save.add_argument("summary", metavar="SUMMARY", nargs="?", default="", help="what you changed")


# Looking


def _list(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print(args.page, host))


async def _print(page: str | None, host: Host) -> int:
    from studio.cli.application import app_of
    from studio.cli.output import table

    async with host.session() as client:
        await app_of(client)
        found = await client.query(bq.GetVersions(page=page))
    if host.out.as_json:
        host.out.json(found)
        return 0
    host.out.lines(table([_row(one) for one in found.versions]))
    if not found.versions:
        host.out.say("There is no version yet.")
    if found.changed:
        shown = ", ".join(found.changed[:5]) + (f" and {len(found.changed) - 5} more" if len(found.changed) > 5 else "")
        host.out.say(f"Changed since the newest version: {shown}. Keep it: studio versions save")
    return 0


def _row(one: bv.VersionView) -> tuple[str, ...]:
    from studio.cli.application import money
    from studio.domain.text import counted
    from studio.tui.presenters.versions import state

    marks = " ".join(word for word, on in (("newest", one.newest), ("approved", one.approved)) if on)
    changes = f"+{one.added} ~{one.modified} -{one.deleted}"
    return (
        one.number, f"{one.started_at:%Y-%m-%d %H:%M}", state(one), one.origin, marks, counted(one.files, "file"),
        changes, money(one.cost_usd), one.summary or one.error or one.title,
    )  # fmt: skip


def _show(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print_one(args.version, host))


async def _print_one(ref: str, host: Host) -> int:
    from studio.cli.application import app_of

    async with host.session() as client:
        await app_of(client)
        every = (await client.query(bq.GetVersions())).versions
        diff = await client.query(bq.GetVersionDiff(version=ref))
    version = next((one for one in every if diff.version in (one.number, one.id)), None)
    if host.out.as_json:
        files = [
            {"path": one.path, "change": one.change, "added": one.added, "removed": one.removed} for one in diff.files
        ]
        host.out.json({"version": version, "files": files})
        return 0
    if version is not None:
        host.out.lines(_card(version))
    host.out.lines(_stat(diff))
    return 0


def _card(one: bv.VersionView) -> Iterator[str]:
    from studio.cli.application import at, money
    from studio.cli.output import table
    from studio.tui.presenters.ages import lasted
    from studio.tui.presenters.versions import state

    took = (one.finished_at - one.started_at).total_seconds() if one.finished_at else None
    yield f"{one.number} {one.title or one.summary}"
    facts = (
        ("status", state(one) + (", approved" if one.approved else "")), ("made by", one.origin),
        ("operation", one.operation), ("after", one.parent), ("restored", one.restored_from), ("begun", at(one.started_at)),
        ("took", lasted(took)), ("cost", money(one.cost_usd)), ("error", one.error), ("id", one.id),
    )  # fmt: skip
    yield from table([fact for fact in facts if fact[1]])
    for words in filter(None, (one.summary, one.changelog)):
        yield ""
        yield words
    yield ""


def _stat(diff: bv.VersionDiffView) -> Iterator[str]:
    from studio.cli.output import table

    yield from table([(_sign(one), f"+{one.added} -{one.removed}", _path(one)) for one in diff.files])


def _sign(one: bv.FileDiff) -> str:
    return one.change[:1].upper()


def _path(one: bv.FileDiff) -> str:
    return f"{one.renamed_from} -> {one.path}" if one.renamed_from else one.path


def _diff(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print_diff(args, host))


async def _print_diff(args: argparse.Namespace, host: Host) -> int:
    from studio.cli.application import app_of
    from studio.cli.file_diff import lines
    from studio.domain.errors import BadInput
    from studio.domain.text import counted

    if len(args.versions) > 2:
        raise BadInput("At most two versions are compared.", hint="Write: studio versions diff OLD NEW")
    old = args.versions[0] if len(args.versions) == 2 else None if args.versions else "change"
    new = args.versions[-1] if args.versions else "newest"
    async with host.session() as client:
        await app_of(client)
        found = await client.query(bq.GetVersionDiff(version=new, base=old, path=args.path))
    if host.out.as_json:
        host.out.json(found)
        return 0
    host.out.say(f"{found.base or 'nothing'} -> {found.version}: {counted(len(found.files), 'file')}")
    if args.stat:
        host.out.lines(_stat(found))
    else:
        host.out.lines(lines(found.files, host.out, words=args.words), styled=True)
    return 0


# Going back, and keeping


def _restore(args: argparse.Namespace, host: Host) -> int:
    return host.run(_send(b.RestoreVersion(version=args.version, anyway=args.anyway), host))


def _undo(args: argparse.Namespace, host: Host) -> int:
    return host.run(_send(b.UndoVersion(version=args.version, anyway=args.anyway), host))


def _approve(args: argparse.Namespace, host: Host) -> int:
    return host.run(_send(b.ApproveVersion(version=args.version), host))


def _save(args: argparse.Namespace, host: Host) -> int:
    return host.run(_send(b.SaveVersion(summary=args.summary), host))


async def _send(command: b.RestoreVersion | b.UndoVersion | b.SaveVersion | b.ApproveVersion, host: Host) -> int:
    """Print the version's number."""
    from studio.cli.application import app_of

    async with host.session() as client:
        await app_of(client)
        done = await client.execute(command)
        made = next((one for one in (await client.query(bq.GetVersions())).versions if one.id == done.version), None)
    if not host.out.as_json and made is not None:
        host.out.line(made.number)
    return print_done(done, host.out)
