"""`studio engine ...`: the background process that owns the project's database and does its work."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from studio.cli.arguments import Group, number
from studio.cli.host import Host
from studio.cli.output import table
from studio.config.logs import log_file
from studio.domain.errors import NotFound, Refused, StorageError
from studio.domain.text import counted

if TYPE_CHECKING:
    from studio.client.socket_client import SocketClient
    from studio.protocol.wire import EngineStatus

_END_SECONDS = 20.0


def configure(parser: argparse.ArgumentParser) -> None:
    group = Group(
        parser,
        "The engine is a process of its own: it owns the project's database, and drafts go on in it when the terminal is\n"
        "closed. The first terminal that needs it starts it; it leaves after ten minutes without a terminal, a draft or a\n"
        "queue ([engine] idle_minutes).",
    )
    group.add("status", _status, "Say whether an engine runs, since when and at what.", "studio engine status --json")
    group.add("start", _start, "Start the engine, unless it runs already.", "studio engine start")
    group.add("stop", _stop, "End the engine now. Running drafts end and keep their text.", "studio engine stop")
    restart = group.add(
        "restart", _restart, "End an engine at rest and start another, with the keys of this environment.", "studio engine restart"
    )  # fmt: skip
    restart.add_argument("--now", action="store_true", help="also while drafts run: they end and keep their text")
    group.add("drain", _drain, "Let the engine finish its drafts, take no new ones, and leave.", "studio engine drain")
    log = group.add("log", _log, "Show the end of the engine's log.", "studio engine log -f")
    log.add_argument("-f", "--follow", action="store_true", help="go on showing what is written, until Ctrl-C")
    log.add_argument("-n", "--lines", metavar="N", type=number, default=40, help="how many lines (default: 40)")
    group.add(
        "kill", _kill, "End an engine that does not answer (SIGKILL). Texts that have arrived are kept.", "studio engine kill"
    )  # fmt: skip


async def _reach(root: Path, *, spawn: bool = False) -> SocketClient:
    from studio.client.attach import attach

    return await attach(root, spawn=spawn)


def _status(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print_status(host))


async def _print_status(host: Host) -> int:
    root = host.root()
    try:
        client = await _reach(root)
    except NotFound:
        if host.out.as_json:
            host.out.json({"running": False})
        else:
            host.out.line("No engine is running for this project; whatever needs one starts it.")
        return 0
    try:
        status = await client.engine_status()
    finally:
        await client.aclose()
    if host.out.as_json:
        host.out.json({"running": True, "engine": status})
    else:
        host.out.line(_sentence(status))
        host.out.lines(table(_rows(status)))
        _warn(host)
    return 0


def _sentence(status: EngineStatus) -> str:
    """What it is at, before the figures."""
    busy = [f"{counted(status.running, 'draft')} under way"] if status.running else []
    busy += [f"{counted(status.queued, 'draft')} waiting"] if status.queued else []
    last = ", and takes no new ones" if status.draining else ""
    return f"The engine is running, with {' and '.join(busy) or 'no draft under way'}{last}."


def _rows(status: EngineStatus) -> list[tuple[str, ...]]:
    leaves = (
        f"after {status.idle_minutes:g} minutes without work or a terminal"
        if status.idle_minutes
        else "when it is stopped"
    )
    return [
        ("process", f"{status.pid}, studio {status.app}, {status.memory_mb:.0f} MB"),
        ("since", f"{status.started} ({status.uptime_s / 60:.0f} min)"),
        ("in use by", _users(status)),
        ("keys", ", ".join(status.keys) or "none in its environment"),
        ("leaves", leaves),
        ("log", status.log),
    ]


def _users(status: EngineStatus) -> str:
    """Who is attached beside this command."""
    others = status.clients - 1 - status.people
    found = [counted(status.people, "workbench", "workbenches")] if status.people else []
    found += [counted(others, "other command")] if others > 0 else []
    return " and ".join(found) or "nobody else"


def _warn(host: Host) -> None:
    from studio.client.logout import ends_at_logout

    host.out.say(ends_at_logout())


def _start(args: argparse.Namespace, host: Host) -> int:
    return host.run(_started(host))


async def _started(host: Host) -> int:
    client = await _reach(host.root(), spawn=True)
    try:
        status = await client.engine_status()
    finally:
        await client.aclose()
    if host.out.as_json:
        host.out.json({"running": True, "engine": status})
    host.out.say(f"The engine runs (process {status.pid}).")
    _warn(host)
    return 0


def _stop(args: argparse.Namespace, host: Host) -> int:
    return host.run(_stopped(host, "stop"))


async def _stopped(host: Host, reason: str) -> int:
    root = host.root()
    try:
        client = await _reach(root)
    except NotFound:
        host.out.say("No engine is running for this project.")
        return 0
    try:
        status = await client.engine_status()
        await client.stop_engine(reason)
    finally:
        await client.aclose()
    _await_end(root, status.pid)
    busy = status.running + status.queued
    ended = f" {busy} draft{'s' if busy != 1 else ''} ended; what was written is kept." if busy else ""
    host.out.say(f"The engine has left.{ended}")
    return 0


def _await_end(root: Path, pid: int) -> None:
    from studio.workspace.lock import holder

    until = time.monotonic() + _END_SECONDS
    while (found := holder(root)) is not None and found.pid == pid:
        if time.monotonic() > until:
            raise StorageError(f"The engine (process {pid}) is still ending.", hint="See: studio engine log")
        time.sleep(0.02)


def _restart(args: argparse.Namespace, host: Host) -> int:
    return host.run(_restarted(host, now=args.now))


async def _restarted(host: Host, *, now: bool) -> int:
    try:
        client = await _reach(host.root())
    except NotFound:
        return await _started(host)
    try:
        status = await client.engine_status()
    finally:
        await client.aclose()
    busy = status.running + status.queued
    if busy and not now:
        raise Refused(
            f"{busy} draft{'s are' if busy != 1 else ' is'} running or waiting in the engine.",
            hint="`studio engine drain` lets them end first; `studio engine restart --now` ends them and keeps their text.",
        )
    await _stopped(host, "restart")
    return await _started(host)


def _drain(args: argparse.Namespace, host: Host) -> int:
    return host.run(_drained(host))


async def _drained(host: Host) -> int:
    try:
        client = await _reach(host.root())
    except NotFound:
        host.out.say("No engine is running for this project.")
        return 0
    try:
        host.out.say(await client.drain("stop"))
    finally:
        await client.aclose()
    return 0


def _kill(args: argparse.Namespace, host: Host) -> int:
    from studio.client.holder import kill

    pid = kill(host.root())
    host.out.say(
        f"Process {pid} was ended. What had arrived is kept; the next command marks its drafts as interrupted."
    )
    return 0


def _log(args: argparse.Namespace, host: Host) -> int:
    path = log_file(host.root())
    position = _print_end(path, args.lines, host)
    while args.follow:
        time.sleep(0.2)
        position = _print_new(path, position, host)
    return 0


def _print_end(path: Path, lines: int, host: Host) -> int:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFound("There is no log yet.", hint="The engine writes it once it has been started.") from None
    except OSError as error:
        raise StorageError(f"{path} could not be read: {error.strerror}.") from error
    host.out.lines(data.decode("utf-8", "replace").splitlines()[-lines:])
    return len(data)


def _print_new(path: Path, position: int, host: Host) -> int:
    """What was written since; a file that has become shorter was rotated, and is read from its start."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            file.seek(position if size >= position else 0)
            data = file.read()
    except OSError:
        return 0
    host.out.piece(data.decode("utf-8", "replace"))
    return (position if size >= position else 0) + len(data)
