"""Modes of files that others may read, by the umask that the person began the program with; the engine's own keeps the rest private."""

from __future__ import annotations

import os
import re
from pathlib import Path

_PRIVATE, _SHARED, _GROUP = 0o077, 0o007, 0o070
_STATUS = Path("/proc/self/status")
_UMASK = re.compile(r"^Umask:\s*([0-7]+)$", re.MULTILINE)

_persons: list[int] = []


def go_private() -> None:
    """From now on new files are the owner's alone, but for those that are made with the modes of this module."""
    before = os.umask(_PRIVATE)
    if not _persons:
        _persons.append(before)


def go_shared() -> None:
    """From now on new files are the group's too, also those that are made with the modes of this module."""
    before = os.umask(_SHARED)
    _persons[:] = [(_persons or [before])[0] & ~_GROUP]


def umask() -> int:
    """The person's umask."""
    if _persons:
        return _persons[0]
    try:
        found = _UMASK.search(_STATUS.read_text("ascii", "replace"))
    except OSError:
        found = None
    if found is not None:
        return int(found[1], 8)
    # Asking sets it, for all threads: for this moment to a private one.
    now = os.umask(_PRIVATE)
    os.umask(now)
    return now


def file_mode(*, executable: bool = False) -> int:
    return (0o777 if executable else 0o666) & ~umask()


def open_folder(handle: int) -> None:
    """Give a folder that was just made the mode of the person's umask; a group that it takes from the folder above stays set."""
    special = os.fstat(handle).st_mode & 0o7000
    os.fchmod(handle, special | (0o777 & ~umask()))


def make_folder(folder: Path) -> None:
    """Make one folder with the mode of the person's umask; one that is there stays as it is. Raises OSError."""
    try:
        folder.mkdir()
    except FileExistsError:
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        open_folder(handle)
    finally:
        os.close(handle)


def make_folders(folder: Path) -> None:
    """`make_folder`, with what is missing above it."""
    for one in reversed([one for one in (folder, *folder.parents) if not os.path.lexists(one)]):
        make_folder(one)
    folder.mkdir(exist_ok=True)  # says so when a file is in its place
