"""The one-line prompt's keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.tui.actions.composing import host
from studio.tui.actions.registry import action
from studio.tui.widgets.prompt_line import PromptLine

if TYPE_CHECKING:
    from studio.tui.app import StudioApp


@action("prompt.send", inline=True)
async def send(app: StudioApp) -> None:
    drawer = host(app).drawer
    if isinstance(drawer, PromptLine):
        await drawer.send()


@action("prompt.leave", inline=True)
async def leave(app: StudioApp) -> None:
    drawer = host(app).drawer
    await host(app).close_drawer()
    if isinstance(drawer, PromptLine):
        await drawer.withdraw()
