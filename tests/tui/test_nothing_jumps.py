"""What was read stays where it is: when a draft starts, grows, is stopped, fails or ends, and when a composer opens and closes."""

from __future__ import annotations

import asyncio

from tests.fakes.fake_engine import FakeEngine, Script, ferry
from tests.tui.bench import Bench, bench

SHORT = "The rain came slantwise.\n\nShe counted the rings.\n\nNobody spoke."
LONG = "\n\n".join(f"Paragraph {n} says that the rain came slantwise off the Throat and he let it." for n in range(30))


def one_page(narration: str = "") -> FakeEngine:
    engine = FakeEngine()
    engine.page(engine.chapter("The Toll"), "Ilse counts", "Bram drops the pole.", narration)
    return engine


def rows_of(at: Bench, *words: str) -> list[int]:
    """On which row of the screen each of `words` stands."""
    rows = at.screen().split("\n")
    return [next(n for n, row in enumerate(rows) if word in row) for word in words]


async def _draft(at: Bench) -> None:
    await at.press("g")
    await at.until(lambda: at.app.pending)
    await at.press("g")
    await at.until(lambda: at.app.session.running)


async def test_stopping_leaves_the_text_where_it_is_and_says_so_once() -> None:
    engine = one_page()
    engine.script = Script(SHORT + " more" * 200, chars=5, rate=60)
    async with bench(engine, size=(80, 24)) as at:
        await _draft(at)
        words = ("BRIEF", "NARRATION", "slantwise", "She counted", "Nobody spoke")
        await at.until(lambda: "Nobody spoke" in at.screen())
        before = rows_of(at, *words)
        await at.press("s")
        await at.until(lambda: "keeps these" in at.screen())
        assert rows_of(at, *words) == before
        assert at.screen().count("stopped") == 1
        assert at.message == ""


async def test_a_failure_says_why_after_the_words_and_leaves_them_where_they_are() -> None:
    engine = one_page()
    engine.script = Script(SHORT + " more" * 20, chars=5, rate=30, fail="The service answered 529 three times.")
    async with bench(engine, size=(80, 24)) as at:
        await _draft(at)
        await at.until(lambda: "Nobody" in at.screen())
        before = rows_of(at, "slantwise", "She counted")
        await at.until(lambda: "529" in at.screen())
        assert rows_of(at, "slantwise", "She counted") == before
        assert rows_of(at, "529")[0] > rows_of(at, "Nobody spoke")[0]


async def test_a_failure_out_of_sight_is_said_above_the_footer() -> None:
    engine = one_page()
    end = asyncio.Event()
    engine.script = Script(LONG, chars=5, rate=600, fail="The service answered 529 three times.", pause=end.wait)
    async with bench(engine, size=(80, 24)) as at:
        await _draft(at)
        await at.until(lambda: at.app.workbench.page_view.top > 10)
        await at.press("home")
        end.set()
        await at.until(lambda: "The draft failed: The service answered 529" in at.message)


async def test_a_draft_that_was_followed_ends_on_a_full_screen_with_the_cursor_on_a_paragraph_of_it() -> None:
    engine = one_page()
    end = asyncio.Event()
    engine.script = Script(LONG, chars=9, rate=500, pause=end.wait)
    async with bench(engine, size=(80, 24)) as at:
        await _draft(at)
        view = at.app.workbench.page_view
        await at.until(lambda: "Paragraph 29" in at.screen())
        assert view.cursor == ("narration", "head")
        end.set()
        await at.until(lambda: at.app.session.page and at.app.session.page.phase == "user_reviewing")
        await at.pilot.pause()
        assert view.top == len(view.lines) - view.size.height
        assert view.lines[-1].text in at.screen()
        assert isinstance(view.cursor, tuple)
        assert view.cursor[0] == "narration"
        assert isinstance(view.cursor[1], int)
        assert rows_of(at, f"Paragraph {view.cursor[1]} says")[0] < 8
        passage = view.passage()
        assert passage is not None
        await at.press("c")
        await at.type("No rain.")
        await at.press("ctrl+s")
        await at.until(lambda: at.app.workbench.drawer is None)
        assert [note.quote for note in engine.pages[0].notes] == [passage.text]


