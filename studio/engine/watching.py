"""Hot reload: what changes under `prompts/`, `canon/`, `manuscript/` and in `studio.toml` is taken while the engine runs."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from studio.config.files import read_text
from studio.config.load import load
from studio.config.paths import PROJECT_FILE, packaged
from studio.domain.errors import StudioError
from studio.engine.open_project import OpenProject
from studio.prompts.watcher import Watch, changes
from studio.protocol.events import Notice, SettingsChanged

log = logging.getLogger(__name__)

# Starting the render process and trying every template takes 0.3 s of CPU, which the first screen should not share.
FIRST_LOOK_AFTER_SECONDS = 1.0


class Watching:
    """One task that follows the project's folders; every change is a rescan, never a guess from the event."""

    def __init__(self, project: OpenProject) -> None:
        self._project = project
        self._stop = asyncio.Event()
        self._begun = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._settings_text = b""

    def start(self) -> None:
        self._settings_text = self._read_settings()
        self._tasks = [
            asyncio.create_task(self._follow(), name="watching"),
            asyncio.create_task(self._first_look(), name="first look"),
        ]

    async def aclose(self) -> None:
        self._stop.set()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _first_look(self) -> None:
        """Read the templates once the first screen stands: a save is news only against what was there before it. Canon is looked
        at again, since a file saved between its first reading and the start of the watch would stay unseen."""
        await asyncio.sleep(FIRST_LOOK_AFTER_SECONDS)
        await self._begun.wait()
        try:
            await self._project.canon.rescan()
            await self._project.desk.reload_templates()
        except StudioError as error:
            log.warning("first look: %s", error)

    async def _follow(self) -> None:
        root = self._project.root
        folders = [Watch(root / name, follow=False) for name in ("canon", "manuscript")]
        folders += [Watch(root / "prompts"), Watch(packaged("prompts"))]
        folders += [Watch(root, recursive=False, names=(PROJECT_FILE,))]
        try:
            async for changed in changes(folders, self._stop, self._begun):
                await self._take(changed)
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("watching stopped")
            self._project.bus.publish(
                Notice(
                    level="warning", message="Changes of files are no longer noticed.", hint="Start the program again."
                )
            )

    async def _take(self, changed: frozenset[Path]) -> None:
        project, root = self._project, self._project.root
        shared = packaged("prompts")
        try:
            project.check_place()  # a moved project's files are not gone, nor are its settings the defaults
            if any(path.is_relative_to(root / "prompts") or path.is_relative_to(shared) for path in changed):
                await project.desk.reload_templates()
            if any(path.is_relative_to(root / "canon") for path in changed):
                await project.canon.rescan()
            if edited := [path for path in changed if path.is_relative_to(root / "manuscript")]:
                await project.manuscript.noticed(edited, "manuscript")
            if root / PROJECT_FILE in changed:
                await self._reload_settings()
        except StudioError as error:
            project.bus.publish(Notice(level="warning", message=error.message, hint=error.hint))

    async def _reload_settings(self) -> None:
        text = await asyncio.to_thread(self._read_settings)
        if text == self._settings_text:
            return
        self._settings_text = text
        settings = await asyncio.to_thread(load, self._project.root, overrides=self._project.overrides)
        self._project.take_settings(settings)
        self._project.bus.publish(SettingsChanged(what=PROJECT_FILE))

    def _read_settings(self) -> bytes:
        """As it stands; what cannot be read (a pipe, a huge file) is told apart by its own sentence."""
        try:
            return read_text(self._project.root / PROJECT_FILE).encode()
        except StudioError as error:
            return error.message.encode()
