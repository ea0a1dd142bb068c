"""The line view: what is painted, where it stays, where the cursor steps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.app import App, ComposeResult
from textual.geometry import Region

from studio.tui import glyphs
from studio.tui.presenters.lines import BLANK, Line, line
from studio.tui.theme import palette_for
from studio.tui.widgets.line_view import LineView


class Painted(LineView):
    """Remembers which regions it asked to be painted."""

    def __init__(self) -> None:
        super().__init__()
        self.regions: list[Region] = []

    def refresh(self, *regions: Region, **given: bool) -> Painted:  # type: ignore[override]
        self.regions += regions
        return super().refresh(*regions, **given)


class Host(App[None]):
    def __init__(self, view: LineView) -> None:
        super().__init__()
        self.view = view
        self.glyphs = glyphs.UNICODE
        self.palette = palette_for(self.current_theme, no_color=False)

    def compose(self) -> ComposeResult:
        yield self.view

    def tell_more(self) -> None:
        """Nothing counts here."""


@asynccontextmanager
async def shown(height: int = 10) -> AsyncIterator[Painted]:
    view = Painted()
    async with Host(view).run_test(size=(40, height)) as pilot:
        await pilot.pause()
        yield view
        await pilot.pause()


def rows(count: int, tall: int = 1) -> list[Line]:
    return [line((f"row {number}.{part}", "text"), stop=number) for number in range(count) for part in range(tall)]


async def test_only_the_rows_that_differ_are_painted() -> None:
    async with shown() as view:
        view.set_lines(rows(5))
        view.regions.clear()
        changed = rows(5)
        changed[3] = line(("other", "text"), stop=3)
        view.set_lines(changed)
        assert [region.y for region in view.regions] == [3]


async def test_a_growing_tail_paints_its_row_and_no_other() -> None:
    async with shown() as view:
        view.set_lines([*rows(3), line(("it gr", "text"), stop=9)])
        view.regions.clear()
        view.replace_tail(3, [line(("it grows", "text"), stop=9)])
        assert [(region.y, region.height) for region in view.regions] == [(3, 1)]


async def test_following_the_end_scrolls_by_a_jump_and_then_stands_still() -> None:
    async with shown(12) as view:
        view.following = True
        tops = []
        for number in range(40):
            view.append([line((f"row {number}", "text"), stop=number)])
            tops.append(view.top)
            assert number < view.top + 12
        assert len(set(tops)) <= 6
        assert tops[-1] > 20


async def test_what_stands_at_the_top_stays_there_when_rows_come_above() -> None:
    async with shown() as view:
        view.set_lines(rows(40))
        view.scroll_lines(20)
        view.set_lines([BLANK, BLANK, BLANK, *rows(40)])
        assert view.lines[view.top].text == "row 20.0"


async def test_the_cursor_steps_by_stops_and_marks_each_of_their_rows() -> None:
    async with shown() as view:
        view.set_lines(rows(4, tall=2))
        view.move(1)
        view.move(1)
        assert view.cursor == 1
        marked = [strip.text[0] for strip in view.render_lines(Region(0, 0, 40, 8))]
        assert [sign == glyphs.UNICODE.bar for sign in marked] == [False, False, True, True, False, False, False, False]


async def test_a_paragraph_taller_than_the_view_is_scrolled_before_it_is_left() -> None:
    async with shown(6) as view:
        view.set_lines([*rows(1, tall=20), line(("next", "text"), stop="next")])
        view.move(1)
        seen = []
        for _ in range(8):
            seen.append((view.cursor, view.top))
            view.move(1)
        assert [top for stop, top in seen if stop == 0][-1] >= 14
        assert view.cursor == "next"


async def test_a_cursor_on_a_row_that_is_gone_lets_go() -> None:
    async with shown() as view:
        view.set_lines(rows(4))
        view.set_cursor(3)
        view.set_lines(rows(2))
        assert view.cursor is None
        view.move(1)
        assert view.cursor == 0
