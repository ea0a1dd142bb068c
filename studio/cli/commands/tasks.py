"""`studio tasks`: the board of a change. Tasks can be changed before the work starts."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from studio.cli.arguments import TEXT, Group, number, page_argument, read_given
from studio.cli.host import Host
from studio.domain.build import TASK_TYPES
from studio.protocol import build_commands as b
from studio.protocol import build_queries as bq
from studio.protocol import build_views as bv
from studio.protocol import commands as c

if TYPE_CHECKING:
    from studio.protocol.client import EngineClient

TASK = "key or number of a task of the change at work, PAGE#KEY, or id"
_MARKS = {
    "planned": "[.]", "waiting": "[.]", "running": "[*]", "done": "[v]", "failed": "[!]", "interrupted": "[!]",
    "dropped": "[-]", "skipped": "[-]",
}  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    group = Group(
        parser,
        "The tasks of a change, as the lead planned them. `studio tasks` alone lists them.\n"
        "[.] planned  [*] a worker is at it  [v] done  [!] failed or interrupted  [-] dropped or skipped",
        fallback="list",
    )
    listed = group.add(
        "list", _list, "List the tasks of a change.", "studio tasks list", "studio tasks list 1/2 --json"
    )
    page_argument(listed, needed=False)
    shown = group.add(
        "show", _show, "Show a task, and what came of it.", "studio tasks show cart", "studio tasks show 1/2#cart"
    )
    shown.add_argument("task", metavar="TASK", help=TASK)
    add = group.add(
        "add", _add, "Add a task to the plan of a change.",
        'studio tasks add next "Keep the cart in the browser" --type logic --needs cart,total',
    )  # fmt: skip
    page_argument(add)
    add.add_argument("title", metavar="TITLE")
    _fields(add)
    edit = group.add(
        "edit", _edit, "Change a task; what is not given stays.", "studio tasks edit cart --priority 1 --needs data"
    )
    edit.add_argument("task", metavar="TASK", help=TASK)
    edit.add_argument("--title")
    _fields(edit)
    drop = group.add(
        "drop", _drop, "Drop a task: nobody works at it, and nothing waits for it.", "studio tasks drop readme"
    )
    drop.add_argument("task", metavar="TASK", help=TASK)
    take = group.add("take", _take, "Take a dropped task in again.", "studio tasks take readme")
    take.add_argument("task", metavar="TASK", help=TASK)
    move = group.add("move", _move, "Move a task to another place.", "studio tasks move cart 1")
    move.add_argument("task", metavar="TASK", help=TASK)
    move.add_argument("position", metavar="N", type=number, help="its new place, from 1")


def _fields(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--type", choices=tuple(TASK_TYPES), help="what kind of work it is")
    parser.add_argument("--description", metavar="TEXT", help=f"what is to be done: {TEXT}")
    parser.add_argument("--priority", type=int, choices=(1, 2, 3), help="1 goes first, 2 is usual, 3 goes last")
    parser.add_argument("--needs", metavar="KEY,KEY", help="the tasks that it waits for; empty for none")


def _needs(given: str | None) -> tuple[str, ...] | None:
    return None if given is None else tuple(one.strip() for one in given.split(",") if one.strip())


# Looking


def _list(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print(args.page, host))


async def _print(page: str | None, host: Host) -> int:
    from studio.cli.application import change_of
    from studio.cli.output import table

    async with host.session() as client:
        found = await client.query(bq.GetTasks(page=await change_of(client, page)))
    if host.out.as_json:
        host.out.json(found)
        return 0
    host.out.lines(table([_row(one) for one in found.tasks]))
    if found.differs:
        host.out.say(f"The board differs from its plan: {found.differs}.")
    if not found.tasks:
        host.out.say("There are no tasks yet: they come with the plan.")
    elif found.editable and any(one.status == "planned" for one in found.tasks):
        host.out.say(f"They can be changed until the work starts; {found.workers} workers at a time.")
    return 0


def _row(one: bv.TaskView) -> tuple[str, ...]:
    from studio.cli.application import money
    from studio.tui.presenters.ages import lasted

    needs = f"needs {', '.join(one.needs)}" if one.needs else ""
    tries = f"{one.attempts} tries" if one.attempts > 1 else ""
    words = (one.activity if one.live else "" if one.status == "done" else one.error) or one.title
    return (
        _MARKS.get(one.status, "[ ]"), str(one.position), one.key, one.type, one.status, f"p{one.priority}", tries,
        lasted(one.elapsed), money(one.cost_usd), needs, words,
    )  # fmt: skip


def _show(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print_one(args.task, host))


async def _print_one(ref: str, host: Host) -> int:
    async with host.session() as client:
        task = await _task(client, ref)
    if host.out.as_json:
        host.out.json(task)
    else:
        host.out.lines(_card(task))
    return 0


def _card(task: bv.TaskView) -> Iterator[str]:
    from studio.cli.application import money
    from studio.cli.output import table
    from studio.domain.text import counted
    from studio.tui.presenters.ages import lasted

    yield f"{task.position} {task.title}"
    facts = [
        ("key", task.key), ("type", task.type), ("status", task.status), ("priority", str(task.priority)),
        ("needs", ", ".join(task.needs) or "nothing"), ("tries", str(task.attempts)), ("worker", task.model or "none yet"),
        ("tools", counted(task.calls, "call")), ("time", lasted(task.elapsed)), ("cost", money(task.cost_usd)), ("id", task.id),
    ]  # fmt: skip
    yield from table([*facts, *((("edited by", task.edited_by),) if task.edited_by else ())])
    error = f"An earlier try failed: {task.error}" if task.error and task.status in ("done", "running") else task.error
    for words in filter(None, (task.description, task.summary, error)):
        yield ""
        yield words


async def _task(client: EngineClient, ref: str) -> bv.TaskView:
    """The task of a reference. Raises NotFound."""
    from studio.cli.application import change_of
    from studio.domain.errors import NotFound
    from studio.domain.text import one_line

    page, mark, name = ref.rpartition("#")
    found = await client.query(bq.GetTasks(page=await change_of(client, page if mark else None)))
    task = next((one for one in found.tasks if name.casefold() in (one.id, one.key, str(one.position))), None)
    if task is None:
        known = ", ".join(one.key for one in found.tasks[:12]) or "none yet"
        raise NotFound(f"There is no task {one_line(name, 60)!r} in this change.", hint=f"There are: {known}.")
    return task


# Changing


def _add(args: argparse.Namespace, host: Host) -> int:
    command = b.AddTask(
        page=args.page, title=args.title, type=args.type or "logic", description=read_given(args.description or ""),
        priority=args.priority or 2, needs=_needs(args.needs) or (),
    )  # fmt: skip
    return host.run(_send(command, host))


async def _send(command: c.AnyCommand, host: Host) -> int:
    from studio.cli.application import app_of

    async with host.session() as client:
        await app_of(client)
        done = await client.execute(command)
        found = await client.query(bq.GetTasks(page=done.page or ""))
    if host.out.as_json:
        host.out.json(done)
        return 0
    host.out.line(next((one.key for one in found.tasks if one.id == done.task), ""))
    host.out.say(done.message)
    return 0


def _edit(args: argparse.Namespace, host: Host) -> int:
    description = None if args.description is None else read_given(args.description)
    return host.run(_edited(args, description, host))


async def _change(ref: str, command: Callable[[str], c.AnyCommand], host: Host) -> int:
    """Find the task, send what is to be done with its id, and print its key."""
    async with host.session() as client:
        task = await _task(client, ref)
        done = await client.execute(command(task.id))
    if host.out.as_json:
        host.out.json(done)
        return 0
    host.out.line(task.key)
    host.out.say(done.message)
    return 0


async def _edited(args: argparse.Namespace, description: str | None, host: Host) -> int:
    def command(task: str) -> c.AnyCommand:
        return b.EditTask(
            task=task, title=args.title, type=args.type, description=description, priority=args.priority, needs=_needs(args.needs)
        )  # fmt: skip

    return await _change(args.task, command, host)


def _drop(args: argparse.Namespace, host: Host) -> int:
    return host.run(_change(args.task, lambda task: b.DropTask(task=task), host))


def _take(args: argparse.Namespace, host: Host) -> int:
    return host.run(_change(args.task, lambda task: b.DropTask(task=task, dropped=False), host))


def _move(args: argparse.Namespace, host: Host) -> int:
    return host.run(_change(args.task, lambda task: b.MoveTask(task=task, position=args.position), host))
