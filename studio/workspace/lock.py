"""The lock that makes one process the owner of a project: an flock on `.studio/engine.lock`, held for life.

The kernel drops it on any death. The file's text (pid, host, start) is for people, and for telling another computer's lock.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from studio.config.files import storage_error
from studio.config.paths import state_folder
from studio.domain.errors import BadInput, ProjectBusy, StorageError
from studio.domain.text import one_line

LOCK_FILE = "engine.lock"
_TEXT_LIMIT = 4_096
# A held lock without a text is that of `holder`, which lasts for an instant, or of an owner about to write its own.
_TRIES = 20
_PAUSE_S = 0.01
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock, as it wrote itself. `pid` is 0 when unknown; `kernel` names one boot of one computer."""

    pid: int
    host: str
    started: str = ""
    version: str = ""
    kernel: str = ""


class ProjectLock:
    """A held lock. A context manager; the process's end releases it too."""

    def __init__(self, path: Path, handle: int) -> None:
        self.path = path
        self._handle = handle

    @classmethod
    def acquire(cls, root: Path, *, version: str = "") -> Self:
        """Take the lock of the project at `root`, whose `.studio/` must exist, without waiting.

        Raises ProjectBusy (with the holder's pid and host), or StorageError where the disk has no locks.
        """
        path = state_folder(root) / LOCK_FILE
        handle = _open(path)
        try:
            _take(handle, root)
            _refuse_other_computer(handle, path)
            _write(handle, _self(version))
        except BaseException:
            os.close(handle)
            raise
        return cls(path, handle)

    @classmethod
    def adopt(cls, root: Path, handle: int, *, version: str = "") -> Self:
        """Take over a lock that another process holds for this one, as an inherited descriptor, and sign it.

        Raises BadInput when `handle` is not this project's lock.
        """
        path = state_folder(root) / LOCK_FILE
        try:
            same = os.path.samestat(os.fstat(handle), os.stat(path))
        except OSError:
            same = False
        if not same:
            raise BadInput(f"Descriptor {handle} is not the lock of {one_line(str(root))}.")
        _take(handle, root)
        os.set_inheritable(handle, False)
        _write(handle, _self(version))
        return cls(path, handle)

    def hand_over(self) -> None:
        """Close this process's copy of a lock that a child has inherited, and that stays held there."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def release(self) -> None:
        """Give the lock back and empty its text, which says that the end was a clean one. The file stays."""
        if self._handle < 0:
            return
        with contextlib.suppress(OSError):
            os.ftruncate(self._handle, 0)
        os.close(self._handle)
        self._handle = -1

    def check_place(self) -> None:
        """Raises StorageError when the project's folder was moved: what is at its old path now is not this project's."""
        if self._handle < 0:
            return
        mine = os.fstat(self._handle)
        try:
            same = os.path.samestat(os.stat(self.path), mine)
        except OSError:
            same = False
        if (
            not same and mine.st_nlink
        ):  # one that was deleted has no name left: its database is written back where it was
            raise moved(self.path.parent.parent)

    def fileno(self) -> int:
        return self._handle

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def moved(root: Path) -> StorageError:
    """The sentence for a project that is no longer where it was opened."""
    return StorageError(
        f"The folder {one_line(str(root))} was moved or removed while its engine was working.",
        hint="Nothing more is written. Open the project at its new place; the text so far is there.",
    )


def holder(root: Path) -> Holder | None:
    """Who owns the project at `root` now, None when nobody does. Takes the lock for an instant to know. Raises StorageError."""
    path = state_folder(root) / LOCK_FILE
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise storage_error(error, str(path), "opened") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(handle)
    except OSError as error:
        raise _no_locks(root, error) from error
    finally:
        os.close(handle)
    return None


def is_holder(root: Path, pid: int) -> bool:
    """Whether a process has this project's lock file open: what the file says is never believed where somebody would be killed."""
    try:
        wanted = os.stat(state_folder(root) / LOCK_FILE)
        handles = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False
    for handle in handles:
        with contextlib.suppress(OSError):
            if os.path.samestat(handle.stat(), wanted):
                return True
    return False


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise storage_error(error, str(path), "opened") from error


def _take(handle: int, root: Path) -> None:
    for left in reversed(range(_TRIES)):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            found = _read(handle)
            if found.pid or not left:
                raise _busy(root, found) from error
        except OSError as error:
            raise _no_locks(root, error) from error
        time.sleep(_PAUSE_S)


def _busy(root: Path, found: Holder) -> ProjectBusy:
    who = f"process {found.pid}" if found.pid else "another process"
    place = "" if found.host in ("", socket.gethostname()) else f" on {found.host}"
    return ProjectBusy(
        f"The project {one_line(root.name)} is open in {who}{place}.",
        hint="Work there, or quit it first.",
        data={"pid": found.pid, "host": found.host},
    )


def _refuse_other_computer(handle: int, path: Path) -> None:
    """A shared or synced folder: locks do not reach over, so another computer's unfinished text is believed."""
    found = _read(handle)
    mine = _self("")
    if not found.host or found.host == mine.host or (found.kernel and found.kernel == mine.kernel):
        return
    raise ProjectBusy(
        f"The project was left open on another computer, {found.host} (process {found.pid}, since {found.started}).",
        hint=f"Quit it there. If nothing runs there any more, remove the file {path} and try again.",
        data={"pid": found.pid, "host": found.host},
    )


def _no_locks(root: Path, error: OSError) -> StorageError:
    if error.errno in _NO_LOCKS:
        return StorageError(
            f"The disk that holds {one_line(str(root))} has no file locks (a network folder?).",
            hint="Keep the project on a local disk of the computer that studio runs on.",
        )
    return StorageError(f"The project {one_line(str(root))} could not be locked: {error.strerror or error}.")


def _self(version: str) -> Holder:
    started = datetime.now(UTC).isoformat(timespec="seconds")
    return Holder(os.getpid(), socket.gethostname(), started, version, _kernel())


def _kernel() -> str:
    """The boot id: equal for all containers of one running kernel, in which an flock does reach over."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


def _read(handle: int) -> Holder:
    try:
        value = json.loads(os.pread(handle, _TEXT_LIMIT, 0))
    except (OSError, ValueError, RecursionError):
        return Holder(0, "")
    if not isinstance(value, dict):
        return Holder(0, "")
    pid = value.get("pid")
    texts = [one_line(str(value.get(key, "")), 200) for key in ("host", "started", "version", "kernel")]
    return Holder(pid if isinstance(pid, int) else 0, *texts)


def _write(handle: int, me: Holder) -> None:
    text = json.dumps(
        {"pid": me.pid, "host": me.host, "started": me.started, "version": me.version, "kernel": me.kernel}
    )
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, text.encode(), 0)
    except OSError as error:
        if error.errno in _FULL:
            return  # the lock holds without its text, and a book on a full disk can be read
        raise storage_error(error, LOCK_FILE, "written") from error
