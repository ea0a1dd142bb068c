"""What the workbench is told when it starts: settings given in by the composition root, no file read here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from studio.protocol.views import ProjectView
from studio.tui.editor import Editor
from studio.tui.launcher import Launcher


class Memory(Protocol):
    """Where the outline is kept between two starts."""

    def recall(self) -> ProjectView | None: ...

    def keep(self, project: ProjectView) -> None: ...


@dataclass(frozen=True, slots=True)
class WorkbenchOptions:
    """`keys` are the person's own bindings by action id; `ask_above_usd` skips the price question for drafts that cost less.

    `ascii` None lets the terminal decide; `page` is what to open first (None: the page that waits); `fps` counts repaints of a
    stream a second; `editor` opens files for the person (None: $VISUAL, $EDITOR); `bell_after` is the
    length in seconds from which the end of a draft rings if the terminal was left; `launcher` is given where there is no project yet;
    `config` is the person's own settings file, where a theme they choose is kept (None: nowhere);
    `memory` gives the outline of the last time, shown while the engine opens; with `view` nothing can be changed from here.
    """

    root: Path | None = None
    title: str = "studio"
    page: str | None = None
    keys: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    theme: str = "terminal"
    ascii: bool | None = None
    ask_above_usd: float | None = None
    mouse: bool = True
    fps: float = 6.0
    bell_after: float = 10.0
    progress: bool = True
    log: Path | None = None
    editor: Editor | None = None
    launcher: Launcher | None = None
    memory: Memory | None = None
    view: bool = False
    config: Path | None = None
