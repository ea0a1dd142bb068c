"""The person's word on a draft: approve, and take an approval back. Revising, commenting and editing open an editor: `actions.writing`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.protocol.commands import Approve, Reopen
from studio.tui.actions.conditions import current_cell, has_approval, reviewing
from studio.tui.actions.registry import action
from studio.tui.presenters.outcomes import why_incomplete

if TYPE_CHECKING:
    from studio.tui.app import StudioApp


def _approves(app: StudioApp) -> bool:
    return reviewing(app)


@action("approve", when=_approves)
async def approve(app: StudioApp) -> None:
    """Approve what was seen. An incomplete text is named as such first and asks for the key once more."""
    page, cell = app.session.page, current_cell(app)
    if page is None or cell is None or cell.head is None:
        return
    seen = cell.head

    async def go(anyway: bool) -> None:
        done = await app.session.execute(Approve(page=page.id, revision=seen.id, anyway=anyway))
        price = f" Next draft: {done.price}." if done.price and done.price not in done.message else ""
        app.say((done.message or f"{cell.label} approved.") + price)

    async def go_anyway() -> None:
        await go(anyway=True)

    if why := why_incomplete(seen.outcome):
        app.ask(f"{why} {app.keymap.shown('approve')} again approves it as it is.", "approve", go_anyway)
        return
    await go(anyway=False)


@action("reopen", when=has_approval)
async def reopen(app: StudioApp) -> None:
    page = app.session.page
    if page is not None:
        done = await app.session.execute(Reopen(page=page.id))
        app.say(done.message or "Approval undone; no text changed.")
