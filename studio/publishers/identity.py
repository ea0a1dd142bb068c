"""Who commits: the name and address that the person told git, read from their own configuration and never from a repository's."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from studio.domain.errors import StudioError
from studio.domain.text import clean, one_line
from studio.workspace.git import Git, empty_folder

_LONGEST = 200


async def own_identity() -> tuple[str, str]:
    """`user.name` and `user.email`, each empty where git knows none. Reading them runs nothing but git itself."""
    home = {name: os.environ[name] for name in ("GIT_CONFIG_GLOBAL", "XDG_CONFIG_HOME") if name in os.environ}
    # Asked in an empty git folder: there is no repository whose configuration could have a say.
    with empty_folder() as empty:
        git = Git(Path(empty), env={"GIT_CONFIG_NOSYSTEM": "0", **home}, unset=("GIT_CONFIG_GLOBAL",))
        name, email = await asyncio.gather(_asked(git, "user.name"), _asked(git, "user.email"))
    return name, email


async def _asked(git: Git, key: str) -> str:
    try:
        found = await git.run("config", "--get", key, accept=None)
    except StudioError:  # no git here, or one that does not answer
        return ""
    return "" if found.code else one_line(clean(found.text), _LONGEST)
