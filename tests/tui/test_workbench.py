"""The main screen over the fake engine: panes, streams, the cursor, messages, keys in their order."""

from __future__ import annotations

from studio.domain.errors import StudioError
from studio.protocol import events as e
from studio.tui.options import WorkbenchOptions
from tests.fakes.fake_engine import NARRATION, FakeEngine, Script, ferry
from tests.tui.bench import bench

LONG = "".join(
    f"Paragraph {number} says that the rain came slantwise off the Throat and he let it.\n\n" for number in range(60)
)


async def test_the_outline_shows_chapters_pages_and_states() -> None:
    async with bench(ferry()) as at:
        screen = at.screen()
        assert "1 The Crossing" in screen
        assert "✓ 1 Fog" in screen
        assert "● 2 Ilse counts" in screen
        assert "○ 3 Forty-four" in screen


async def test_the_page_that_waits_is_opened_with_the_cursor_on_its_cell() -> None:
    async with bench(ferry()) as at:
        page = at.app.session.page
        assert page is not None
        assert page.title == "Ilse counts the rings"
        assert at.app.workbench.page_view.cursor == ("narration", "head")


async def test_panes_fold_with_the_width_and_slide_over() -> None:
    for width, shown in ((80, (False, False)), (100, (True, False)), (120, (True, True))):
        async with bench(ferry(), size=(width, 24)) as at:
            work = at.app.workbench
            assert (work.outline.display, work.inspector.display) == shown
            assert work.page_view.text_width >= 60
    async with bench(ferry(), size=(80, 24)) as at:
        await at.press("shift+tab")
        await at.pilot.pause()
        assert at.app.focused is at.app.workbench.outline
        assert "1 The Crossing" in at.screen()
        await at.press("escape")
        await at.pilot.pause()
        assert not at.app.workbench.outline.display


async def test_tiny_screens_do_not_fail() -> None:
    for size in ((60, 20), (20, 5), (3, 2)):
        async with bench(ferry(), size=size) as at:
            await at.press("tab", "j", "tab", "j", "tab")
            assert at.app.is_running


async def test_a_stream_grows_at_the_end_and_ends_as_the_page_shows_it() -> None:
    engine = ferry()
    engine.script = Script(LONG, chars=7, rate=700)
    async with bench(engine) as at:
        await at.press("]")
        await at.press("g")
        await at.until(lambda: at.app.pending)
        await at.press("g")
        await at.until(lambda: at.app.session.page and at.app.session.page.phase == "user_reviewing")
        view = at.app.workbench.page_view
        assert "Paragraph 59" in "\n".join(row.text for row in view.lines)
        assert "Paragraph 59" in at.screen()  # the end was followed
        grown = [row.text for row in view.lines]
        view.prepare(view.size.width)
        assert [row.text for row in view.lines] == grown


async def test_a_reader_who_scrolled_away_stays_where_he_is() -> None:
    engine = ferry()
    engine.script = Script(LONG, chars=9, rate=2000)
    async with bench(engine) as at:
        await at.press("]", "g")
        await at.until(lambda: at.app.pending)
        await at.press("g")
        view = at.app.workbench.page_view
        await at.until(lambda: view.top > 10)
        await at.press("home")
        top = view.top
        await at.until(lambda: not at.app.session.running)
        await at.pilot.pause(0.2)
        assert view.top == top == 0


async def test_a_dialogue_that_arrives_as_json_is_readable_while_it_streams() -> None:
    engine = ferry()
    page = engine.page(engine.chapters[1]["id"], "Talk", "They talk.", NARRATION)
    engine._approve(engine._find(page), "narration")
    text = '{"lines": [{"speaker": "Ilse", "text": "Forty-four.", "kind": "speech"}, {"speaker": "Bram", "text": "She counts'
    engine.script = Script(text, chars=11, fail="The line broke.")
    async with bench(engine, options=WorkbenchOptions(page=page)) as at:
        shown: list[str] = []
        at.app.session.listeners.append(
            lambda event: shown.append(at.screen()) if isinstance(event, e.RunEnded) else None
        )
        await at.press("g")
        await at.until(lambda: at.app.pending)
        await at.press("g")
        await at.until(lambda: shown)
        lines = "\n".join(row.text for row in at.app.workbench.page_view.lines)
        await at.until(lambda: "The line broke." in at.screen())
        assert "Forty-four." in lines


