"""Bytes kept for good under their SHA-256: `.studio/objects/ab/<digest>`. What a file's bytes mean is not known here."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from studio.config.paths import state_folder
from studio.domain.errors import BadInput, Conflict, NotFound, StorageError
from studio.workspace.files import make_below, storage_error
from studio.workspace.jail import Jail

FOLDER = "objects"
OBJECT_LIMIT = 64_000_000
"""Bytes of one object: pictures and fonts of an application are far below."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Objects:
    """The kept bytes of one project. Every method may be called from any thread and by several processes."""

    def __init__(self, root: Path) -> None:
        """`root` is the project's folder."""
        self._root = root
        self.folder = state_folder(root) / FOLDER

    def put(self, data: bytes) -> str:
        """Keep `data` and return its digest. When this returns, a power cut does not take it away. Raises StorageError."""
        if len(data) > OBJECT_LIMIT:
            raise BadInput(f"A file of {len(data) / 1e6:.0f} MB is too large to be kept ({OBJECT_LIMIT / 1e6:.0f} MB).")
        name = digest_of(data)
        with self._open(make=True) as jail:
            if _holds(jail, name, data):
                return name
            try:
                jail.write_bytes(_path(name), data, mode=0o600, new=True)
            except Conflict:
                # Another process kept it meanwhile; a damaged one is mended.
                if not _holds(jail, name, data):
                    jail.write_bytes(_path(name), data, mode=0o600)
        return name

    def get(self, name: str) -> bytes:
        """The bytes under a digest, proven. Raises NotFound, or StorageError when they are damaged."""
        _check(name)
        with self._open() as jail:
            data = jail.read_bytes(_path(name), OBJECT_LIMIT)
        if digest_of(data) != name:
            raise StorageError(
                f"The kept file {name[:12]} is damaged: its bytes are not those it was kept with.",
                hint=f"Restore {FOLDER}/{_path(name)} in the project's state folder from a backup.",
                data={"digest": name},
            )
        return data

    def has(self, name: str) -> bool:
        _check(name)
        try:
            with self._open() as jail:
                return jail.exists(_path(name))
        except NotFound:
            return False

    def _open(self, *, make: bool = False) -> Jail:
        if make:
            try:
                make_below(self._root, self.folder)
            except OSError as error:
                raise storage_error(error, f"The folder {FOLDER}/ of kept files", "made") from error
        try:
            return Jail(self.folder, follow=False)
        except NotFound as error:
            raise NotFound("No file has been kept in this project yet.") from error


def _holds(jail: Jail, name: str, data: bytes) -> bool:
    try:
        return jail.read_bytes(_path(name), OBJECT_LIMIT) == data
    except NotFound:
        return False


def _path(name: str) -> str:
    return f"{name[:2]}/{name}"


def _check(name: str) -> None:
    if not _DIGEST.fullmatch(name):
        raise BadInput("A digest is 64 hexadecimal digits.")
