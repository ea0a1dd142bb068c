"""The keys of the full screens. A screen names what its keys do now (`FramedScreen.acts`); its module is not imported for that."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from studio.tui.actions.registry import Applies, Run, Shown, action
from studio.tui.app_keys import APP_ROWS
from studio.tui.screens.framed import FramedScreen

if TYPE_CHECKING:
    from studio.tui.app import StudioApp

IDS = (
    "close", "pick.down", "pick.up", "pick.page_down", "pick.page_up", "pick.choose", "models.target", "models.check",
    "entry.down", "entry.up", "change.next", "change.previous", "history.restore", "history.undo", "history.against",
    "history.mark", "history.text", "history.side", "history.copy", "history.prompt", "history.stage", "prompts.edit", "prompts.reset",
    "prompts.undo", "prompts.filter", "first.down", "first.up", "first.choose", "first.back",
    *(row[0] for row in APP_ROWS if "workbench" not in row[3].split()),
)  # fmt: skip
CHANGING = {"history.restore", "history.undo", "prompts.edit", "prompts.reset", "prompts.undo", "tasks.edit", "tasks.new", "tasks.drop",
            "tasks.down", "tasks.up", "findings.waive", "findings.intended", "findings.false", "findings.reopen",
            "findings.take", "findings.mine", "versions.restore",
            "versions.undo", "versions.approve", "versions.save", "publish.apply", "publish.take"}  # fmt: skip


def _runs(action_id: str) -> Run:
    def run(app: StudioApp) -> Awaitable[None] | None:
        screen = app.screen
        return screen.acts()[action_id]() if isinstance(screen, FramedScreen) else None

    return run


def _applies(action_id: str) -> Applies:
    return lambda app: isinstance(app.screen, FramedScreen) and action_id in app.screen.acts()


def _shown(action_id: str) -> Shown:
    def shown(app: StudioApp) -> tuple[int, str]:
        row = app.keymap.by_id[action_id]
        own = app.screen.labels().get(action_id) if isinstance(app.screen, FramedScreen) else None
        return (row.order, own or row.label)

    return shown


for _id in IDS:
    action(_id, when=_applies(_id), inline=True, changes=_id in CHANGING, shown=_shown(_id))(_runs(_id))
