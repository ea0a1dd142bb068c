"""Noticing changed files in folders that may come and go. What a change means is decided by whoever asks (`catalog`, the engine)."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# 16 ms from save to event instead of 95 with the library's own 1600/50; a quiet period is the reader's business.
_DEBOUNCE_MS = 100
_STEP_MS = 10
# How often a folder is looked for that was moved away whole: its watch ends without a word.
_REARM_MS = 1_000
_PAUSE_SECONDS = 0.02
_READ_LIMIT = 2 * 1024 * 1024
_FILES_LIMIT = 20_000

Hashes = dict[Path, str]


@dataclass(frozen=True, slots=True)
class Watch:
    """A folder to watch, which need not exist yet. `names`: only files of these names; empty for all that are not hidden. Without
    `follow` there is nothing in a folder that is a link, for readers that do not go through one either."""

    folder: Path
    recursive: bool = True
    names: tuple[str, ...] = ()
    follow: bool = True


async def changes(
    watches: Sequence[Watch], stop: asyncio.Event, begun: asyncio.Event | None = None
) -> AsyncIterator[frozenset[Path]]:
    """Files whose content changed, appeared or vanished, in batches, until `stop` is set. Contents before the start are no change;
    the start is when `begun` is set.

    The environment's WATCHFILES_FORCE_POLLING and WATCHFILES_POLL_DELAY_MS hold, for folders on network file systems.
    """
    queue: asyncio.Queue[frozenset[Path]] = asyncio.Queue()
    followers = [_Follower(watch, await asyncio.to_thread(_hashes, watch), queue) for watch in watches]
    if begun is not None:
        begun.set()
    tasks = [asyncio.create_task(follower.run(stop)) for follower in followers]
    ended = asyncio.create_task(stop.wait())
    try:
        while (batch := await _next(queue, {ended, *tasks})) is not None:
            yield batch
    finally:
        stop.set()
        ended.cancel()
        await asyncio.gather(*tasks, ended, return_exceptions=True)


async def _next(queue: asyncio.Queue[frozenset[Path]], others: set[asyncio.Task[Any]]) -> frozenset[Path] | None:
    """The next batch, or None once one of the others is over; what one of them raised is raised."""
    batch = asyncio.create_task(queue.get())
    await asyncio.wait({batch, *others}, return_when=asyncio.FIRST_COMPLETED)
    if batch.done():
        return batch.result()
    batch.cancel()
    for task in others:
        if task.done():
            task.result()
    return None


class _Follower:
    """Watches one folder and puts what changed in it on the queue."""

    def __init__(self, watch: Watch, known: Hashes, queue: asyncio.Queue[frozenset[Path]]) -> None:
        self._watch = watch
        self._known = known
        self._queue = queue
        self._lock = asyncio.Lock()

    async def run(self, stop: asyncio.Event) -> None:
        folder = self._watch.folder
        while not stop.is_set():
            anchor, identity = _anchor(folder), _identity(folder)
            # Runs as soon as the loop below waits for its first event: what changed before the watch stood is seen too.
            look = asyncio.create_task(self._look())
            async with aclosing(_events(anchor, self._watch.recursive and anchor == folder, stop)) as events:
                async for happened in events:
                    await look
                    if happened:
                        await self._look()
                    if _identity(folder) != identity or not anchor.is_dir():
                        break
            await look
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _look(self) -> None:
        """Events are only a reason to look: polling misses same-second edits and a new folder does not name what is in it."""
        async with self._lock:
            now = await asyncio.to_thread(_hashes, self._watch)
            changed = frozenset(path for path in {*self._known, *now} if self._known.get(path) != now.get(path))
            self._known = now
            if changed:
                self._queue.put_nowait(changed)


async def _events(anchor: Path, recursive: bool, stop: asyncio.Event) -> AsyncGenerator[bool, None]:
    """True for each batch of events below `anchor`, False for each second without one."""
    from watchfiles import awatch

    polling: bool | None = None  # None leaves it to the environment
    while not stop.is_set():
        try:
            source = awatch(
                anchor,
                watch_filter=None,
                debounce=_DEBOUNCE_MS,
                step=_STEP_MS,
                stop_event=stop,
                rust_timeout=_REARM_MS,
                yield_on_timeout=True,
                force_polling=polling,
                recursive=recursive,
            )
            async with aclosing(source):
                async for batch in source:
                    yield bool(batch)
            return
        except FileNotFoundError:
            return
        except OSError:
            # The system's limit of watches is used up (or this file system has none): look at the files instead.
            if polling:
                raise
            polling = True


def _anchor(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next((place for place in (folder, *folder.parents) if place.is_dir()), Path(folder.anchor or "."))


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _hashes(watch: Watch) -> Hashes:
    found: Hashes = {}
    for path in _files(watch):
        try:
            with path.open("rb") as file:
                found[path] = hashlib.blake2b(file.read(_READ_LIMIT), digest_size=16).hexdigest()
        except OSError as error:
            found[path] = f"unreadable {error.errno}"
        if len(found) >= _FILES_LIMIT:
            break
    return found


def _files(watch: Watch) -> Iterator[Path]:
    if not watch.follow and watch.folder.is_symlink():
        return
    for folder, folders, names in os.walk(watch.folder):
        folders[:] = [name for name in folders if not name.startswith(".")] if watch.recursive else []
        for name in names:
            path = Path(folder, name)
            wanted = name in watch.names if watch.names else not (name.startswith(".") or name.endswith("~"))
            if wanted and path.is_file():
                yield path
