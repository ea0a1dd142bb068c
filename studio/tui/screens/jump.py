"""The jump line: to a page by number, slug or title."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from studio.domain.text import counted
from studio.tui.glyphs import Glyphs
from studio.tui.presenters.lines import Line, line, spread
from studio.tui.presenters.outline import state_sign
from studio.tui.presenters.search import Place, jump, places
from studio.tui.screens.pick import PickScreen
from studio.tui.widgets.pick_list import empty_row


class JumpScreen(PickScreen):
    placeholder = "number, slug or title"

    def show_head(self) -> None:
        count = len(self._places())
        self.head.say(self.title_spans("Jump to a page"), ((counted(count, "page"), "dim"),))

    def _places(self) -> tuple[Place, ...]:
        project = self.app.session.project
        return places(project) if project else ()

    def rows(self, typed: str, width: int) -> Sequence[Line]:
        page = self.app.session.page
        found = jump(typed, self._places(), page.chapter_number if page else None)
        rows = [_row(hit.item, min(width, 100), self.app.glyphs) for hit in found]
        return rows or empty_row("No page is called that." if typed else "There are no pages yet.")

    async def choose(self, stop: Hashable) -> None:
        await self.leave()
        self.app.spawn(self.app.session.open_page(str(stop)))


def _row(place: Place, cells: int, glyphs: Glyphs) -> Line:
    left = ((f"{place.number:>6}  ", "dim"), (place.title, "text"))
    right = ((f"{place.chapter_title}  ", "dim"), state_sign(place.page, glyphs))
    return spread(left, right, cells, place.page.id) if cells > 50 else line(*left, stop=place.page.id)
