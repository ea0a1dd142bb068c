"""What a model has sent so far, on disk as it arrives: `.studio/streams/<run>`, appended without fsync, read by recovery."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from pathlib import Path
from typing import Self

from studio.config.paths import state_folder
from studio.domain.errors import BadInput
from studio.domain.text import clean_delta, one_line
from studio.workspace.files import make_below, storage_error

FOLDER = "streams"
READ_LIMIT = 50_000_000
"""Bytes that recovery reads of one stream; the longest answers that models give are near 1,000,000."""

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,80}\Z")


class StreamFile:
    """The growing text of one run. After `append` the text survives the death of the process, as the kernel has it.

    The file is made by the first text; `open` makes it at once.
    """

    def __init__(self, root: Path, run_id: str) -> None:
        self._root = root
        self.path = _path(root, run_id)
        self.size = 0
        self._handle = -1

    @classmethod
    def open(cls, root: Path, run_id: str) -> Self:
        """Start or go on with the stream of a run. Raises StorageError."""
        stream = cls(root, run_id)
        stream._ready()
        return stream

    def _ready(self) -> None:
        if self._handle >= 0:
            return
        try:
            make_below(self._root, self.path.parent)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            self._handle = os.open(self.path, flags, 0o600)
            self.size = os.fstat(self._handle).st_size
        except OSError as error:
            raise storage_error(error, f"The text of run {self.path.name}", "kept") from error

    def append(self, text: str) -> None:
        """Write one delta; `size` counts bytes. Raises StorageError (a full disk), with what fitted kept."""
        self._ready()
        self._write(text.encode("utf-8", "replace"))

    def catch_up(self, text: str) -> None:
        """Write what is missing at the end of `text`, the whole text of the run so far. Raises StorageError."""
        data = text.encode("utf-8", "replace")
        if data:
            self._ready()
            self._write(data[self.size :])

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                written = os.write(self._handle, view)
                self.size += written
                view = view[written:]
        except OSError as error:
            raise storage_error(error, "The text that is arriving", "kept") from error

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def read(root: Path, run_id: str) -> str | None:
    """The text of a run so far, None when there is no such stream. A last character cut by a crash is left out.

    Raises BadInput or StorageError for what cannot be read.
    """
    try:
        handle = os.open(_path(root, run_id), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise storage_error(error, f"The text of run {run_id}", "read") from error
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise BadInput(f"The text of run {run_id} is not in a file.")
        data = _read_up_to(handle, READ_LIMIT)
    except OSError as error:
        raise storage_error(error, f"The text of run {run_id}", "read") from error
    finally:
        os.close(handle)
    return clean_delta(_without_torn_end(data).decode("utf-8", "replace"))


def _read_up_to(handle: int, limit: int) -> bytes:
    pieces: list[bytes] = []
    while limit > 0 and (piece := os.read(handle, min(limit, 1 << 20))):
        pieces.append(piece)
        limit -= len(piece)
    return b"".join(pieces)


def _without_torn_end(data: bytes) -> bytes:
    for length in range(1, min(4, len(data) + 1)):
        first = data[-length]
        if first & 0xC0 == 0x80:
            continue
        wanted = 4 if first >= 0xF0 else 3 if first >= 0xE0 else 2 if first >= 0xC0 else 1
        return data[:-length] if wanted > length else data
    return data


def remove(root: Path, run_id: str) -> None:
    """Forget the stream of a run whose text is a row by now; nothing happens when there is none."""
    with contextlib.suppress(OSError):
        _path(root, run_id).unlink(missing_ok=True)


def left_over(root: Path) -> tuple[str, ...]:
    """The runs that have a stream file, sorted."""
    folder = state_folder(root) / FOLDER
    try:
        return tuple(sorted(name for name in os.listdir(folder) if _NAME.match(name)))
    except OSError:
        return ()


def _path(root: Path, run_id: str) -> Path:
    if not _NAME.match(run_id):
        raise BadInput(f"{one_line(run_id, 60)!r} is not the id of a run.")
    return state_folder(root) / FOLDER / run_id
