"""Finding a project's engine, or starting it: connect, else take the lock and spawn, else wait for whoever is about to.

```text
connect -> hello (3 s)          nobody there -> lock, non-blocking -> got it: bind, listen, spawn, connect again
                                                                      busy:   wait 3..100 ms, connect again (15 s)
end of stream before hello -> connect again                           no hello: look whether the engine is stopped
```
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from studio import __version__
from studio.client.holder import busy, is_stopped, silent
from studio.client.link import EngineLeft, EngineSilent, Link, NobodyThere, open_link
from studio.client.socket_client import SocketClient
from studio.client.spawn import spawn as spawn_engine
from studio.config.paths import PROJECT_FILE, state_folder
from studio.domain.errors import NotFound, ProjectBusy, Refused, StorageError
from studio.domain.text import one_line
from studio.protocol import wire
from studio.workspace import scaffold
from studio.workspace.lock import ProjectLock, holder

_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.003, 0.1, 1.6
_MOST_SPAWNS = 3

log = logging.getLogger(__name__)


class NotRunning(NotFound):
    """No engine runs, and none was to be started."""


async def attach(
    root: Path,
    who: wire.Introduction | None = None,
    *,
    spawn: bool = True,
    env: Mapping[str, str] | None = None,
) -> SocketClient:
    """A client of the project's engine. With `spawn` one is started where none is (with the environment `env`, else this one's).

    Raises NotRunning without `spawn`; ProjectBusy when the project is held by something else, or by a busy engine of another
    version; StorageError when the engine does not answer; and what keeps the project from being opened.
    """
    root = await asyncio.to_thread(root.absolute)

    async def again() -> Link:
        return await find(root, spawn=spawn, env=env, replace=False)

    link = await find(root, spawn=spawn, env=env)
    return SocketClient(root, link, again, who or wire.Introduction())


async def find(
    root: Path, *, spawn: bool, env: Mapping[str, str] | None = None, replace: bool = True, seconds: float = wire.ATTACH_SECONDS
) -> Link:  # fmt: skip
    """A greeted connection to an engine of this version. `replace` lets an idle one of another version leave and be replaced."""
    until = time.monotonic() + seconds
    pause, spawned = _FIRST_PAUSE, 0
    # Asked once, and only of an engine that this attachment may replace: two terminals with different keys do not take turns.
    wanted = set(wire.service_names(os.environ if env is None else env)) if spawn and replace else set()
    while True:
        try:
            link = await open_link(root)
            if await _fits(link, root, replace=replace) and not await _left_for(wanted, link):
                return link
        except NobodyThere:
            if await asyncio.to_thread(_take_place, root, spawn, env):
                spawned, pause = spawned + 1, _FIRST_PAUSE
                continue
        except EngineSilent:
            found = await asyncio.to_thread(holder, root)
            if time.monotonic() > until or (found is not None and is_stopped(found.pid)):
                raise silent(root) from None
        except EngineLeft:
            if spawned >= _MOST_SPAWNS:
                raise _does_not_start(root) from None
        if time.monotonic() > until:
            raise await asyncio.to_thread(busy, root)
        await asyncio.sleep(pause)
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)


def _take_place(root: Path, spawn: bool, env: Mapping[str, str] | None) -> bool:
    """Start an engine, if nobody else is about to. Whether one was started. Raises NotRunning where none is to be."""
    if not spawn:
        if holder(root) is None:
            raise NotRunning("No engine is running for this project.", hint="Start it with: studio engine start")
        return False
    if not (root / PROJECT_FILE).is_file():  # nothing is made where a project was moved away
        raise NotFound(
            f"There is no project in {one_line(str(root))} any more: it was moved or removed.",
            hint="Open it at its new place.",
        )
    _refuse_guest(root)
    scaffold.ensure_state(root)
    try:
        lock = ProjectLock.acquire(root, version=__version__)
    except ProjectBusy as error:
        if error.data.get("host") not in ("", socket.gethostname()):
            raise
        return False
    spawn_engine(root, lock, env)
    return True


def _refuse_guest(root: Path) -> None:
    """A shared project is its owner's to start: the engine has the keys, the limits and the database of whoever starts it."""
    try:
        owner = state_folder(root).stat().st_uid
    except OSError:
        return
    if owner != os.geteuid() and os.geteuid() != 0:
        raise Refused(
            f"The engine of {one_line(root.name)} does not run, and only the project's owner starts it.",
            hint="Ask them to run: studio engine start",
        )


def _does_not_start(root: Path) -> StorageError:
    return StorageError(
        f"The engine of {root.name} ends as soon as it is started.",
        hint="See .studio/engine.log; add --in-process to go on without it.",
    )


async def _fits(link: Link, root: Path, *, replace: bool) -> bool:
    """Whether this is the engine to work with. False when it leaves, and another try is due. Raises ProjectBusy, StorageError."""
    hello = link.hello
    if not _same_folder(hello.project, root):
        # It was started for another path of a folder that has moved since. It notices by itself, and leaves.
        await link.aclose()
        return False
    if hello.proto == wire.PROTO and hello.app == __version__:
        return True
    try:
        refused = _refusal(hello, root, replace=replace)
        if refused is not None:
            raise refused
        link.write(wire.request_line(1, "drain", wire.LeaveArgs(reason="restart")))
        await asyncio.wait_for(link.ended(), wire.ATTACH_SECONDS)
    except TimeoutError:
        raise _other_version(hello, root, "and it does not leave") from None
    finally:
        await link.aclose()
    return False


async def _left_for(wanted: set[str], link: Link) -> bool:
    """Whether an idle engine was asked to leave since its environment lacks a key that this one has: its environment is that of
    whoever started it, perhaps before the key was set. It is asked once: `wanted` is empty after it."""
    if link.hello.busy or not wanted - set(link.hello.services):
        return False
    wanted.clear()
    try:
        link.write(wire.request_line(1, "drain", wire.LeaveArgs(reason="restart")))
        await asyncio.wait_for(link.ended(), wire.ATTACH_SECONDS)
    except TimeoutError:
        log.warning("an idle engine does not leave")
    finally:
        await link.aclose()
    return True


def _same_folder(one: str, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _refusal(hello: wire.Hello, root: Path, *, replace: bool) -> StorageError | ProjectBusy | None:
    if hello.schema > wire.SCHEMA:
        return StorageError(
            f"The project {root.name} is open in studio {hello.app}, whose database is newer than this program ({__version__}) reads.",
            hint=f"Use studio {hello.app} or later.",
        )
    if hello.busy:
        drafts = "a draft is" if hello.busy == 1 else f"{hello.busy} drafts are"
        return _other_version(hello, root, f"and {drafts} running or waiting in it")
    return None if replace else _other_version(hello, root, "which has taken this one's place")


def _other_version(hello: wire.Hello, root: Path, why: str) -> ProjectBusy:
    return ProjectBusy(
        f"The engine of {root.name} (process {hello.engine_pid}) is studio {hello.app}, this program is {__version__}, {why}.",
        hint="Wait for the end of the drafts (`studio engine drain`), or use the same version of studio.",
        data={"pid": hello.engine_pid, "host": "", "app": hello.app},
    )
