"""The command palette: every action by its words, with its key, and the themes."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from studio.tui.presenters import keys
from studio.tui.presenters.lines import Line, line, wrap
from studio.tui.screens.pick import PickScreen
from studio.tui.theming import take_theme
from studio.tui.why_not import why_not
from studio.tui.widgets.pick_list import empty_row


class PaletteScreen(PickScreen):
    """What applies is asked before the screen opens, since then the focus is here."""

    placeholder = "type what you want to do"

    def __init__(self, entries: Sequence[keys.Entry], typed: str = "") -> None:
        super().__init__(typed)
        self.entries = {entry.id: entry for entry in entries}

    def show_head(self) -> None:
        self.head.say(self.title_spans("What would you like to do?"))

    def rows(self, typed: str, width: int) -> Sequence[Line]:
        return keys.palette_rows(
            tuple(self.entries.values()), typed, min(width, 100), self.app.glyphs.more
        ) or empty_row("No action has these words.")

    def details(self, stop: Hashable, width: int) -> Sequence[Line]:
        entry = self.entries.get(str(stop))
        if entry is None:
            return ()
        said = keys.cut(entry, min(width, 100))
        if not entry.now:
            said.append(why_not(self.app, entry.id) or "That does nothing here and now.")
        return [line((f" {row}", "dim")) for sentence in said for row in wrap(sentence, max(width - 2, 10))]

    async def choose(self, stop: Hashable) -> None:
        chosen = str(stop)
        if chosen.startswith(keys.THEME):
            await self.leave()
            take_theme(self.app, chosen.removeprefix(keys.THEME))
            return
        if not self.entries[chosen].now:
            self.app.say(why_not(self.app, chosen) or "That does nothing here and now.")
            return
        await self.leave()
        await self.app.run_action_id(chosen)
