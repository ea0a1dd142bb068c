"""The outline as it was last seen, kept beside the project: the workbench shows it at once while the engine opens (0.3 s)."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec

from studio.config.paths import STATE_FOLDER
from studio.protocol.views import ProjectView

_LIMIT = 20_000_000
"""Bytes; a larger file is not ours."""


class RememberedOutline:
    """Implements `tui.options.Memory`. A file that is missing, broken or from another version is as good as none."""

    def __init__(self, root: Path) -> None:
        self._path = root / STATE_FOLDER / "outline.json"

    def recall(self) -> ProjectView | None:
        try:
            if self._path.is_symlink() or self._path.stat().st_size > _LIMIT:
                return None
            return msgspec.json.decode(self._path.read_bytes(), type=ProjectView)
        except (OSError, ValueError, RecursionError):
            return None

    def keep(self, project: ProjectView) -> None:
        """Write it whole or not at all; a full disk only means that the next start shows rows a moment later."""
        with contextlib.suppress(OSError):
            fresh = self._path.with_name(f"outline.{os.getpid()}.new")
            fresh.write_bytes(msgspec.json.encode(project))
            os.replace(fresh, self._path)
