"""Copying text out of the studio, saying only what is known to have worked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from studio.config.files import atomic_write
from studio.config.paths import state_folder
from studio.domain.errors import StudioError
from studio.domain.text import counted, word_count

if TYPE_CHECKING:
    from studio.tui.app import StudioApp

FILE = "copied.txt"
# Terminals and tmux drop longer OSC 52 sequences without a word (xterm: 100,000 bytes of base64).
_LONGEST = 74_000


def copy(app: StudioApp, text: str) -> str:
    """Send `text` to the terminal's clipboard (OSC 52) and write it to `.studio/copied.txt`; the sentence says what was done.

    No terminal confirms OSC 52, so the file is what can be relied on.
    """
    words = counted(word_count(text), "word")
    sent = len(text.encode()) <= _LONGEST
    if sent:
        app.copy_to_clipboard(text)
    try:
        path = _write(app, text)
    except StudioError as error:
        tail = f" {error}"
    else:
        tail = f" Also in {path}." if path else ""
        if not sent:
            return f"{words} are too long for the terminal's clipboard.{tail.replace('Also', 'They are')}"
    if not sent:
        return f"{words} are too long for the terminal's clipboard.{tail}"
    return f"Sent {words} to the terminal's clipboard, which does not confirm.{tail}"


def _write(app: StudioApp, text: str) -> str:
    """Where the text was written, as seen from the project; empty without a project, or where only looking is allowed."""
    root = project_root(app)
    if root is None or app.options.view:
        return ""
    folder = state_folder(root)
    atomic_write(folder / FILE, text, mode=0o600)
    return f"{folder.name}/{FILE}"


def project_root(app: StudioApp) -> Path | None:
    """The folder of the open project, if it can be reached from here."""
    if app.options.root is not None:
        return app.options.root
    project = app.session.project
    root = Path(project.root) if project else None
    return root if root is not None and root.is_dir() else None
