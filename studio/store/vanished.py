"""A database file that was deleted while it was open: noticing it, and writing what is open back to its place. No SQL here."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from studio.domain.errors import StorageError
from studio.store.failures import open_error

_PIECE = 1 << 20
_OPEN_FILES = "/dev/fd"

Identity = tuple[int, int]
"""Device and inode of a file."""


def identity(path: Path) -> Identity | None:
    """Which file stands at `path`, None when none does."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def is_deleted(path: Path, opened: Identity) -> bool:
    """Whether the file that this process has open as `opened` has no name any more. One that was moved keeps its name."""
    if identity(path) == opened:
        return False
    handle = _handle_of(opened)
    return handle is not None and os.fstat(handle).st_nlink == 0


def write_back(path: Path, opened: Identity) -> None:
    """Give the deleted file that is still open as `opened` its content back at `path`, or beside it where something else stands.

    Raises StorageError where that is impossible, and where another file had taken its place: that one stays as it is.
    """
    handle = _handle_of(opened)
    if handle is None or not path.parent.parent.is_dir():
        raise StorageError(
            f"{path} was deleted while it was open, and cannot be written again.",
            hint="Copy what you need from the screen before you quit.",
        )
    target = path if identity(path) is None and not path.is_symlink() else _beside(path)
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        _copy(handle, target)
    except OSError as error:
        raise open_error(error, path) from error
    if target != path:
        raise StorageError(
            f"{path.name} was replaced by another file while it was open; the book that was open is kept as {target.name}.",
            hint="Quit, and put the right one of the two in its place.",
        )


def _handle_of(opened: Identity) -> int | None:
    """The database's own descriptor. It is never opened a second time: closing that would drop the lock on a file that lives."""
    for name in os.listdir(_OPEN_FILES):
        with contextlib.suppress(OSError, ValueError):
            found = os.fstat(int(name))
            if (found.st_dev, found.st_ino) == opened:
                return int(name)
    return None


def _beside(path: Path) -> Path:
    """One name for the whole time that the file is open: a later copy replaces an earlier one of this process."""
    return path.with_name(f"{path.name}.rescued-{os.getpid()}")


def _copy(handle: int, target: Path) -> None:
    part = target.with_name(f"{target.name}.part")
    with open(part, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        place = 0
        while piece := os.pread(handle, _PIECE, place):
            file.write(piece)
            place += len(piece)
        file.flush()
        os.fsync(file.fileno())
    part.replace(target)
