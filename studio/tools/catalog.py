"""Every tool by its name, and what a model is told of those that a role may use."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from studio.domain.errors import BadInput
from studio.domain.text import one_line
from studio.domain.tooling import ToolSpec
from studio.tools.arguments import schema_of
from studio.tools.base import Action
from studio.tools.files import CreateFile, DeleteFile, ListFiles, ReadFile, RenameFile, UpdateFile
from studio.tools.progress import BroadcastProgress, CreateVersionSnapshot, FinishApp

ACTIONS: Mapping[str, type[Action]] = {
    action.tool: action
    for action in (
        CreateFile,
        UpdateFile,
        ReadFile,
        ListFiles,
        DeleteFile,
        RenameFile,
        BroadcastProgress,
        CreateVersionSnapshot,
        FinishApp,
    )
}


def specs(names: Iterable[str]) -> tuple[ToolSpec, ...]:
    """The descriptions of these tools, in the catalog's order. Raises BadInput for a name that is none."""
    wanted = list(names)
    unknown = [name for name in wanted if name not in ACTIONS]
    if unknown:
        raise BadInput(f"There is no tool {one_line(unknown[0], 60)}.", hint=f"There are: {', '.join(ACTIONS)}.")
    return tuple(_spec(action) for name, action in ACTIONS.items() if name in wanted)


def nearest(name: str, among: Iterable[str]) -> str | None:
    """The tool that a wrong name most likely means."""
    folded = name.casefold().replace("-", "_").replace(" ", "_")
    close = difflib.get_close_matches(folded, sorted(among), n=1, cutoff=0.6)
    return close[0] if close else None


def _spec(action: type[Action]) -> ToolSpec:
    return ToolSpec(action.tool, action.about, schema_of(action), action.writes)
