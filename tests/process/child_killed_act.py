"""Run as a program: begins an act on the files of an application and kills itself, between two files or before it is recorded.

Arguments: project, "discard <page>" or "restore <version>", "files" or "record". Its environment is the project's.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from studio.engine.apps import taking_back
from studio.engine.apps.room import AppRoom
from studio.protocol import build_commands as b
from studio.protocol import commands as c
from studio.workspace.app_files import AppFiles
from tests.fakes.project import opened

SECOND = 2


def killing(work: Callable[..., object], calls: int = 1) -> Callable[..., object]:
    """`work`, whose last call is never carried out."""
    left = iter(range(calls - 1))

    def killed(*args: object, **named: object) -> object:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        return work(*args, **named)

    return killed


async def main(root: Path, act: str, name: str, moment: str) -> None:
    # The real methods, but for one call of one that never comes: what mypy is told not to look at below.
    async with opened(root, os.environ, watch=False) as client:
        if moment == "files":
            AppFiles.delete = killing(AppFiles.delete, SECOND)  # type: ignore[method-assign, assignment]
        else:
            taking_back.open_again = killing(taking_back.open_again)  # type: ignore[assignment]
            AppRoom._restored = killing(AppRoom._restored)  # type: ignore[method-assign, assignment]
        discard = c.Resume(page=name, action="discard")
        await client.execute(discard if act == "discard" else b.RestoreVersion(version=name))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:5]))
