"""Opening the workbench: its options from the settings, the engine behind it, and what a first run can make."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from studio.config.logs import start_logging

if TYPE_CHECKING:
    from studio.cli.bootstrap import CommandHost
    from studio.config.settings import Settings
    from studio.protocol.client import EngineClient
    from studio.tui.options import WorkbenchOptions


def open_workbench(host: CommandHost, root: Path | None, page: str | None) -> int:
    """Run the workbench until it is left; its exit code. Settings that cannot be read are refused before the screen is taken."""
    settings = host.settings(root)
    if root is not None and host.in_process:
        _refuse_second(root)
    log = start_logging(root)
    if "ui.fps" in settings.sources:
        os.environ["TEXTUAL_FPS"] = str(settings.ui.fps)
    from studio.tui.app import StudioApp

    first = None if root is not None else FirstRun(host, settings)
    options = replace(_options(settings, root, page, log, first), view=host.view)
    if "ui.fps" in settings.sources:
        options = replace(options, fps=settings.ui.fps)

    async def connect() -> EngineClient:
        place = root or (first.made if first is not None else None)
        assert place is not None
        return await host.connect(place, "workbench", starts=True)

    app = StudioApp(connect, options)
    app.run(mouse=settings.ui.mouse)
    if app.session.running and not host.in_process:
        _say_what_logout_does(host)
    return app.return_code or 0


def _say_what_logout_does(host: CommandHost) -> None:
    """A draft goes on in the engine, unless this computer ends it at logout."""
    from studio.client.logout import ends_at_logout

    host.out.say(ends_at_logout())


class FirstRun:
    """Implements `tui.launcher.Launcher` for the folder that the program was started in."""

    def __init__(self, host: CommandHost, settings: Settings) -> None:
        self._host = host
        self.folder = Path.cwd()
        self.model_hint = host.model_hint(settings)
        self.made: Path | None = None

    async def create(self, title: str, workflow: str) -> Path:
        from studio.workspace import scaffold

        await asyncio.to_thread(lambda: scaffold.create(self.folder, title=title, workflow=workflow))
        self.made = self.folder
        return self.made

    async def open_demo(self, workflow: str) -> Path:
        from studio.cli import demo

        root = await asyncio.to_thread(demo.free_folder, self.folder, workflow)
        await asyncio.to_thread(demo.copy_to, root, demo.SAMPLES[workflow])
        client = await self._host.connect(root)
        try:
            await demo.fill(client, root)
        finally:
            await client.aclose()
        self.made = root
        return root


def _refuse_second(root: Path) -> None:
    """Another process that holds the project is named before the screen is taken, not on it."""
    from studio.domain.errors import ProjectBusy
    from studio.workspace.lock import holder

    found = holder(root)
    if found is not None:
        raise ProjectBusy(
            f"The project {root.name} is open in process {found.pid}.",
            hint="Work there, or quit it first.",
            data={"pid": found.pid, "host": found.host},
        )


def _options(
    settings: Settings, root: Path | None, page: str | None, log: Path | None, first: FirstRun | None
) -> WorkbenchOptions:
    from studio.cli.remembered import RememberedOutline
    from studio.config.paths import user_config_file
    from studio.tui.options import WorkbenchOptions

    ui = settings.ui
    return WorkbenchOptions(
        root=root,
        title=settings.project.title or "studio",
        page=page,
        keys=settings.keys,
        theme=ui.theme or "terminal",
        ascii=True if ui.ascii else None,
        ask_above_usd=ui.skip_price_under_usd or None,
        mouse=ui.mouse,
        bell_after=ui.bell_after_s,
        log=log,
        config=user_config_file(),
        launcher=first,
        memory=RememberedOutline(root) if root is not None else None,
    )
