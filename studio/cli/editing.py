"""Handing a file to the person's editor from a command, and waiting for it. Which editor is `tui.editor`'s rule."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

from studio.domain.errors import BadInput, StudioError
from studio.tui.editor import argv_at, find_editor


def check_editor() -> None:
    """Raises BadInput when no editor could be opened here, before anything is written for one."""
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not named and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise BadInput(
            "There is no terminal for an editor here.",
            hint="Give the text with --file FILE, or --file - for standard input.",
        )
    find_editor()


def open_editor(path: Path, line: int = 1) -> None:
    """Open `path` at `line` and wait. Raises BadInput when no editor is found, StudioError when it fails; the file stays as it left it."""
    command = find_editor()
    try:
        with _interrupts_are_the_editors():
            code = subprocess.run(argv_at(command.argv, path, line), check=False).returncode
    except OSError as error:
        raise BadInput(
            f"{command.name} could not be started: {error.strerror or error}.", hint=f"Check {command.source}."
        ) from error
    if code:
        raise StudioError(
            f"{command.name} ended with code {code}; nothing was saved.", hint=f"What it wrote is kept in {path}."
        )


@contextlib.contextmanager
def _interrupts_are_the_editors() -> Generator[None]:
    """Ctrl-C in the editor reaches this process too, which goes on waiting. The child starts with the default again."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
