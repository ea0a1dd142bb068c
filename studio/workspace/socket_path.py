"""The engine's socket in the file system: `.studio/engine.sock`, also where its path is longer than a socket address may be."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
from collections.abc import Generator
from pathlib import Path

from studio.config.files import storage_error
from studio.config.paths import state_folder
from studio.domain.errors import StorageError
from studio.domain.text import one_line

SOCKET_FILE = "engine.sock"
LONGEST = 107 if sys.platform == "linux" else 103
"""Bytes of a socket's path on Linux (`sun_path` has 108, unix(7)); 103 on macOS."""
BACKLOG = 128

_NO_SOCKETS = (errno.EPERM, errno.EOPNOTSUPP)
"""What file systems answer that cannot hold one."""


def socket_path(root: Path) -> Path:
    return state_folder(root) / SOCKET_FILE


def listen(root: Path) -> socket.socket:
    """A listening socket in place of whatever stands there. Only for the holder of the project's lock. Raises StorageError."""
    path = socket_path(root)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        with _address(path) as address:
            server.bind(address)
        os.chmod(path, 0o600)
        server.listen(BACKLOG)
    except OSError as error:
        server.close()
        if error.errno in _NO_SOCKETS:
            raise StorageError(
                f"The disk that holds {one_line(str(root))} cannot hold a socket.",
                hint="Keep the project on a local disk, or add --in-process to the command.",
            ) from error
        raise storage_error(error, str(path), "made") from error
    return server


def connect(root: Path) -> socket.socket:
    """A connected socket that does not block. Raises FileNotFoundError, ConnectionRefusedError, BlockingIOError, or another OSError."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.setblocking(False)
    try:
        with _address(socket_path(root)) as address:
            client.connect(address)
    except BaseException:
        client.close()
        raise
    return client


@contextlib.contextmanager
def _address(path: Path) -> Generator[str]:
    """The path, or a short one to the same place by way of a descriptor of its folder (proc(5), `/proc/self/fd`)."""
    if len(os.fsencode(path)) <= LONGEST:
        yield str(path)
        return
    if not os.path.isdir("/proc/self/fd"):
        raise StorageError(
            f"The path of the project is too long for a socket: {one_line(str(path.parent), 400)}.",
            hint="Move the project to a shorter path, or add --in-process to the command.",
        )
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
