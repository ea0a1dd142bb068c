"""Running the command that prints a key (`api_key_cmd`): no shell, 10 seconds, little output."""

from __future__ import annotations

import contextlib
import os
import selectors
import shlex
import signal
import subprocess
import time
from pathlib import Path

from studio.domain.errors import MissingKey
from studio.domain.text import one_line

TIMEOUT_S = 10.0
OUTPUT_LIMIT = 65_536


def run_key_command(command: str, endpoint: str, *, cwd: Path | None = None, timeout_s: float = TIMEOUT_S) -> str:
    """The first line that `command` prints, as `pass show` and its like give it. Raises MissingKey; output is in no message."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise _failure(endpoint, f"its quotes do not match ({error})") from error
    if not words:
        raise _failure(endpoint, "it is empty")
    output = _run(words, endpoint, cwd, timeout_s)
    key = output.decode("utf-8", "replace").strip().partition("\n")[0].strip()
    if not key:
        raise _failure(endpoint, "it printed nothing")
    return key


def _run(words: list[str], endpoint: str, cwd: Path | None, timeout_s: float) -> bytes:
    try:
        # A session of its own, so that all it started can be ended with it.
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=cwd,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it cannot be run"
        raise _failure(endpoint, f"{one_line(words[0], 100)}: {reason.lower()}") from error
    deadline = time.monotonic() + timeout_s
    try:
        output = _read_until(process, deadline)
        if output is None:
            raise _failure(endpoint, f"it did not answer within {timeout_s:g} seconds")
        if len(output) > OUTPUT_LIMIT:
            raise _failure(endpoint, "it printed far more than a key")
        try:
            code = process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise _failure(endpoint, f"it did not end within {timeout_s:g} seconds") from error
    finally:
        _end(process)
    if code != 0:
        raise _failure(endpoint, f"it ended with code {code}")
    return output


def _read_until(process: subprocess.Popen[bytes], deadline: float) -> bytes | None:
    """What the process prints until it closes its output or prints too much; None when time is up."""
    assert process.stdout is not None
    handle = process.stdout.fileno()
    pieces = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(handle, selectors.EVENT_READ)
        while len(pieces) <= OUTPUT_LIMIT:
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                return None
            piece = os.read(handle, 8_192)
            if not piece:
                break
            pieces += piece
    return bytes(pieces)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdout is not None:
        process.stdout.close()
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _failure(endpoint: str, reason: str) -> MissingKey:
    return MissingKey(
        f"The command that gives the key for {endpoint or 'the model'} failed: {reason}.",
        hint="Run it by hand to see why; it is api_key_cmd in your configuration (`studio config show`).",
    )
