"""The composition root: the one place that builds an engine, hands its client to commands and the terminal, and wires signals."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import time
from collections.abc import AsyncGenerator, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from studio.cli.output import Output
from studio.config.logs import start_logging
from studio.config.paths import find_project
from studio.domain.errors import BadInput, ProjectBusy

if TYPE_CHECKING:
    from studio.config.settings import Settings
    from studio.protocol.client import EngineClient
    from studio.protocol.local import LocalModels
    from studio.protocol.views import ModelsView

log = logging.getLogger(__name__)

T = TypeVar("T")
Kind = Literal["workbench", "command", "gateway"]

_AGAIN_SECONDS = 0.05


class CommandHost:
    """Implements `cli.host.Host` for one command line."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self.out = Output(as_json=args.json, quiet=args.quiet)
        self.log: Path | None = None
        self.in_process: bool = args.in_process
        self.view: bool = args.view

    def root(self) -> Path:
        return find_project(Path.cwd(), self._args.project)

    def settings(self, root: Path | None) -> Settings:
        from studio.config.load import load

        return load(root)

    def session(
        self, root: Path | None = None, *, drafts: bool = False, watch: bool = False
    ) -> AbstractAsyncContextManager[EngineClient]:
        kind: Kind = "gateway" if watch else "command"
        return self._session(root or self.root(), kind, starts=drafts or watch)

    @asynccontextmanager
    async def _session(self, root: Path, kind: Kind, *, starts: bool) -> AsyncGenerator[EngineClient]:
        client = await self.connect(root, kind, starts=starts)
        try:
            yield client
        finally:
            await client.aclose()

    async def connect(self, root: Path, kind: Kind = "command", *, starts: bool = False) -> EngineClient:
        """A client of the project's engine process, which is started where none runs if `starts`; else of an engine in here.

        Raises ProjectBusy when something else holds the project for longer than an engine takes to start or to leave.
        """
        self.log = start_logging(root)
        author = self.settings(root).author
        if self.in_process:
            return await self._inside(root, author, watch=kind != "command")
        from studio.client.attach import NotRunning, attach
        from studio.protocol.wire import ATTACH_SECONDS, Introduction

        who = Introduction(author=author, kind=kind, view=self.view)
        until = time.monotonic() + ATTACH_SECONDS
        while True:
            try:
                return await attach(root, who, spawn=starts)
            except NotRunning:
                pass
            try:
                return await self._inside(root, author, watch=False)
            except ProjectBusy:
                # Another command, or an engine that has been started since: it is asked again.
                if time.monotonic() > until:
                    raise
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _inside(self, root: Path, author: str, *, watch: bool) -> EngineClient:
        from studio.engine.inprocess import InProcessClient
        from studio.engine.opening import open_engine

        if self.view:
            raise BadInput("--view needs an engine process.", hint="Leave out --in-process.")
        return await InProcessClient.connect(lambda: open_engine(root, watch=watch), author)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        from studio.cli.signals import run_until_done

        return run_until_done(work)

    def workbench(self, root: Path | None, page: str | None = None) -> int:
        from studio.cli.terminal import open_workbench

        return open_workbench(self, root, page)

    def model_hint(self, settings: Settings) -> str:
        """What to do where no model is set up; empty where one is."""
        from studio.engine.first_model import model_hint

        return model_hint(settings)

    async def own_models(self, *, check: bool) -> ModelsView:
        from studio.engine.first_model import own_models

        return await own_models(self.settings(None), check=check)

    def local(self) -> LocalModels:
        from studio.engine.local_setup import LocalSetup

        return LocalSetup()


def host(args: argparse.Namespace) -> CommandHost:
    return CommandHost(args)


def log_unexpected(failed: CommandHost) -> str:
    """Write the exception under way to the log; where that is, empty when nowhere."""
    path = failed.log or start_logging(None, os.environ)
    log.exception("unexpected")
    return str(path or "")
