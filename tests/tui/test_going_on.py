"""Going on with a draft that broke off: the price first, the earlier text in the cell, what is new behind it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from studio.protocol import commands as c
from studio.protocol import events as e
from studio.protocol import queries as q
from tests.fakes.fake_engine import NARRATION, FakeEngine, Script, ferry
from tests.fakes.project import add_page, draft
from tests.fakes.wire_script import SCRIPTS, Fault, Step
from tests.tui.bench import bench, real


async def test_going_on_says_the_price_first_and_pays_at_the_second_key() -> None:
    engine = ferry()
    engine.script = Script(NARRATION, fail="The service answered 529 three times.")
    async with bench(engine) as at:
        await at.press("]", "g")
        await at.until(lambda: at.app.pending)
        await at.press("enter")
        await at.until(lambda: "529" in at.screen())
        await at.press("C")
        await at.until(lambda: at.app.pending)
        assert "$" in at.message
        assert at.message.startswith("Go on with the narration where it broke off")
        assert at.screen().rstrip().split("\n")[-1].strip().startswith("C or enter go")
        assert not any(isinstance(sent, c.Resume) for sent in engine.commands)
        await at.press("C")
        await at.until(lambda: any(isinstance(sent, c.Resume) for sent in engine.commands))


async def test_another_key_than_the_one_that_asked_says_that_it_asks_something_else() -> None:
    engine = ferry()
    engine.script = Script(NARRATION, fail="The service answered 529 three times.")
    async with bench(engine) as at:
        await at.press("]", "g")
        await at.until(lambda: at.message.startswith("Draft the narration \u00b7"))
        await at.press("g")
        await at.until(lambda: "529" in at.screen())
        await at.press("C")
        await at.until(lambda: at.message.startswith("Go on with the narration"))
        await at.press("g")
        await at.until(lambda: at.message.startswith("Draft the narration again, from the start"))
        assert not any(isinstance(sent, c.Resume) for sent in engine.commands)
        assert sum(isinstance(sent, c.Generate) for sent in engine.commands) == 1


async def test_a_stage_without_a_revision_left_says_so_before_a_price_or_a_word() -> None:
    engine = FakeEngine()
    engine.page(engine.chapter("The Toll"), "Ilse counts", "Bram drops the pole.", NARRATION)
    for _ in range(4):
        engine._deliver(engine.pages[0], "narration", NARRATION)
    async with bench(engine, size=(160, 32)) as at:
        for key in ("r", "g"):
            await at.press(key)
            assert at.message.startswith("Narration has had its 5 model revisions; i changes it by hand")
            assert at.app.workbench.drawer is None
            assert at.app.pending is None
        await at.press("escape")
        assert "draft again" not in at.screen()
        assert " r revise" not in at.screen()


async def test_a_composer_says_that_its_price_is_that_of_a_revision() -> None:
    engine = FakeEngine()
    engine.page(engine.chapter("The Toll"), "Ilse counts", "Bram drops the pole.", NARRATION)
    async with bench(engine) as at:
        await at.press("r")
        await at.until(lambda: "Revise the narration \u00b7" in at.screen())


async def test_a_run_that_goes_on_shows_the_carried_text_and_its_clock_ticks() -> None:
    engine = ferry()
    async with bench(engine) as at:
        await at.press("]")
        page = at.app.session.page
        assert page is not None
        await at.until(lambda: "NARRATION" in at.screen())
        engine.emit(e.RunStarted(run="r9", page=page.id, stage="narration", kind="continue", model="m"))
        await at.until(lambda: at.app.session.running)
        carried = "The fog came up the Wend."
        engine.emit(
            e.RunSnapshot(run="r9", page=page.id, stage="narration", kind="continue", model="m", text=carried, elapsed=2.0,
                          output_tokens=6)
        )  # fmt: skip
        engine.emit(e.Delta(run="r9", page=page.id, stage="narration", offset=len(carried), text=" Then it stood."))
        await at.until(lambda: at.app.session.running[0].text == carried + " Then it stood.")
        assert at.app.session.running[0].figures(at.app.session.running[0].began + 7).startswith("7 s")
        assert at.app.workbench._ticking is not None


async def test_the_price_of_going_on_counts_the_text_that_is_there(tmp_path: Path) -> None:
    async with real(tmp_path) as (_, client, server):
        page = await add_page(client)
        server.play(Step(text="word " * 400, fault=Fault.RESET, after=300))
        await draft(client, page)
        again = await client.query(q.GetContext(page=page))
        going_on = await client.query(q.GetContext(page=page, goes_on=True))
        assert (again.kind, going_on.kind) == ("draft", "continue")
        assert "word word" not in "".join(message.text for message in again.messages)
        assert "word word" in "".join(message.text for message in going_on.messages)
        assert going_on.line != again.line


async def test_a_revisions_price_goes_with_its_start_and_its_end_is_said() -> None:
    engine = FakeEngine()
    engine.page(engine.chapter("The Toll"), "Ilse counts", "Bram drops the pole.", NARRATION)
    end = asyncio.Event()
    engine.script = Script(NARRATION, pause=end.wait)
    async with bench(engine) as at:
        await at.press("r")
        await at.type("colder")
        await at.press("ctrl+s")
        await at.until(lambda: at.app.session.running)
        assert at.message == "Asked for a revision."
        end.set()
        await at.until(lambda: at.message.startswith("Narration is done: "))
        assert at.message.endswith("$0.001.")


async def test_the_end_of_a_draft_takes_no_question_away() -> None:
    engine = ferry()
    end = asyncio.Event()
    engine.script = Script(NARRATION, pause=end.wait)
    async with bench(engine) as at:
        await at.press("]", "g")
        await at.until(lambda: at.app.pending)
        await at.press("g")
        await at.until(lambda: at.app.session.running)
        await at.press("q")
        assert at.app.pending is not None
        asked = at.message
        end.set()
        await at.until(lambda: not at.app.session.running)
        await at.pilot.pause()
        assert at.message == asked
        await at.press("escape")


async def test_after_a_failed_revision_the_text_before_it_stands_and_the_feedback_is_sent_again(tmp_path: Path) -> None:
    async with real(tmp_path) as (at, client, server):
        page = await add_page(client)
        await draft(client, page)
        await at.until(lambda: at.app.session.page and at.app.session.page.phase == "user_reviewing")
        server.play(*SCRIPTS["unauthorized"])
        await at.press("r")
        await at.type("About the lamp")
        await at.press("ctrl+s")
        await at.until(lambda: at.app.session.page and at.app.session.page.phase == "failed")
        await at.until(lambda: "approves r1" in at.screen())
        await at.press("g")
        await at.until(lambda: at.app.pending)
        assert "again, with the same feedback" in at.message
        await at.press("g")
        await at.until(lambda: at.app.session.page and at.app.session.page.phase == "user_reviewing")
        assert "About the lamp" in str(server.calls[-1].body)
        head = (await client.query(q.GetPage(page=page))).cells[0].head
        assert head is not None
        assert head.number == 2


async def test_after_a_failed_revision_the_text_before_it_can_be_approved_or_revised_by_other_words(
    tmp_path: Path,
) -> None:
    async with real(tmp_path) as (at, client, server):
        page = await add_page(client)
        await draft(client, page)
        await at.until(lambda: at.app.session.page and at.app.session.page.phase == "user_reviewing")
        server.play(*SCRIPTS["unauthorized"])
        await draft(client, page, c.Revise(page=page, feedback="About the lamp"))
        await at.until(lambda: at.app.session.page and at.app.session.page.phase == "failed")
        await at.press("r")
        await at.until(lambda: at.app.workbench.drawer)
        assert "About the lamp" in at.screen()
        await at.press("escape")
        await at.until(lambda: at.app.workbench.drawer is None)
        await at.press("a")
        await at.until(lambda: at.app.session.page and at.app.session.page.state == "generating_dialogue")
        heads = (await client.query(q.GetPage(page=page))).cells
        assert heads[0].approved


async def test_copy_takes_the_words_of_a_draft_that_broke_off_where_they_are_what_is_seen() -> None:
    engine = FakeEngine()
    engine.page(engine.chapter("The Toll"), "Ilse counts", "Bram drops the pole.", NARRATION)
    engine.script = Script("Only this came.", fail="The service answered 529 three times.")
    async with bench(engine) as at:
        await at.press("r")
        await at.type("colder")
        await at.press("ctrl+s")
        await at.until(lambda: "529" in at.screen())
        await at.press("y")
        assert at.app.clipboard == "Only this came."
