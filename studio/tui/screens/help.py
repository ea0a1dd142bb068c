"""Help: all keys from the keymap, searchable."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from studio.tui.keymap import Keymap
from studio.tui.presenters.keys import group_of, help_rows, of_project
from studio.tui.presenters.lines import Line
from studio.tui.screens.pick import PickScreen
from studio.tui.why_not import why_not
from studio.tui.widgets.pick_list import empty_row


class HelpScreen(PickScreen):
    """Begins with the keys of the place that it was opened from."""

    placeholder = "search keys and words"

    def __init__(self, scopes: Sequence[str] = ()) -> None:
        super().__init__()
        self.place = group_of(scopes)

    @property
    def listed(self) -> Keymap:
        return of_project(self.app.keymap, self.app.session.project)

    def show_head(self) -> None:
        self.head.say(self.title_spans("Keys"), ((f"{len(self.listed.actions)} actions", "dim"),))

    def rows(self, typed: str, width: int) -> Sequence[Line]:
        return help_rows(self.listed, typed, min(width, 100), self.place) or empty_row("No key has these words.")

    async def choose(self, stop: Hashable) -> None:
        """Enter does what the row says, where that is possible from the page."""
        await self.leave()
        if self.app.can(str(stop)):
            await self.app.run_action_id(str(stop))
        elif why := why_not(self.app, str(stop)):
            self.app.say(why)
