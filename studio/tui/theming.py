"""Choosing a theme: shown at once, and kept in the person's own settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.config.write import set_value
from studio.domain.errors import StudioError

if TYPE_CHECKING:
    from studio.tui.app import StudioApp


def take_theme(app: StudioApp, name: str) -> None:
    """Show `name` from now on, and say where that is kept."""
    app.theme = name
    file = app.options.config
    if file is None:
        return
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        set_value(file, "ui.theme", name)
    except (StudioError, OSError) as error:
        app.say(f"This theme lasts until you leave, for it could not be kept: {error}", "warning")
        return
    app.say(f"Theme {name}, kept in {file}.")
