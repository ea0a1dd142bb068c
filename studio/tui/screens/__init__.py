"""Full screens by name, imported when first opened: the first frame pays for the workbench only."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studio.tui.screens.base import StudioScreen

SCREENS: dict[str, str] = {}
"""`name: module:class`."""


def make(name: str, **given: Any) -> StudioScreen:
    """A new screen by its name."""
    module, _, cls = SCREENS[name].partition(":")
    screen: StudioScreen = getattr(importlib.import_module(module), cls)(**given)
    return screen
