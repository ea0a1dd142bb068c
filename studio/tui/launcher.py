"""What the first screen needs from outside: making a project. Implemented where the program is put together."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Launcher(Protocol):
    """Makes a project. After either call returns, the app's `connect` opens what was made."""

    folder: Path
    model_hint: str
    """What to do when no model is set up, in a sentence or two; empty when one is."""

    async def create(self, title: str, workflow: str) -> Path:
        """Make a new project, `story` or `app`. Raises StudioError (a file in the way, no permission)."""
        ...

    async def open_demo(self, workflow: str) -> Path:
        """Copy the demo of that workflow and say where it is. Raises StudioError."""
        ...
