"""Commands that the person allowed a project to run: exact texts by their digest, kept in the person's own state folder.

A project brings its check command along; only a yes recorded on this computer lets it run. A changed command needs a new one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from studio.config.files import atomic_write, read_text, storage_error
from studio.config.paths import user_state_dir
from studio.domain.errors import StudioError
from studio.domain.text import digest


class AllowedCommands:
    """The record, `allowed.json` (mode 0600). A broken record allows nothing."""

    def __init__(self, path: Path | None = None, *, env: Mapping[str, str] | None = None) -> None:
        self.path = path or user_state_dir(env) / "allowed.json"

    def allows(self, root: Path, command: str) -> bool:
        return bool(command.strip()) and digest(command) in self._read().get(os.path.realpath(root), [])

    def record(self, root: Path, command: str, *, allowed: bool) -> None:
        """Keep the person's yes, or take it back. Raises StorageError."""
        projects = self._read()
        place = os.path.realpath(root)
        kept = [one for one in projects.get(place, []) if one != digest(command)]
        projects[place] = [*kept, digest(command)] if allowed else kept
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise storage_error(error, str(self.path), "written") from error
        atomic_write(self.path, json.dumps({"version": 1, "projects": projects}, indent=1) + "\n", mode=0o600)

    def _read(self) -> dict[str, list[str]]:
        try:
            value = json.loads(read_text(self.path))
        except (StudioError, ValueError, RecursionError):
            return {}
        projects = value.get("projects") if isinstance(value, dict) else None
        if not isinstance(projects, dict):
            return {}
        return {str(root): [str(one) for one in found] for root, found in projects.items() if isinstance(found, list)}
