"""Noticing changed files in folders that may come and go. What a change means is decided by whoever asks (`catalog`, the engine)."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchfiles import Change

# 16 ms from save to event instead of 95 with the library's own 1600/50; a quiet period is the reader's business.
_DEBOUNCE_MS = 100
_STEP_MS = 10
# How often a folder is looked for that was moved away whole: its watch ends without a word.
_REARM_MS = 1_000
_READ_LIMIT = 2 * 1024 * 1024
_FILES_LIMIT = 20_000

Hashes = dict[Path, str]


@dataclass(frozen=True, slots=True)
class Watch:
    """A folder to watch, which need not exist yet. `names`: only files of these names; empty for all that are not hidden."""

    folder: Path
    recursive: bool = True
    names: tuple[str, ...] = ()


async def changes(watches: Sequence[Watch], stop: asyncio.Event) -> AsyncIterator[frozenset[Path]]:
    """Files whose content changed, appeared or vanished, in batches, until `stop` is set. Contents before the start are no change.

    The environment's WATCHFILES_FORCE_POLLING and WATCHFILES_POLL_DELAY_MS hold, for folders on network file systems.
    """
    queue: asyncio.Queue[frozenset[Path]] = asyncio.Queue()
    known = [await asyncio.to_thread(_hashes, watch) for watch in watches]
    tasks = [
        asyncio.create_task(_follow(watch, hashes, queue, stop)) for watch, hashes in zip(watches, known, strict=True)
    ]
    ended = asyncio.create_task(stop.wait())
    try:
        while not stop.is_set():
            batch = asyncio.create_task(queue.get())
            await asyncio.wait({batch, ended, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            if batch.done():
                yield batch.result()
                continue
            batch.cancel()
            for task in tasks:
                if task.done() and not stop.is_set():
                    task.result()  # a watch ends only with `stop`, or with an error that must be heard
    finally:
        stop.set()
        ended.cancel()
        await asyncio.gather(*tasks, ended, return_exceptions=True)


async def _follow(watch: Watch, known: Hashes, queue: asyncio.Queue[frozenset[Path]], stop: asyncio.Event) -> None:
    while not stop.is_set():
        anchor = _anchor(watch.folder)
        identity = _identity(watch.folder)
        known = await _compare(watch, known, queue)
        async for batch in _events(anchor, watch.recursive and anchor == watch.folder, stop):
            if batch:
                known = await _compare(watch, known, queue)
            if _identity(watch.folder) != identity or not anchor.is_dir():
                break


async def _events(anchor: Path, recursive: bool, stop: asyncio.Event) -> AsyncIterator[set[tuple[Change, str]]]:
    """Events below `anchor`, and an empty set each second."""
    from watchfiles import awatch

    polling: bool | None = None  # None leaves it to the environment
    while not stop.is_set():
        try:
            async for batch in awatch(
                anchor,
                watch_filter=None,
                debounce=_DEBOUNCE_MS,
                step=_STEP_MS,
                stop_event=stop,
                rust_timeout=_REARM_MS,
                yield_on_timeout=True,
                force_polling=polling,
                recursive=recursive,
            ):
                yield batch
            return
        except FileNotFoundError:
            return
        except OSError:
            # The system's limit of watches is used up (or this file system has none): look at the files instead.
            if polling:
                raise
            polling = True


async def _compare(watch: Watch, known: Hashes, queue: asyncio.Queue[frozenset[Path]]) -> Hashes:
    """Events are only a reason to look: polling misses same-second edits and a new folder does not name what is in it."""
    now = await asyncio.to_thread(_hashes, watch)
    changed = frozenset(path for path in {*known, *now} if known.get(path) != now.get(path))
    if changed:
        queue.put_nowait(changed)
    return now


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
    for folder, folders, names in os.walk(watch.folder):
        folders[:] = [name for name in folders if not name.startswith(".")] if watch.recursive else []
        for name in names:
            path = Path(folder, name)
            wanted = name in watch.names if watch.names else not (name.startswith(".") or name.endswith("~"))
            if wanted and path.is_file():
                yield path
