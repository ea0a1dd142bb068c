"""A terminal program in a pty, watched from outside: what it wrote and when. Answers queries as a modern terminal does."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Sequence

import psutil  # type: ignore[import-untyped,unused-ignore]

_ESCAPE = re.compile(rb"\x1b\[[0-9;:?<=>]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-Z0-9]|\x1b.")
_ASKED = {
    b"\x1b[?2026$p": b"\x1b[?2026;2$y",
    b"\x1b[?2048$p": b"\x1b[?2048;0$y",
    b"\x1b[6n": b"\x1b[1;1R",
    b"\x1b[c": b"\x1b[?62;22c",
}


def _own_terminal() -> None:
    """The pty becomes the child's controlling terminal, so that closing it sends SIGHUP as a dropped line does."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def without_escapes(written: bytes) -> bytes:
    return _ESCAPE.sub(b"", written)


class PtyProgram:
    """Times are seconds since the fork."""

    def __init__(self, command: Sequence[str], columns: int = 120, rows: int = 40) -> None:
        self.written: list[tuple[float, bytes]] = []
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        env = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TMUX", "TERM_PROGRAM")}
        env |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
        self._began = time.monotonic()
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=env, preexec_fn=_own_terminal
        )
        os.close(slave)
        self.watched = psutil.Process(self.process.pid)
        self._cpu = 0.0

    def now(self) -> float:
        return time.monotonic() - self._began

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def pump(self, timeout: float) -> bytes:
        """What came within `timeout` seconds, at most one read."""
        if not select.select([self._master], [], [], timeout)[0]:
            return b""
        try:
            data = os.read(self._master, 65536)
        except OSError:
            return b""
        self.written.append((self.now(), data))
        for question, answer in _ASKED.items():
            if question in data:
                os.write(self._master, answer)
        return data

    def wait_for(self, text: str, limit: float = 30.0) -> float:
        """When `text` was written, escape codes left out. Raises TimeoutError after `limit` seconds."""
        seen, wanted, end = b"", text.encode(), self.now() + limit
        while self.now() < end:
            seen += self.pump(0.05)
            if wanted in without_escapes(seen):
                return self.written[-1][0]
            seen = seen[-20_000:]
            self.cpu()
            if self.process.poll() is not None:
                said = without_escapes(seen)[-300:].decode(errors="replace")
                raise RuntimeError(f"the program ended with {self.process.returncode} before {text!r}: {said}")
        raise TimeoutError(f"{text!r} was not written within {limit:.0f} s")

    def settle(self, quiet: float = 0.8) -> None:
        """Pump until nothing was written for `quiet` seconds, 20 seconds at most."""
        last = began = self.now()
        while self.now() - last < quiet and self.now() - began < 20:
            if self.pump(0.05):
                last = self.now()

    def bytes_since(self, moment: float) -> int:
        return sum(len(data) for at, data in self.written if at > moment)

    def cpu(self) -> float:
        """CPU seconds of the program and its children so far."""
        try:
            found = [self.watched, *self.watched.children(recursive=True)]
            self._cpu = max(self._cpu, sum(sum(child.cpu_times()[:2]) for child in found))
        except psutil.Error:
            pass
        return self._cpu

    def memory_mb(self) -> float:
        """Resident memory of the program and its children, in millions of bytes."""
        used: int = sum(child.memory_info().rss for child in [self.watched, *self.watched.children(recursive=True)])
        return used / 1e6

    def end(self) -> None:
        self.process.terminate()
        end = time.monotonic() + 3
        while self.process.poll() is None and time.monotonic() < end:
            self.pump(0.05)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)