async def test_the_end_of_a_draft_leaves_the_place_of_one_who_reads_further_up() -> None:
    engine = one_page()
    end = asyncio.Event()
    engine.script = Script(LONG, chars=9, rate=500, pause=end.wait)
    async with bench(engine, size=(80, 24)) as at:
        await _draft(at)
        view = at.app.workbench.page_view
        await at.until(lambda: "Paragraph 29" in at.screen())
        await at.press("home", "j", "j", "j")
        before = rows_of(at, "Paragraph 0", "Paragraph 1"), view.cursor, view.top
        end.set()
        await at.until(lambda: at.app.session.page and at.app.session.page.phase == "user_reviewing")
        await at.pilot.pause()
        assert (rows_of(at, "Paragraph 0", "Paragraph 1"), view.cursor, view.top) == before


async def test_a_text_that_fits_after_a_resize_is_shown_whole() -> None:
    async with bench(one_page(LONG), size=(80, 24)) as at:
        await at.press("G")
        view = at.app.workbench.page_view
        assert view.top > 0
        await at.pilot.resize_terminal(80, 120)
        await at.until(lambda: view.size.height > 110)
        await at.pilot.pause()
        assert view.top == 0
        assert "NARRATION" in at.screen()


async def test_a_revision_begins_on_a_whole_screen_with_the_cursor_on_its_cell() -> None:
    engine = one_page(LONG)
    engine.script = Script(SHORT, chars=5, rate=20)
    async with bench(engine, size=(80, 24)) as at:
        await at.press("G")
        await at.pilot.pause()
        await at.press("r")
        await at.type("colder")
        await at.press("ctrl+s")
        await at.until(lambda: "drafting" in at.screen())
        assert at.app.workbench.page_view.cursor == ("narration", "head")
        assert rows_of(at, "Ilse counts", "BRIEF", "NARRATION") == [0, 4, 8]


async def test_the_text_that_is_revised_stays_in_sight_dim_until_the_first_word_of_the_new_one() -> None:
    engine = one_page(SHORT)
    begin = asyncio.Event()
    engine.script = Script("Colder rain.", chars=5, rate=50, before=begin.wait)
    async with bench(engine, size=(80, 24)) as at:
        view = at.app.workbench.page_view
        before = rows_of(at, "slantwise", "She counted", "Nobody spoke")
        await at.press("r")
        await at.type("colder")
        await at.press("ctrl+s")
        await at.until(lambda: "drafting" in at.screen(), 10)
        assert rows_of(at, "slantwise", "She counted", "Nobody spoke") == before
        old = next(row for row in view.lines if "She counted" in row.text)
        assert {style for _, style in old.spans} == {"dim"}
        begin.set()
        await at.until(lambda: "Colder" in at.screen(), 10)
        assert "She counted" not in at.screen()
        assert view.cursor == ("narration", "head")


async def test_a_composer_that_opens_and_closes_moves_nothing() -> None:
    for keys in ("r", "c", "b"):
        async with bench(one_page(LONG), size=(80, 24)) as at:
            await at.press(*"jjjj", "G", "k", "k")
            await at.pilot.pause()
            view = at.app.workbench.page_view
            before, top = at.screen().split("\n"), view.top
            await at.press(keys)
            await at.pilot.pause()
            assert view.top == top
            assert at.screen().split("\n")[2:8] == before[2:8]
            await at.press("escape")
            await at.pilot.pause()
            await at.until(lambda: at.app.workbench.drawer is None)
            assert view.top == top


async def test_somebody_elses_draft_takes_no_cursor() -> None:
    engine = one_page(SHORT)
    engine.script = Script(LONG, chars=5, rate=50)
    async with bench(engine, size=(80, 24)) as at:
        await at.press("home")
        view = at.app.workbench.page_view
        assert view.cursor == ("brief", "head")
        engine._start(engine.pages[0], "revise")
        await at.until(lambda: "drafting" in at.screen())
        assert view.cursor == ("brief", "head")


async def test_the_cursor_arrives_on_the_cell_that_waits_else_on_the_first_one_written() -> None:
    async with bench(ferry(), size=(80, 24)) as at:
        view = at.app.workbench.page_view
        assert view.cursor == ("narration", "head")
        await at.press("]")
        assert view.cursor == ("narration", "head")
        await at.press("]")
        assert view.cursor == ("brief", "head")
        await at.press("[", "[", "[")
        assert at.app.session.page is not None
        assert at.app.session.page.phase == "approved"
        assert view.cursor == ("narration", "head")
        assert view.top == 0
