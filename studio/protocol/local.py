"""The local model as front ends see it: what is there, what setting it up reports, and the port that does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from studio.protocol.views import View


class LocalModelView(View, frozen=True, kw_only=True):
    """`size` in bytes; `problem` is a clause, empty when the model can be used."""

    name: str
    title: str
    licence: str
    credit: str
    size: int
    size_words: str
    path: str | None
    problem: str = ""


class LocalStatusView(View, frozen=True, kw_only=True):
    """`chosen` is what plain `local` means; `runtime` is the installed version, None when it is missing."""

    folder: str
    runtime: str | None
    chosen: str | None
    models: tuple[LocalModelView, ...]

    def ready(self, name: str) -> bool:
        """Whether this model could answer now."""
        return self.runtime is not None and any(
            one.name == name and one.path and not one.problem for one in self.models
        )


class LocalSetUpView(View, frozen=True, kw_only=True):
    """`source` says where the file came from; `failures` why earlier sources were passed over; speed in tokens per second."""

    name: str
    path: str
    source: str
    failures: tuple[str, ...]
    load_seconds: float
    tokens_per_second: float


class LocalProgress(View, frozen=True, kw_only=True):
    """`step` is connecting, downloading, checking, loading, trying or done; `total` is 0 where nothing is counted."""

    step: str
    note: str
    done: int
    total: int


Tell = Callable[[LocalProgress], None]


class LocalModels(Protocol):
    """Raises the errors of `studio.domain.errors`."""

    def status(self) -> LocalStatusView: ...

    async def install_runtime(self, tell: Tell) -> None:
        """Install the program that serves a model into this Python environment."""
        ...

    async def set_up(self, which: str, tell: Tell) -> LocalSetUpView:
        """Fetch `small` or `tiny`, or take the GGUF file at a path; start it, try it, stop it."""
        ...

    def remove(self, which: str) -> int:
        """Delete a downloaded model; the bytes that were freed."""
        ...

    def size_words(self, which: str) -> str:
        """`1.1 GB`; empty for a file of one's own."""
        ...
