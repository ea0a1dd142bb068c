"""The file that takes the child's standard error: appended to by each start, put aside when large, its end read after a failure."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import IO

_LARGEST = 1_000_000
_TAIL_BYTES = 8_000


class ChildLog:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._start = 0

    def open(self, title: str) -> IO[bytes]:
        """For appending, readable by its owner alone; one of over a megabyte becomes `.1` first. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists() and self.path.stat().st_size > _LARGEST:
            self.path.replace(self.path.with_name(f"{self.path.name}.1"))
        log = os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "ab")
        self._start = log.tell()
        log.write(f"-- {time.strftime('%Y-%m-%dT%H:%M:%S%z')} {title}\n".encode())
        log.flush()
        return log

    def tail(self) -> str:
        """What came since `open`, at most its last 8 kB."""
        try:
            with self.path.open("rb") as log:
                log.seek(self._start)
                return log.read()[-_TAIL_BYTES:].decode("utf-8", "replace").partition("\n")[2]
        except OSError:
            return ""
