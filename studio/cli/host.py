"""What a command is given: its output, the project, and a client of its engine. Commands know this, never the engine."""

from __future__ import annotations

from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from studio.cli.output import Output
    from studio.config.settings import Settings
    from studio.protocol.client import EngineClient
    from studio.protocol.local import LocalModels
    from studio.protocol.views import ModelsView

T = TypeVar("T")


class Host(Protocol):
    """Made by `cli.bootstrap`, one for each command."""

    out: Output

    def root(self) -> Path:
        """The project's folder. Raises NotFound."""
        ...

    def settings(self, root: Path | None) -> Settings:
        """The settings of a project, or the person's own with None. Raises BadInput."""
        ...

    def session(
        self, root: Path | None = None, *, drafts: bool = False, watch: bool = False
    ) -> AbstractAsyncContextManager[EngineClient]:
        """The project's engine: its process where one runs, else an engine inside this command. Raises StudioError.

        A command that may ask a model (`drafts`) or that stays (`watch`) starts a process where none runs, and the work outlives it.
        """
        ...

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to the end. SIGINT, SIGTERM and SIGHUP cancel the work and end the command with 130, 143, 129."""
        ...

    def workbench(self, root: Path | None, page: str | None = None) -> int:
        """Open the workbench on a project, or its first-run screen with None."""
        ...

    async def own_models(self, *, check: bool) -> ModelsView:
        """The models of the person's own settings, where there is no project. With `check` the services are asked."""
        ...

    def local(self) -> LocalModels: ...