async def test_a_failed_draft_says_why_in_its_cell_and_offers_the_ways_out() -> None:
    engine = ferry()
    engine.script = Script(NARRATION, fail="The service answered 529 three times.")
    async with bench(engine) as at:
        await at.press("]", "g")
        await at.until(lambda: at.app.pending)
        await at.press("enter")
        await at.until(lambda: "529" in at.screen())
        footer = at.app.workbench.footer.lines[-1].text
        assert "C continue" in footer
        assert "w keep" in footer
        assert "X discard" in footer


async def test_the_price_question_can_be_skipped_below_an_amount() -> None:
    engine = ferry()
    async with bench(engine, options=WorkbenchOptions(ask_above_usd=0.05)) as at:
        await at.press("]", "g")
        await at.until(lambda: at.app.session.page and at.app.session.page.phase == "user_reviewing")
        assert at.app.pending is None


async def test_folding_a_cell_hides_its_text_and_unfolding_brings_it_back() -> None:
    async with bench(ferry()) as at:
        assert "Which ring?" in at.screen()
        await at.press("h")
        await at.pilot.pause()
        assert "Which ring?" not in at.screen()
        await at.press("l")
        await at.pilot.pause()
        assert "Which ring?" in at.screen()


async def test_markup_and_escapes_in_titles_are_only_text() -> None:
    engine = FakeEngine("[/x] [@click=app.quit]")
    chapter = engine.chapter("[bold]Toll[/nope]")
    engine.page(chapter, "[#zz]", "A [red]brief[/].", "Text [/b] here.")
    async with bench(engine) as at:
        screen = at.screen()
        assert "[/nope]" in screen
        assert "Text [/b] here." in screen


async def test_an_error_is_one_sentence_and_goes_with_the_next_key() -> None:
    async with bench(ferry()) as at:
        at.app.say_error(StudioError("The page could not be moved.", hint="Try again."))
        await at.pilot.pause()
        assert "The page could not be moved. Try again." in at.screen()
        await at.press("j")
        await at.pilot.pause()
        assert "could not be moved" not in at.screen()


async def test_a_reloaded_and_a_broken_template_are_said() -> None:
    engine = ferry()
    async with bench(engine) as at:
        engine.emit(e.TemplateReloaded(name="story/narration", path="prompts/story/narration.md.j2"))
        await at.until(lambda: "reloaded" in at.message)
        engine.emit(
            e.TemplateReloaded(
                name="story/narration",
                path="prompts/n.md.j2",
                error="unexpected end; the last good version is in use.",
                line=7,
            )
        )
        await at.until(lambda: "prompts/n.md.j2:7: unexpected end" in at.message)
        assert "last good version" in at.message


async def test_leaving_while_a_draft_runs_asks_and_leaves_with_the_second_key() -> None:
    engine = ferry()
    engine.script = Script(LONG, chars=3, rate=20)
    async with bench(engine) as at:
        await at.press("]", "g")
        await at.until(lambda: at.app.pending)
        await at.press("g")
        await at.until(lambda: at.app.session.running)
        await at.press("q")
        assert at.app.pending is not None
        assert not engine.closed
        await at.press("q")
        await at.until(lambda: engine.closed)
        assert at.app.return_code in (0, None)


async def test_after_lagged_the_session_subscribes_again() -> None:
    engine = ferry()
    async with bench(engine) as at:
        await at.until(lambda: engine._queues)
        first = engine._queues[0]
        engine.emit(e.Lagged(seq=3))
        await at.until(lambda: engine._queues and engine._queues[0] is not first)
        engine.emit(e.Notice(level="info", message="still here"))
        await at.until(lambda: "still here" in at.message)


async def test_a_line_typed_at_once_after_its_key_loses_no_letter() -> None:
    engine = ferry()
    async with bench(engine) as at:
        await at.press("o", *"Xyzzy", "enter")
        await at.until(lambda: any(page.title == "Xyzzy" for page in engine.pages))


async def test_without_colour_and_without_unicode_every_state_has_a_sign() -> None:
    async with bench(ferry(), options=WorkbenchOptions(ascii=True)) as at:
        screen = at.screen()
        assert "v 1 Fog" in screen
        assert "? 2 Ilse" in screen
        assert ". 3 Forty-four" in screen
        assert "●" not in screen
