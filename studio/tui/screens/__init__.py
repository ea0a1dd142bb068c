"""Full screens by name, imported when first opened: the first frame pays for the workbench only."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studio.tui.screens.base import StudioScreen

SCREENS: dict[str, str] = {
    "history": "studio.tui.screens.history:HistoryScreen",
    "search": "studio.tui.screens.search:SearchScreen",
    "document": "studio.tui.screens.document:DocumentScreen",
    "jump": "studio.tui.screens.jump:JumpScreen",
    "models": "studio.tui.screens.models:ModelsScreen",
    "prompts": "studio.tui.screens.prompts:PromptsScreen",
    "exact": "studio.tui.screens.exact:ExactScreen",
    "first_run": "studio.tui.screens.first_run:FirstRunScreen",
    "help": "studio.tui.screens.help:HelpScreen",
    "tasks": "studio.tui.screens.tasks:TasksScreen",
    "files": "studio.tui.screens.files:FilesScreen",
    "findings": "studio.tui.screens.findings:FindingsScreen",
    "tools": "studio.tui.screens.trail:ToolLogScreen",
    "audit": "studio.tui.screens.trail:AuditScreen",
    "versions": "studio.tui.screens.versions:VersionsScreen",
    "publish": "studio.tui.screens.publish:PublishScreen",
    "report": "studio.tui.screens.report:ReportScreen",
    "metrics": "studio.tui.screens.report:MetricsScreen",
    "palette": "studio.tui.screens.palette:PaletteScreen",
}
"""`name: module:class`."""


def make(name: str, **given: Any) -> StudioScreen:
    """A new screen by its name."""
    module, _, cls = SCREENS[name].partition(":")
    screen: StudioScreen = getattr(importlib.import_module(module), cls)(**given)
    return screen
