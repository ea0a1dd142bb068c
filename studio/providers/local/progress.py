"""What a set-up reports while it works, as plain data: the step, how far it is, and a clause for a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    CONNECTING = "connecting"
    DOWNLOADING = "downloading"
    CHECKING = "checking"
    LOADING = "loading"
    TRYING = "trying"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` and `total` count bytes while downloading and checking, tokens while trying, and are 0 where nothing is counted."""

    step: Step
    note: str = ""
    done: int = 0
    total: int = 0


Tell = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """The report nobody wants."""
