"""Keys act on what is pointed at: the outline's page while the outline is in use, else the page on the screen."""

from __future__ import annotations

import pytest

from studio.protocol import commands as c
from tests.fakes.fake_engine import FakeEngine, ferry
from tests.tui.bench import Bench, bench

NARROW = (80, 24)


async def _to_outline(at: Bench, *keys: str) -> None:
    await at.press("shift+tab", *keys)
    await at.pilot.pause()


def _footer(at: Bench) -> str:
    return at.app.workbench.footer.lines[-1].text


@pytest.mark.parametrize("size", [NARROW, (104, 30), (124, 32)])
async def test_a_name_is_asked_for_the_page_under_the_outlines_cursor_above_the_footer_over_the_full_width(
    size: tuple[int, int],
) -> None:
    engine = ferry()
    async with bench(engine, size=size) as at:
        await _to_outline(at, "k")
        await at.press("f2")
        await at.pilot.pause()
        rows = at.screen().split("\n")
        assert rows[-4].rstrip() == " Rename page 2/1"
        assert rows[-3].rstrip() == "  A price"
        assert len(rows[-5].strip()) == size[0]
        assert at.app.workbench.outline.display
        await at.press("end", "!", "enter")
        await at.until(lambda: any(page.title == "A price!" for page in engine.pages))
        assert at.app.focused is at.app.workbench.outline
        assert "A price!" in at.message


async def test_the_outline_closes_when_the_focus_goes_to_the_page_and_keys_are_the_pages_again() -> None:
    engine = ferry()
    async with bench(engine, size=NARROW) as at:
        await _to_outline(at, "k")
        await at.press("escape", "D")
        await at.until(lambda: any(page.archived for page in engine.pages))
        assert not at.app.workbench.outline.display
        assert [page.title for page in engine.pages if page.archived] == ["Ilse counts the rings"]


async def test_an_approved_page_is_archived_by_the_second_key_and_brought_back_where_it_stands() -> None:
    engine = ferry()
    async with bench(engine, size=NARROW) as at:
        await _to_outline(at, "k", "D")
        assert "2/1 A price is approved. D again archives it" in at.message
        assert not any(page.archived for page in engine.pages)
        await at.press("D")
        await at.until(lambda: any(page.archived for page in engine.pages))
        await at.until(lambda: "D on one brings it back" in at.message)
        await at.press("escape", "[")
        await at.until(lambda: at.app.session.page and at.app.session.page.title == "Teodor boards")
        await at.press("D", "D")
        await at.until(lambda: at.app.session.page and at.app.session.page.archived)
        assert "D brings it back." in at.message
        assert "D bring back" in _footer(at)
        await at.press("D")
        await at.until(lambda: at.app.session.page and not at.app.session.page.archived)


async def test_after_an_archived_row_the_outlines_cursor_stands_beside_it_and_not_on_the_open_page() -> None:
    engine = ferry()
    async with bench(engine) as at:
        await _to_outline(at, "j", "j")
        await at.press("D")
        await at.until(lambda: len(at.app.workbench.outline.stops) == 8)
        pointed = at.app.workbench.outline.page_line()
        assert pointed is not None
        assert pointed.title == "Forty-four"


@pytest.mark.parametrize("size", [NARROW, (160, 48)])
async def test_the_outlines_cursor_is_on_the_page_on_the_screen_after_it_was_archived_and_brought_back(
    size: tuple[int, int],
) -> None:
    engine = ferry()
    async with bench(engine, size=size) as at:
        outline, session = at.app.workbench.outline, at.app.session
        here = session.page
        assert here is not None
        await at.press("D")
        await at.until(lambda: session.page and session.page.archived, 5)
        await at.press(".")
        await at.until(lambda: here.id in [stop for stop, _, _ in outline.stops], 5)
        await at.press("D")
        await at.until(lambda: session.page and not session.page.archived, 5)
        await at.press("K")
        await _to_outline(at)
        assert outline.cursor == here.id
        await at.press("f2")
        await at.pilot.pause()
        assert here.title in at.screen().split("\n")[-3]


