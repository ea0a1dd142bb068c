"""Panes: which stand where, that one over the page has the whole place, and that it speaks of the page on the screen."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.events import Resize
from textual.geometry import Size

from studio.protocol import queries as q
from studio.tui.glyphs import UNICODE
from studio.tui.presenters.inspector import TABS, tabs_line
from tests.fakes.fake_engine import FakeEngine, ferry
from tests.tui.bench import bench


async def test_a_pane_over_the_page_leaves_nothing_of_the_page_beside_it() -> None:
    for size, keys in (((80, 24), ("shift+tab",)), ((80, 24), ("1",)), ((60, 20), ("tab",)), ((104, 30), ("tab",))):
        async with bench(ferry(), size=size) as at:
            assert "Which ring?" in at.screen()
            await at.press(*keys)
            await at.pilot.pause()
            assert "Which ring?" not in at.screen()
            assert at.app.workbench.middle.display is False
            await at.press("escape")
            await at.pilot.pause()
            assert "Which ring?" in at.screen()


async def test_panes_fit_again_after_each_change_of_the_width_and_the_focus() -> None:
    async with bench(ferry(), size=(80, 24)) as at:
        bench_ = at.app.workbench
        await at.press("shift+tab")
        for width, shown in ((124, (True, True, True)), (104, (True, True, False)), (80, (True, False, False))):
            await at.pilot.resize_terminal(width, 24)
            await at.pilot.pause()
            assert (bench_.outline.display, bench_.middle.display, bench_.inspector.display) == shown
        await at.press("shift+tab")
        await at.pilot.pause()
        assert (bench_.outline.display, bench_.middle.display, bench_.inspector.display) == (False, False, True)
        await at.press("shift+tab")
        await at.pilot.pause()
        assert (bench_.outline.display, bench_.middle.display, bench_.inspector.display) == (False, True, False)


async def test_a_page_that_is_drawn_between_two_layouts_fits_the_one_that_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While a text streams in, the page is drawn again at any moment, also in the middle of a change of panes."""
    async with bench(ferry(), size=(80, 24)) as at:
        view = at.app.workbench.page_view
        wide = view.lines
        with monkeypatch.context() as patch:
            patch.setattr(type(view), "size", property(lambda self: Size(38, 20)))
            view.show()
        assert view.lines != wide
        view.on_resize(Resize(Size(80, 22), Size(80, 22)))
        assert view.lines == wide


class Slow(FakeEngine):
    """Answers about contexts when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.may = asyncio.Event()

    async def query(self, query: q.Query[Any]) -> Any:
        if isinstance(query, q.GetContext):
            await self.may.wait()
        return await super().query(query)


async def test_the_inspector_says_nothing_of_another_page_while_it_asks() -> None:
    engine = Slow()
    chapter = engine.chapter("The Toll")
    for title in ("One", "Two"):
        engine.page(chapter, title, "A brief.")
    async with bench(engine, size=(80, 24)) as at:
        engine.may.set()
        await at.press("1")
        await at.until(lambda: "style guide" in at.screen())
        engine.may.clear()
        await at.press("escape", "]", "1")
        await at.pilot.pause()
        assert "style guide" not in at.screen()
        assert at.app.workbench.inspector.lines[2].text == UNICODE.more
        engine.may.set()
        await at.until(lambda: "style guide" in at.screen())


async def test_what_could_not_be_said_on_one_tab_is_not_said_on_another() -> None:
    async with bench(ferry(), size=(80, 24)) as at:
        await at.press("]", "]", "1")
        await at.until(lambda: "no brief yet" in at.screen())
        await at.press("2")
        await at.pilot.pause()
        assert "no brief yet" not in at.screen()
        assert "No notes." in at.screen()


async def test_the_header_and_the_outline_over_the_page_agree_after_a_move() -> None:
    async with bench(ferry(), size=(80, 24)) as at:
        await at.press("J", "shift+tab")
        await at.pilot.pause()
        assert "2/3 Ilse counts" in at.app.workbench.header.lines[0].text
        assert "▸ ● 3 Ilse counts the rings" in at.screen()


@pytest.mark.parametrize("tab", TABS)
def test_a_narrow_inspector_names_the_open_tab_and_the_keys_of_all(tab: str) -> None:
    assert tabs_line(tab, 25).text == tab.upper().ljust(22) + "1-4"
    assert [word for word in tabs_line(tab, 40).text.split() if word.isalpha()] == [
        name.upper() if name == tab else name for name in TABS
    ]


async def test_the_exact_prompt_is_offered_only_where_it_can_be_shown() -> None:
    async with bench(ferry(), size=(160, 32)) as at:
        footer = at.app.workbench.footer
        await at.press("tab", "1")
        assert "exact prompt" in footer.lines[-1].text
        for key in ("2", "3", "4"):
            await at.press("1")
            await at.press(key)
            assert "exact prompt" not in footer.lines[-1].text
        await at.press("1", "[")
        await at.until(lambda: at.app.session.page and at.app.session.page.phase == "approved")
        await at.pilot.pause()
        assert "exact prompt" not in footer.lines[-1].text
        await at.press("enter")
        assert at.message.startswith("Every stage of this page is approved")


async def test_help_and_palette_of_a_book_list_no_key_of_an_application() -> None:
    async with bench(ferry(), size=(120, 400)) as at:
        for key in ("question_mark", "ctrl+p"):
            await at.press(key)
            assert at.app.screen is not at.app.workbench
            shown = at.screen()
            assert "Approve: approve the draft" in shown or "approve the draft that waits" in shown
            assert "end the work back" not in shown
            assert "publishing" not in shown
            await at.press("escape")
        await at.press("B")
        assert "only an application has this" in at.message
