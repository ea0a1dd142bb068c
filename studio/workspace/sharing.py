"""Letting the members of a group attach to a project's engine: the modes of what they have to reach, and nothing more."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from studio.config.files import storage_error
from studio.config.paths import state_folder
from studio.domain.text import one_line
from studio.workspace import edits
from studio.workspace.lock import LOCK_FILE
from studio.workspace.socket_path import socket_path

_FOLDER_MODE, _FILE_MODE = 0o2770, 0o660


def group_of(root: Path) -> int:
    """The group whose members may attach: that of the project's folder."""
    return root.stat().st_gid


def share(root: Path) -> None:
    """Open the state folder (setgid), its folder for editors, the socket and the lock file to the project's group. The database
    and the log stay the owner's. Raises StorageError."""
    folder = state_folder(root)
    wanted = ((folder, _FOLDER_MODE), (folder / edits.FOLDER, _FOLDER_MODE), (socket_path(root), _FILE_MODE),
              (folder / LOCK_FILE, _FILE_MODE))  # fmt: skip
    try:
        group = group_of(root)
        for path, mode in wanted:
            now = path.lstat()
            if (now.st_gid, stat.S_IMODE(now.st_mode)) != (group, mode):
                os.chown(path, -1, group, follow_symlinks=False)
                os.chmod(path, mode)
    except OSError as error:
        raise storage_error(error, f"The state of {one_line(root.name)}", "shared with its group") from error