async def test_the_outlines_cursor_comes_back_to_the_page_on_the_screen_when_the_outline_is_left() -> None:
    async with bench(ferry(), size=(160, 48)) as at:
        page = at.app.session.page
        assert page is not None
        await _to_outline(at, "k", "k")
        assert at.app.workbench.outline.cursor != page.id
        await at.press("escape")
        assert at.app.workbench.outline.cursor == page.id


async def test_a_key_for_a_page_opens_the_page_under_the_outlines_cursor_first() -> None:
    engine = ferry()
    async with bench(engine, size=NARROW) as at:
        await _to_outline(at, "j")
        assert "g generate" not in _footer(at)
        await at.press("g")
        await at.until(lambda: at.app.pending)
        assert at.app.session.page is not None
        assert at.app.session.page.title == "Forty-four"
        assert at.app.focused is at.app.workbench.page_view
        assert not at.app.workbench.outline.display


async def test_a_text_that_was_not_on_the_screen_is_opened_by_the_key_that_approves_and_not_approved() -> None:
    engine = ferry()
    engine.page(engine.chapters[1]["id"], "Unseen", "A brief.", "Text that nobody has read.")
    async with bench(engine, size=NARROW) as at:
        await _to_outline(at, "end")
        await at.press("a")
        await at.until(lambda: at.message)
        assert "Unseen is open now. a here: approve." in at.message
        assert "nobody has read" in at.screen()
        assert not any(isinstance(command, c.Approve) for command in engine.commands)
        await at.press("a")
        await at.until(lambda: any(isinstance(command, c.Approve) for command in engine.commands))


async def test_on_a_chapter_a_key_for_a_page_says_that_it_is_for_a_page() -> None:
    engine = ferry()
    async with bench(engine) as at:
        await _to_outline(at, "home")
        assert "a approve" not in _footer(at)
        await at.press("a")
        assert "for a page" in at.message
        assert not any(isinstance(command, c.Approve) for command in engine.commands)


async def test_each_of_several_quick_moves_moves_one_place() -> None:
    engine = ferry()
    async with bench(engine) as at:
        await at.press("K", "K", "K")
        await at.until(lambda: at.app.session.page and at.app.session.page.chapter_number == 1)
        page = at.app.session.page
        assert page is not None
        assert (page.chapter_number, page.number) == (1, 3)
        await at.press("J", "J", "J")
        page = at.app.session.page
        assert page is not None
        assert (page.chapter_number, page.number) == (2, 2)
        assert engine.pages[4].title == "Ilse counts the rings"


async def test_a_chapter_that_is_moved_takes_the_cursor_along_and_stays_in_sight() -> None:
    engine = FakeEngine()
    for name in ("One", "Two"):
        chapter = engine.chapter(name)
        for number in range(12):
            engine.page(chapter, f"Page {number}", "A brief.")
    engine.chapter("Three")
    async with bench(engine, size=(120, 24)) as at:
        await _to_outline(at, "end")
        outline = at.app.workbench.outline
        chapter = outline.cursor
        assert outline.top > 0
        await at.press("K", "K")
        assert engine.chapters[0]["title"] == "Three"
        await at.until(lambda: outline.lines and "1 Three" in outline.lines[0].text)
        assert outline.cursor == chapter
        assert outline.top == 0
        await at.press("D")
        assert at.message.startswith("Only pages are archived. A chapter stays")


async def test_a_move_into_another_chapter_and_the_ends_of_the_book_are_said() -> None:
    async with bench(ferry()) as at:
        await at.press("K", "K")
        assert "chapter 1 The Crossing" in at.message
        await at.press("]", "]", "]", "J")
        await at.until(lambda: at.message)
        assert "end of the book" in at.message
        header, outline = at.app.workbench.header.lines[0].text, at.app.workbench.outline
        assert "2 The Toll · page 3 of 3" in header
        assert outline.cursor == outline.stops[-1][0]


async def test_the_page_after_a_new_chapter_is_made_in_it_and_the_next_one_too() -> None:
    engine = ferry()
    async with bench(engine, size=NARROW) as at:
        await at.press("O", *"Three", "enter", "o")
        assert "New page in 3 Three" in at.screen()
        await at.press(*"First", "enter", "o")
        assert "New page in 3 Three" in at.screen()
        await at.press("escape", "O", *"Four", "enter", "[", "o")
        assert "New page in 2 The Toll" in at.screen()
