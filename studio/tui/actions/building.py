"""Work on an application: its screens, sending back, and the check command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.protocol.build_commands import AllowCheck, RunCheck
from studio.protocol.build_queries import GetBuild, GetMetrics
from studio.protocol.build_views import BuildView
from studio.tui.actions.composing import compose
from studio.tui.actions.conditions import current_cell, is_app, of_a_change, reviewing
from studio.tui.actions.registry import Run, Shown, action
from studio.tui.presenters import composing
from studio.tui.presenters.metrics import report

if TYPE_CHECKING:
    from studio.tui.app import StudioApp


def _opens_for_the_page(name: str) -> Run:
    async def run(app: StudioApp) -> None:
        page = app.session.page
        if page is not None:
            await app.open_screen(name, page=page.id)

    return run


def _opens(name: str) -> Run:
    async def run(app: StudioApp) -> None:
        await app.open_screen(name)

    return run


_NEAR = {"tasks": "plan", "files": "code", "findings": "review"}
"""What is looked at before a result of this kind is approved; a narrow footer has room for its key then."""


def _footer_place(action_id: str) -> Shown:
    def shown(app: StudioApp) -> tuple[int, str]:
        cell, row = current_cell(app), app.keymap.by_id[action_id]
        near = cell is not None and cell.output == _NEAR.get(action_id) and reviewing(app)
        return (20 if near else row.order, row.label)

    return shown


for _id in ("tasks", "findings", "tools", "audit"):
    action(_id, when=of_a_change, inline=True, shown=_footer_place(_id))(_opens_for_the_page(_id))
for _id in ("files", "versions"):
    action(_id, when=is_app, inline=True, shown=_footer_place(_id))(_opens(_id))


def _publish_shown(app: StudioApp) -> tuple[int, str]:
    """First where a change is complete, late on others."""
    page = app.session.page
    return (9 if page is not None and page.phase == "approved" else 31, "publish")


@action("publish", when=is_app, inline=True, shown=_publish_shown)
async def publish(app: StudioApp) -> None:
    await app.open_screen("publish")


@action("metrics", when=is_app)
async def metrics(app: StudioApp) -> None:
    found = await app.session.query(GetMetrics())
    await app.open_screen("metrics", text=report(found))


def _can_send_back(app: StudioApp) -> bool:
    """The report that waits here belongs to the last review before the release: that one returns the work."""
    cell = current_cell(app)
    return is_app(app) and reviewing(app) and cell is not None and cell.output == "review" and _returns(app) > 0


def _returns(app: StudioApp) -> int:
    """How often the stage under review may still send back; stages that never do have none."""
    page, build, project = app.session.page, app.board.build, app.session.project
    if page is None or build is None or project is None:
        return 0
    reviews = [stage.name for stage in project.stages if stage.output == "review"]
    return build.returns_limit - build.returns if reviews and page.stage == reviews[-1] else 0


def _send_back_shown(app: StudioApp) -> tuple[int, str]:
    return (13, "send back")


@action("send_back", when=_can_send_back, inline=True, changes=True, shown=_send_back_shown)
async def send_back(app: StudioApp) -> None:
    """A note for the work, in the composer; the open findings go along."""
    page, cell, build = app.session.page, current_cell(app), app.board.build
    if page is None or cell is None or build is None:
        return
    found = f"{build.findings_open} open finding{'s' if build.findings_open != 1 else ''}"
    about = f"Send back with {found} (return {build.returns + 1} of {build.returns_limit})"
    await compose(app, composing.send_back(page, cell, about))


# The check command


async def _build(app: StudioApp) -> BuildView | None:
    page = app.session.page
    return await app.session.query(GetBuild(page=page.id)) if page is not None else None


@action("check", when=of_a_change, changes=True)
async def check(app: StudioApp) -> None:
    """Run it; a command that was never allowed here is shown first, and the second key allows and runs it."""
    build = await _build(app)
    if build is None:
        return
    command = build.check.command
    if not command:
        app.say('No check command is named. Write [app] check = "..." in studio.toml.')
        return

    async def run() -> None:
        await _run(app, build.page, command)

    async def allow() -> None:
        await app.session.execute(AllowCheck(command=command))
        await run()

    if build.check.allowed:
        await run()
        return
    key = app.keymap.shown("check")
    app.ask(f"`{command}` would run on this computer, in app/. {key} again allows it here and runs it.", "check", allow)


async def _run(app: StudioApp, page: str, command: str) -> None:
    app.say(f"Running {command}...")
    done = await app.session.execute(RunCheck(page=page))
    app.clear_message()
    if app.screen is app.workbench:
        await app.open_screen("report", title=f"Check: {command}", text=done.message)
    else:
        app.say(done.message)


def _is_allowed(app: StudioApp) -> bool:
    build = app.board.build
    return is_app(app) and build is not None and build.check.allowed


@action("check.forbid", when=_is_allowed, changes=True)
async def forbid(app: StudioApp) -> None:
    build = await _build(app)
    if build is not None:
        done = await app.session.execute(AllowCheck(command=build.check.command, allowed=False))
        app.board.turned(again=True)
        app.say(done.message)
