"""The composition root: the one place that builds an engine, hands its client to commands and the terminal, and wires signals."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from studio.cli.output import Output
from studio.config.logs import start_logging
from studio.config.paths import find_project

if TYPE_CHECKING:
    from studio.config.settings import Settings
    from studio.engine.inprocess import InProcessClient
    from studio.protocol.client import EngineClient
    from studio.protocol.local import LocalModels

log = logging.getLogger(__name__)

T = TypeVar("T")


class CommandHost:
    """Implements `cli.host.Host` for one command line."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self.out = Output(as_json=args.json, quiet=args.quiet)
        self.log: Path | None = None

    def root(self) -> Path:
        return find_project(Path.cwd(), self._args.project)

    def settings(self, root: Path | None) -> Settings:
        from studio.config.load import load

        return load(root)

    def session(self, root: Path | None = None, *, watch: bool = False) -> AbstractAsyncContextManager[EngineClient]:
        return self._session(root or self.root(), watch=watch)

    @asynccontextmanager
    async def _session(self, root: Path, *, watch: bool) -> AsyncIterator[EngineClient]:
        client = await self.connect(root, watch=watch)
        try:
            yield client
        finally:
            await client.aclose()

    async def connect(self, root: Path, *, watch: bool) -> InProcessClient:
        from studio.engine.inprocess import InProcessClient
        from studio.engine.opening import open_engine

        self.log = start_logging(root)
        author = self.settings(root).author
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
