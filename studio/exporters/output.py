"""Writing an export: in pieces, under another name first, and never over a file that is somebody's own."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path

from studio.config.files import storage_error
from studio.domain.errors import Refused
from studio.domain.text import one_line

MARK = "generator: studio"
"""Stands in the head of every exported file, and is what allows a later export to replace it."""

_HEAD_BYTES = 2_000


def write_file(path: Path, pieces: Iterable[str]) -> None:
    """Write a text file whole or not at all. Raises Refused for an existing file that is no export, and StorageError."""
    _refuse_foreign(path)
    part = path.with_name(f".studio-{secrets.token_hex(6)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(part, pieces)
        os.replace(part, path)
    except OSError as error:
        raise storage_error(error, one_line(str(path)), "written") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def write_folder(folder: Path, files: Iterable[tuple[str, Iterable[str]]]) -> None:
    """Write a folder of text files (relative names) whole or not at all. Raises Refused when it holds anything, StorageError."""
    shown = one_line(str(folder))
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refused(f"{shown} exists and is not empty.", hint="Name a new or empty folder.")
    part = folder.with_name(f".studio-{secrets.token_hex(6)}.part")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part.mkdir()
        for name, pieces in files:
            target = part / name
            target.parent.mkdir(parents=True, exist_ok=True)
            _write(target, pieces)
        os.replace(part, folder)
    except OSError as error:
        raise storage_error(error, shown, "written") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write(path: Path, pieces: Iterable[str]) -> None:
    with path.open("x", encoding="utf-8", newline="\n", errors="replace") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())


def _refuse_foreign(path: Path) -> None:
    shown = one_line(str(path))
    if path.is_dir():
        raise Refused(f"{shown} is a folder.", hint="Name a file.")
    try:
        # A pipe or device is not opened: it could wait for ever.
        head = path.open("rb").read(_HEAD_BYTES) if path.is_file() else None
    except OSError as error:
        raise storage_error(error, shown, "read") from error
    if path.exists() and (head is None or f"\n{MARK}\n".encode() not in head):
        raise Refused(
            f"{shown} exists and is not an export of studio.", hint="Name another file, or move that one away."
        )
