"""Writing an export: in pieces, under another name first, and never over a file that is somebody's own, or an export that was edited."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
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
_MARKED = f"\n{MARK}\n".encode()
_DIGEST = re.compile(rb"\ndigest: ([0-9a-f]{64})(?=\n)")
_NO_DIGEST = b"0" * 64


def write_file(path: Path, pieces: Iterable[str]) -> Path | None:
    """Write a text file whole or not at all. Raises Refused for an existing file that is no export, and StorageError.

    Its head holds the SHA-256 of everything else in it. An export that was edited since is kept beside the new one, under the name that
    is returned.
    """
    edited = _refuse_foreign(path)
    kept = _free(path) if edited else None
    part = path.with_name(f".studio-{secrets.token_hex(6)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(part, pieces)
        if kept is not None:
            os.replace(path, kept)
        os.replace(part, path)
    except OSError as error:
        raise storage_error(error, one_line(str(path)), "written") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return kept


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
    """With the digest of the rest behind the mark."""
    hashed, place = hashlib.sha256(), 0
    with path.open("xb") as file:
        for piece in pieces:
            data = piece.encode(errors="replace")
            hashed.update(data)
            if not place and (found := data.find(_MARKED)) >= 0:
                end = found + len(_MARKED) - 1
                place = file.tell() + end + len(b"\ndigest: ")
                data = data[:end] + b"\ndigest: " + _NO_DIGEST + data[end:]
            file.write(data)
        if place:
            file.seek(place)
            file.write(hashed.hexdigest().encode())
        file.flush()
        os.fsync(file.fileno())


def _refuse_foreign(path: Path) -> bool:
    """Whether an export lies there that was edited since it was written; one from before there were digests counts as edited."""
    shown = one_line(str(path))
    if path.is_dir():
        raise Refused(f"{shown} is a folder.", hint="Name a file.")
    try:
        # A pipe or device is not opened: it could wait for ever.
        data = path.read_bytes() if path.is_file() else None
    except OSError as error:
        raise storage_error(error, shown, "read") from error
    if data is None and not path.exists():
        return False
    if data is None or _MARKED not in data[:_HEAD_BYTES]:
        raise Refused(
            f"{shown} exists and is not an export of studio.", hint="Name another file, or move that one away."
        )
    told = _DIGEST.search(data[:_HEAD_BYTES])
    return told is None or hashlib.sha256(_DIGEST.sub(b"", data, count=1)).hexdigest().encode() != told[1]


def _free(path: Path) -> Path:
    """`book.edited.md`, or `book.edited-2.md` where there is one."""
    names = (
        path.with_name(f"{path.stem}.edited{more}{path.suffix}") for more in ("", *(f"-{n}" for n in range(2, 1_000)))
    )
    return next(name for name in names if not name.exists())
