"""Translation of what DuckDB and the file system raise into the program's own errors."""

from __future__ import annotations

import re
from pathlib import Path
from traceback import clear_frames
from typing import TYPE_CHECKING

from studio.domain.errors import BadInput, Conflict, ProjectBusy, StorageError, StudioError
from studio.domain.text import one_line

if TYPE_CHECKING:
    import duckdb

_PID = re.compile(r"PID (\d+)")
_FULL = ("no space left", "file too large", "disk quota", "enospc")
_ASIDE = "Keep the file, and put back a copy of it; approved pages also stand in `manuscript/`."


def frameless(error: BaseException) -> BaseException:
    """The error with the local variables of its frames let go, lines kept.

    They hold the connection; one that lives when the interpreter ends makes the driver print a page about leaks.
    """
    current: BaseException | None = error
    while current is not None:
        clear_frames(current.__traceback__)
        current = current.__cause__ or current.__context__
    return error


def database_error(error: duckdb.Error, doing: str) -> StudioError:
    """The error of a failed statement or commit. `doing` completes "The database could not ..."."""
    name, words = type(error).__name__, str(error)
    if "Python Conversion Failure" in words:
        return BadInput("A text holds characters that are not valid Unicode.", hint="Type or paste it again.")
    if name == "ConstraintException":
        return Conflict("Something of that identity is kept already.", data={"reason": one_line(words)})
    if name == "TransactionException" and "Conflict" in words:
        return Conflict("Somebody else changed the same thing at the same moment.", hint="Look again and repeat.")
    if any(sign in words.lower() for sign in _FULL):
        return StorageError(
            f"The database could not {doing}: the disk is full.",
            hint="Free some space and repeat; everything saved before is safe.",
        )
    if name == "OutOfMemoryException":
        return StorageError(f"The database could not {doing}: not enough memory.", hint="Ask for less at once.")
    hint = "Close studio and open the project again." if name in ("FatalException", "InternalException") else ""
    return StorageError(f"The database could not {doing}: {one_line(words)}", hint=hint)


def open_error(error: Exception, path: Path) -> StudioError:
    """The error of a file that would not open."""
    words = str(error)
    if "lock" in words.lower() and "PID" in words:
        found = _PID.search(words)
        pid = int(found[1]) if found else 0
        return ProjectBusy(
            f"Another process holds {path.name} (pid {pid}).",
            hint="Close the other studio on this project first.",
            data={"pid": pid, "host": ""},
        )
    if any(sign in words.lower() for sign in _FULL):
        return StorageError(f"{path} could not be opened: the disk is full.", hint="Free some space and try again.")
    if "replaying WAL" in words or "WAL does not match" in words:
        return StorageError(
            f"The log {path.name}.wal beside the database cannot be read.",
            hint=f"Move {path.name}.wal out of the folder to open what was saved before it; keep it, it holds the latest changes.",
            data={"path": str(path)},
        )
    if isinstance(error, OSError):
        return StorageError(
            f"{path} could not be opened: {error.strerror or error}.", hint="Check the folder's permissions."
        )
    return StorageError(
        f"{path} cannot be read as a database: {one_line(words)}", hint=_ASIDE, data={"path": str(path)}
    )
