"""Versions of the application: compared with the one before or with a marked one, restored, undone. The difference comes first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import ClassVar

from studio.domain.errors import Conflict
from studio.protocol.build_commands import ApproveVersion, RestoreVersion, SaveVersion, UndoVersion
from studio.protocol.build_events import VersionChanged
from studio.protocol.build_queries import GetVersionDiff, GetVersions
from studio.protocol.build_views import VersionDiffView, VersionsView, VersionView
from studio.protocol.events import AnyEvent
from studio.tui.presenters import versions as picture
from studio.tui.presenters.lines import BLANK, Line, fit, line
from studio.tui.presenters.versions import FILES
from studio.tui.screens.framed import Acts
from studio.tui.screens.listed import ListedScreen
from studio.tui.widgets.line_view import LineView
from studio.tui.widgets.prompt_line import PromptLine

Going = Callable[[bool], RestoreVersion | UndoVersion]
"""The command, with or without going on over changes made by hand."""

_GOING_BACK = ("versions.undo", "versions.restore")


class VersionsScreen(ListedScreen):
    scopes: ClassVar[tuple[str, ...]] = ("versions", "rows", "anywhere")
    part: ClassVar[float] = 0.42
    title_text = "Versions"

    def __init__(self) -> None:
        super().__init__()
        self.view: VersionsView | None = None
        self.diff: VersionDiffView | None = None
        self.marked: str | None = None
        self._preview = False
        self._asked_at: str | None = None

    async def ask(self) -> None:
        self.view = await self.app.session.query(GetVersions())
        self._withdraw()

    def _withdraw(self) -> None:
        """Take back a question about going back, where another version is the newest since it was asked."""
        pending = self.app.pending
        if pending is None or pending.action_id not in _GOING_BACK or self._asked_at == self._newest:
            return
        key = self.app.keymap.shown(pending.action_id)
        self.app.say(f"Another version is the newest by now; nothing was changed. {key} asks again.", "warning")

    @property
    def _newest(self) -> str | None:
        return next((one.id for one in self.view.versions if one.newest), None) if self.view else None

    def concerns(self, event: AnyEvent) -> bool:
        return isinstance(event, VersionChanged)

    def nothing(self) -> str:
        return "No version yet. The first one comes with the first implementation."

    def rows(self, width: int) -> list[Line]:
        if self.view is None:
            return []
        now, glyphs = datetime.now(UTC), self.app.glyphs
        found = self._own(width)
        for one in self.view.versions:
            found += picture.version_rows(one, width, now, glyphs, marked=one.id == self.marked)
        return found

    def _own(self, width: int) -> list[Line]:
        """What the person changed since the newest version, which no version holds yet."""
        changed = self.view.changed if self.view else ()
        if not changed:
            return []
        glyphs = self.app.glyphs
        head = line((glyphs.failed, "warn"), (" your changes, in no version yet", "strong"), stop=FILES)
        return [head, line(("  ", "text"), (fit(", ".join(changed), width - 2, glyphs.more), "dim"), stop=FILES)]

    @property
    def one(self) -> VersionView | None:
        return next((one for one in self.view.versions if one.id == self.here), None) if self.view else None

    async def chosen(self) -> None:
        """The difference to the marked version, else to the one before."""
        if self._preview:
            return
        here = self.here
        if not isinstance(here, str):
            self.diff = None
            return
        base = self.marked if self.marked != here else None
        diff = await self.app.session.query(GetVersionDiff(version=here, base=base))
        if self.here == here:
            self.diff = diff

    def on_line_view_cursor_moved(self, event: LineView.CursorMoved) -> None:
        if event.view is self.list:
            self._preview = False
        super().on_line_view_cursor_moved(event)

    def detail_rows(self, width: int) -> list[Line]:
        diff = picture.diff_lines(self.diff, width, self.app.glyphs) if self.diff else []
        if self.one is None or self._preview:
            return diff
        told = min(width, 90)
        story = picture.story(self.one, told, self.app.glyphs)
        return [*story, BLANK, *diff, *picture.changelog_lines(self.one, told)]

    def said(self) -> str:
        count = len(self.view.versions) if self.view else 0
        return f"{count} version{'s' if count != 1 else ''}" if count else ""

    def acts(self) -> Acts:
        acts = super().acts()
        one = self.one
        if one is not None:
            acts["versions.mark"] = self.mark
        if one is not None and not one.newest and one.status == "completed":
            acts["versions.restore"] = lambda: self.restore(one)
        if one is not None and not one.approved and one.status == "completed":
            acts["versions.approve"] = lambda: self.approve(one)
        if self.view is not None and any(one.newest and one.parent for one in self.view.versions):
            acts["versions.undo"] = self.undo
        if self.view is not None:
            acts["versions.save"] = self.save
        return acts

    def why_not(self, action_id: str) -> str:
        one = self.one
        if action_id == "versions.undo":
            return "There is no version before this one to go back to."
        if action_id not in ("versions.mark", "versions.restore", "versions.approve"):
            return ""
        if one is None:
            save = self.app.keymap.shown("versions.save")
            return f"The cursor is on no version. {save} makes one of what you changed." if self._own(80) else ""
        if one.status != "completed":
            does = "restored" if action_id == "versions.restore" else "approved"
            return f"Version {one.number} is {one.status.replace('_', ' ')}: only a completed one is {does}."
        if action_id == "versions.restore":
            return f"Version {one.number} is the newest: there is nothing to go back to."
        return f"Version {one.number} is approved already."

    async def mark(self) -> None:
        self.marked = self.one.id if self.one and self.one.id != self.marked else None
        self.list.show()
        await self.show_row()
        self.app.say("Others are compared with this one." if self.marked else "Compared is with the version before.")

    async def restore(self, one: VersionView) -> None:
        await self._go_back("versions.restore", one, lambda anyway: RestoreVersion(version=one.id, anyway=anyway))

    async def undo(self) -> None:
        newest = next((one for one in self.view.versions if one.newest), None) if self.view else None
        before = (
            next((one for one in self.view.versions if newest and one.number == newest.parent), None)
            if self.view
            else None
        )
        if before is not None:
            undone = newest.id if newest else None
            await self._go_back("versions.undo", before, lambda anyway: UndoVersion(version=undone, anyway=anyway))

    async def _go_back(self, action: str, to: VersionView, going: Going) -> None:
        """Show what would change in the files, and wait for the same key."""
        self.diff = await self.app.session.query(GetVersionDiff(version=to.id, base=FILES))
        self._preview = True
        self.detail.scroll_lines(0)
        self.draw()
        self._asked_at = self._newest
        key, count = self.app.keymap.shown(action), len(self.diff.files)
        what = f"{count} file{'s' if count != 1 else ''} would change, as shown"

        async def go() -> None:
            await self._restore(action, to, going, anyway=False)

        self.app.ask(f"Back to {to.number}: {what}. {key} again does it, as a new version.", action, go)

    async def _restore(self, action: str, to: VersionView, going: Going, *, anyway: bool) -> None:
        async def go() -> None:
            await self._restore(action, to, going, anyway=True)

        try:
            done = await self.app.session.execute(going(anyway))
        except Conflict as error:
            if (
                "actual" in error.data
            ):  # another version is the newest by now: what was shown is not what would be undone
                raise
            key = self.app.keymap.shown(action)
            self.app.ask(
                f"{error.message} {key} again goes on; your changes become a version of their own first.", action, go
            )
            return
        await self._to_newest()
        self.app.say(done.message or f"Back to {to.number}.")

    async def _to_newest(self) -> None:
        """The version that was just made, under the cursor."""
        self._preview = False
        await self.refresh_rows()
        if self.list.stops:
            self.list.set_cursor(self.list.stops[0][0])
            await self.show_row()

    async def approve(self, one: VersionView) -> None:
        async def go() -> None:
            done = await self.app.session.execute(ApproveVersion(version=one.id))
            await self.refresh_rows()
            self.app.say(done.message)

        key = self.app.keymap.shown("versions.approve")
        asked = f"Version {one.number} would be approved, and could be published. {key} again approves it."
        self.app.ask(asked, "versions.approve", go)

    async def save(self) -> None:
        """Ask for a title, over the files as they are now: no event tells of a file that was changed outside."""
        await self.refresh_rows()
        changed = self.view.changed if self.view else ()
        if not changed:
            self.app.say("Nothing in app/ differs from the newest version.")
            return

        async def save(title: str) -> None:
            done = await self.app.session.execute(SaveVersion(summary=title))
            await self._to_newest()
            self.app.say(done.message or "Your changes are a version now.")

        count = f"{len(changed)} file{'s' if len(changed) != 1 else ''}"
        question = f"A version of what you changed in {count}, its title"
        prompt = PromptLine(question, save, text="Changes made by hand", selected=True)
        await self.open_drawer(prompt, focus=prompt.input)
