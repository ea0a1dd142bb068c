"""The process that holds a project, looked at from outside: whether it is stopped, and ending one that does not answer."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from studio.domain.errors import NotFound, ProjectBusy, Refused, StorageError
from studio.workspace.lock import Holder, holder, is_holder

_STATES_OF_STOPPED = ("T", "t")
ENDING_SECONDS = 5.0


def is_stopped(pid: int) -> bool:
    """Whether a process was stopped by a signal (proc(5), `stat`); False where that cannot be known."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return False
    return text.rpartition(")")[2].split()[:1] in [[state] for state in _STATES_OF_STOPPED]


def silent(root: Path) -> StorageError:
    """What to say of an engine that takes connections and does not answer."""
    found = holder(root)
    pid = found.pid if found else 0
    why = "is stopped (SIGSTOP)" if pid and is_stopped(pid) else "does not answer"
    return StorageError(
        f"The engine of {root.name} (process {pid}) {why}.",
        hint="`studio engine kill` ends it; a running draft keeps its text and can be continued."
        + (f" `kill -CONT {pid}` lets it go on." if pid and is_stopped(pid) else ""),
        data={"pid": pid},
    )


def kill(root: Path) -> int:
    """End the process that holds the project (SIGKILL), and wait until the lock is free; its pid.

    Raises NotFound when nobody holds it, Refused when the one who does cannot be told for certain, StorageError when it stays.
    """
    found = holder(root)
    if found is None:
        raise NotFound("No engine is running for this project.")
    if not is_holder(root, found.pid):
        raise Refused(
            f"Process {found.pid} is named in the lock, but it cannot be made sure that it is the engine.",
            hint="Nothing was ended. Is it another user's, or on another computer?",
            data={"pid": found.pid},
        )
    if found.pid == os.getpid():
        raise Refused("The engine runs in this process.")
    try:
        os.kill(found.pid, signal.SIGKILL)
    except OSError as error:
        raise StorageError(f"Process {found.pid} could not be ended: {error.strerror}.") from error
    _await_end(root, found)
    return found.pid


def _await_end(root: Path, found: Holder) -> None:
    until = time.monotonic() + ENDING_SECONDS
    while (now := holder(root)) is not None and now.pid == found.pid:
        if time.monotonic() > until:
            raise StorageError(
                f"Process {found.pid} does not end.", hint="It may wait for a disk that does not answer."
            )
        time.sleep(0.02)


def busy(root: Path) -> ProjectBusy:
    """Somebody holds the project and has no socket: a command with `--in-process`, or an engine that does not come up."""
    found = holder(root)
    pid, host = (found.pid, found.host) if found else (0, "")
    return ProjectBusy(
        f"The project {root.name} is held by process {pid}, which takes no connections.",
        hint="It may be a command with --in-process: wait for its end. `studio engine kill` ends it.",
        data={"pid": pid, "host": host},
    )
