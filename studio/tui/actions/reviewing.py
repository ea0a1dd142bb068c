"""The person's word on a draft: approve, and take an approval back. Revising, commenting and editing open an editor: `actions.writing`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from studio.domain.errors import Conflict, Refused
from studio.protocol.commands import Approve, Reopen
from studio.protocol.views import RevisionView, StageCell
from studio.tui.actions.conditions import current_cell, decidable, has_approval, in_notes, is_app
from studio.tui.actions.registry import action
from studio.tui.pointing import standing
from studio.tui.presenters.outcomes import why_incomplete

if TYPE_CHECKING:
    from studio.tui.app import StudioApp


_QUESTIONS = frozenset({"findings", "undone", "outcome"})
"""What a refusal holds that a second key overrules."""


def _approves(app: StudioApp) -> bool:
    return decidable(app)


@action("approve", when=_approves, inline=True, changes=True)
async def approve(app: StudioApp) -> None:
    """Approve what was seen; the cursor goes on to what comes next, and later keys wait for that: they are not about the text that
    was approved. An incomplete text is named as such first and asks for the key once more."""
    page, cell = app.session.page, current_cell(app)
    if page is None or cell is None or cell.head is None:
        return
    seen = cell.head

    async def go(anyway: bool) -> None:
        try:
            done = await app.session.execute(Approve(page=page.id, revision=seen.id, anyway=anyway))
        except Conflict as error:
            await _show_change(app, seen, error)
            return
        except Refused as error:
            if anyway or not _QUESTIONS.intersection(error.data):
                raise
            _ask_all_the_same(app, error, go_anyway)
            return
        price = f" Next draft: {done.price.rstrip('.')}." if done.price and done.price not in done.message else ""
        app.say((done.message or f"{cell.label} approved.") + price + _complete(app, cell))
        await _go_on(app, page.id, cell.name)

    async def go_anyway() -> None:
        await go(anyway=True)

    # Of files the engine knows which tasks are missing, and says so.
    if cell.output != "code" and (why := why_incomplete(seen.outcome)):
        app.ask(
            f"{why} {app.keymap.shown('approve')} again approves it as it is.",
            "approve",
            go_anyway,
            about=standing(app),
        )
        return
    await go(anyway=False)


async def _go_on(app: StudioApp, page: str, approved: str) -> None:
    """The cursor on the stage that the page has come to, where it is still on the screen."""
    await app.session.update()
    now = app.session.page
    if now is not None and now.id == page and now.stage is not None and now.stage != approved:
        app.workbench.page_view.go_to_stage(now.stage)


def _complete(app: StudioApp, cell: StageCell) -> str:
    """After the last approval of a change: the keys of what may come next."""
    page = app.session.page
    if not is_app(app) or page is None or cell.name != page.cells[-1].name:
        return ""
    keys = app.keymap.shown("publish"), app.keymap.shown("page.new")
    return f" The change is complete: {keys[0]} publishes it, {keys[1]} begins the next." if all(keys) else ""


def _ask_all_the_same(app: StudioApp, error: Refused, go: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """What is approved by a second key only: a report that asks to send the work back, work with tasks that are not done."""
    approve = app.keymap.shown("approve")
    others = {"findings": ("send_back", "sends it back"), "undone": ("generate", "goes on with what is left")}
    action_id, does = next((others[name] for name in others if name in error.data), ("", ""))
    instead = f" {app.keymap.shown(action_id)} {does};" if action_id and app.can(action_id) else ""
    question = f"{error.message}{instead} {approve} again approves all the same."
    app.ask(question, "approve", go, about=standing(app))


async def _show_change(app: StudioApp, seen: RevisionView, error: Conflict) -> None:
    """Another text than the one that was seen stands there now: what changed, and the way back to decide on it."""
    app.session.refresh()
    if app.screen is app.workbench and app.workbench.drawer is None and error.data.get("theirs"):
        await app.open_screen("history", page=seen.page, stage=seen.stage, seen=seen.id)
        back = app.keymap.shown("close")
        app.say(f"{error.message} Nothing was approved; this is the difference, {back} goes back.", "warning")
        return
    app.say_error(error)


def _undoes(app: StudioApp) -> bool:
    return has_approval(app) and not in_notes(app)


@action("reopen", when=_undoes, changes=True)
async def reopen(app: StudioApp) -> None:
    """Take the last approval back. Of a change it is asked first: what was released, or is about to be, would wait again."""
    page = app.session.page
    last = next((cell for cell in reversed(page.cells) if cell.approved), None) if page is not None else None
    if page is None or last is None:
        return

    async def go() -> None:
        done = await app.session.execute(Reopen(page=page.id))
        app.say(done.message or "Approval undone; no text changed.")

    if not is_app(app):
        await go()
        return
    key = app.keymap.shown("reopen")
    asked = f"The approval of {last.label} would be taken back; no file changes. {key} again does it."
    app.ask(asked, "reopen", go, about=standing(app))
