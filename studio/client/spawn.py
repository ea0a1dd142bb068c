"""Starting an engine process: whoever holds the lock binds, listens and hands both over, so that two starts give one engine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from studio.config.files import storage_error
from studio.config.logs import log_file
from studio.domain.errors import StorageError
from studio.workspace.lock import ProjectLock
from studio.workspace.socket_path import listen, socket_path

# The child forks before it imports anything of its own: 20-60 ms, seconds on a machine that is out of memory.
PARTING_SECONDS = 10.0


def spawn(root: Path, lock: ProjectLock, env: Mapping[str, str] | None = None) -> None:
    """Start the engine of the project at `root`, which the held `lock` goes over to. Raises StorageError.

    The engine has a session of its own, no terminal, and this process's environment (or `env`): keys are those of who starts it.
    """
    try:
        listener = listen(root)
    except BaseException:
        lock.release()
        raise
    try:
        with listener:
            _start(root, lock.fileno(), listener.fileno(), env)
    except BaseException:
        socket_path(root).unlink(missing_ok=True)
        lock.release()
        raise
    lock.hand_over()


def _start(root: Path, lock: int, listener: int, env: Mapping[str, str] | None) -> None:
    log = log_file(root)
    try:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise storage_error(error, str(log), "opened") from error
    # -P and the working folder: a module that lies in the project is never imported in place of the program's.
    command = [sys.executable, "-P", "-m", "studio.daemon", str(lock), str(listener), str(root)]
    try:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", env=None if env is None else dict(env),
            pass_fds=(lock, listener), start_new_session=True,
        )  # fmt: skip
        code = child.wait(timeout=PARTING_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StorageError(
            f"The engine could not be started: {error}.", hint="Add --in-process to go on without."
        ) from error
    finally:
        os.close(output)
    if code:
        raise StorageError(f"The engine could not be started (exit code {code}).", hint=f"See {log}.")
