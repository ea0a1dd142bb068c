"""The connection to the engine is lost and found, and the person leaves and comes back: what stands on the screen, what is kept."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from benchmarks.pty_program import PtyProgram
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol.client import LinkState
from studio.tui.options import WorkbenchOptions
from studio.workspace import edits
from tests.fakes.engine_process import engine_pid, gone, kill_engine
from tests.fakes.fake_engine import ferry
from tests.fakes.wire_script import Step
from tests.tui.bench import bench
from tests.tui.shared import Room, Seat, room

LONG = "\n\n".join(f"Paragraph {number} of the fog." for number in range(60))


def _drafting(book: Room, words: int = 120) -> str:
    pieces = tuple(f"word{number} " for number in range(words))
    book.server.play(Step(deltas=pieces, delta_delay=0.02))
    return "".join(pieces)


async def _start(seat: Seat) -> None:
    await seat.at.press("g")
    await seat.at.until(lambda: seat.at.app.pending)
    await seat.at.press("g")
    await seat.at.until(lambda: "word5 " in seat.at.screen())


async def test_an_engine_that_is_killed_in_mid_stream_leaves_the_text_and_the_three_ways_out(tmp_path: Path) -> None:
    async with room(tmp_path) as book, book.seat("ana", page="1/2") as ana:
        states: list[tuple[LinkState, str]] = []
        inner = ana.at.app.session.linked

        def seen(state: LinkState, words: str) -> None:
            inner(state, words)
            states.append((state, ana.header))

        ana.at.app.session.linked = seen
        _drafting(book)
        await _start(ana)
        kill_engine(book.root)
        await ana.at.until(lambda: states)
        assert states[0][0] is LinkState.RECONNECTING
        assert "reconnecting" in states[0][1]
        assert "word5 " in ana.at.screen()
        await ana.at.until(lambda: (page := ana.at.app.session.page) and page.phase == "interrupted")
        await ana.at.until(lambda: "C continue" in ana.at.screen())
        assert "word5 " in ana.at.screen()
        assert "reconnecting" not in ana.header
        assert not ana.at.message
        await ana.at.press("w")
        await ana.at.until(lambda: (page := ana.at.app.session.page) and page.phase == "user_reviewing")


async def test_a_key_pressed_while_the_engine_is_away_is_answered_at_once_and_the_words_are_kept_after(
    tmp_path: Path,
) -> None:
    async with room(tmp_path) as book, book.seat("ana") as ana:
        session = ana.at.app.session
        await ana.at.press("r")
        session._on_state(LinkState.RECONNECTING, "lost")
        await ana.at.type("colder")
        await ana.at.press("ctrl+s")
        await ana.at.until(lambda: "connection to the engine is lost" in ana.at.screen())
        assert ana.at.app.workbench.drawer is not None
        await ana.at.until(lambda: "not kept" in ana.at.screen())
        session._on_state(LinkState.CONNECTED, "found")
        await ana.at.until(lambda: "not kept" not in ana.at.screen())
        kept = (await ana.client.query(q.GetPage(page=book.pages[0]))).kept
        assert [one.text for one in kept] == ["colder"]
        await ana.at.press("escape")
        await ana.at.until(lambda: ana.at.app.workbench.drawer is None)
        session._on_state(LinkState.RECONNECTING, "lost")
        await ana.at.press("]")
        assert "connection to the engine is lost" in ana.at.message
        await ana.at.press("j")
        assert "Teodor Caul" in ana.at.screen()


async def test_words_that_no_engine_can_keep_go_to_a_file_that_the_next_start_offers(tmp_path: Path) -> None:
    async with room(tmp_path) as book:
        async with book.seat("ana") as ana:
            await ana.at.press("r")
            ana.at.app.session._on_state(LinkState.RECONNECTING, "lost")
            await ana.at.type("colder")
            await ana.at.press("ctrl+q")
            await ana.at.until(lambda: not ana.at.app.is_running)
        assert [one.text for one in edits.leftovers(book.root)] == ["colder"]
        async with book.seat("ana") as again:
            await again.at.until(lambda: again.at.app.pending)
            await again.at.press("enter")
            await again.at.until(lambda: "colder" in again.at.screen())
            await again.at.until(lambda: not edits.leftovers(book.root))


async def test_words_of_a_project_that_was_moved_away_go_to_the_persons_own_folder_and_leaving_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDIO_STATE_HOME", str(tmp_path / "own"))
    async with room(tmp_path) as book:
        async with book.seat("ana") as ana:
            await ana.at.press("r")
            moved = book.root.rename(book.root.with_name("moved book"))
            await gone(moved)
            await ana.at.until(lambda: ana.at.app.session.link is LinkState.FAILED)
            await ana.at.type("colder")
            await ana.at.press("ctrl+q")
            await ana.at.until(lambda: not ana.at.app.is_running)
        (file,) = (tmp_path / "own" / "words").iterdir()
        assert file.read_text() == "colder\n"
        assert ana.at.app.parting == f"Your words could not be kept in the project; they are in {file}."
        assert not book.root.exists()


async def test_an_engine_that_does_not_answer_is_said_and_its_return_too(tmp_path: Path) -> None:
    async with room(tmp_path) as book, book.seat("ana") as ana:
        pid = engine_pid(book.root)
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            await ana.at.until(lambda: "does not answer" in ana.at.message, 20)
            assert "does not answer" in ana.header
            await ana.at.press("a")
            await ana.at.until(lambda: "engine kill" in ana.at.message)
        finally:
            os.kill(pid, signal.SIGCONT)
        await ana.at.until(lambda: "does not answer" not in ana.header)
        assert not (await book.page()).cells[0].approved


async def test_leaving_lets_the_draft_go_on_and_says_so(tmp_path: Path) -> None:
    async with room(tmp_path) as book:
        whole = _drafting(book)
        async with book.seat("ana", page="1/2") as ana:
            await _start(ana)
            await ana.at.press("q")
            await ana.at.until(lambda: not ana.at.app.is_running)
            said = ana.at.app._exit_renderables
            assert said == ["The draft of 1/2 goes on; studio shows it again."]
        async with book.seat("ana") as again:
            page = again.at.app.session.page
            assert page is not None
            assert page.id == book.pages[1]
            live = again.at.app.session.live_on(page.id)
            assert live is not None
            assert whole.startswith(live.text)
            await again.at.until(lambda: (page := again.at.app.session.page) and page.phase == "user_reviewing")
            head = next(cell.head for cell in (await book.page(1)).cells if cell.head)
            assert head.text.strip() == whole.strip()


async def test_the_next_start_opens_at_the_same_page_paragraph_and_scroll_with_the_words_unsent(tmp_path: Path) -> None:
    async with room(tmp_path) as book:
        await book.client.execute(c.Deliver(page="1/2", stage="narration", text=LONG))
        async with book.seat("ana") as ana:
            await ana.at.press("]")
            await ana.at.press(*["space"] * 3, "j", "r")
            await ana.at.type("colder")
            view = ana.at.app.workbench.page_view
            await ana.at.press("escape", "j", "ctrl+q")
            cursor, top = view.cursor, view.top
            await ana.at.until(lambda: not ana.at.app.is_running)
        assert top > 20
        async with book.seat("ben") as ben:
            assert ben.at.app.session.page is not None
            assert ben.at.app.session.page.id == book.pages[0]
        async with book.seat("ana") as again:
            view = again.at.app.workbench.page_view
            assert again.at.app.session.page is not None
            assert again.at.app.session.page.id == book.pages[1]
            assert (view.cursor, view.top) == (cursor, top)
            await again.at.until(
                lambda: "Your feedback on the narration is kept, unsent; r opens it." in again.at.message
            )
            await again.at.press("r")
            await again.at.until(lambda: "colder" in again.at.screen())
        async with book.seat("ana", size=(80, 24)) as narrow:
            assert narrow.at.app.workbench.page_view.cursor == cursor
            assert narrow.at.app.workbench.page_view.sees(cursor)


async def test_moving_keeps_the_place_without_leaving_and_standing_still_sends_nothing() -> None:
    engine = ferry()
    async with bench(engine) as at:
        await at.press("]", "[", "j", "j")
        await at.until(lambda: engine.place.paragraph == 1)
        assert engine.place.stage == "narration"
        kept = engine.place
        at.app.workbench.place.moved()
        await at.app.workbench.place.flush()
        assert engine.place is kept


async def test_an_engine_in_this_process_asks_before_a_draft_is_stopped() -> None:
    engine = ferry()
    engine.script.rate = 2
    async with bench(engine) as at:
        await at.press("]", "g")
        await at.until(lambda: at.app.pending)
        await at.press("g")
        await at.until(lambda: at.app.session.running)
        await at.press("q")
        assert "Leaving stops it" in at.message


async def test_only_looking_shows_no_key_that_changes_and_refuses_it_with_a_word() -> None:
    engine = ferry()
    async with bench(engine, options=WorkbenchOptions(view=True)) as at:
        assert "view only" in at.screen()
        footer = at.app.workbench.footer.lines[-1].text
        for label in ("approve", "revise", "edit", "generate", "new page", "brief"):
            assert label not in footer
        assert "history" in footer
        for key in ("a", "r", "i", "e", "g", "b", "c", "u", "o", "O", "J", "D", "f2"):
            await at.press(key)
            assert "only looks" in at.message, key
        assert at.app.workbench.drawer is None
        await at.press("H")
        await at.pilot.pause()
        await at.press("down", "R")
        assert "only looks" in at.message
        await at.press("escape", "]")
        assert engine.commands == []


async def test_a_view_over_an_engine_process_follows_and_is_seen(tmp_path: Path) -> None:
    async with room(tmp_path) as book, book.seat("ana") as ana, book.seat("guest", view=True) as guest:
        await ana.at.until(lambda: "▹ guest" in ana.header)
        await ana.at.press("a")
        await guest.at.until(lambda: (page := guest.at.app.session.page) and page.cells[0].approved)
        assert "view only" in guest.header


async def test_a_dropped_line_ends_the_terminal_and_the_next_login_finds_draft_place_and_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room(tmp_path) as book:
        for name, value in book.env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("STUDIO_UI_AUTHOR", "ana")
        command = [sys.executable, "-m", "studio.cli.main", "-C", str(book.root)]
        whole = _drafting(book, 200)

        def first_login() -> int:
            program = PtyProgram(command)
            program.wait_for("Which ring?", 60)
            program.settle(0.5)
            program.type("r")
            program.wait_for("What should change", 30)
            program.type("colder, wetter")
            program.wait_for("wetter", 30)
            program.type("\x1b")
            program.wait_for("is kept", 30)
            program.type("]")
            program.wait_for("shows the price", 30)
            program.type("g")
            program.wait_for("enter go", 30)
            program.type("g")
            program.wait_for("word7", 30)
            os.close(program._master)
            return program.process.wait(30)

        def second_login() -> None:
            program = PtyProgram(command)
            program.wait_for("word9", 60)
            program.type("[")
            program.wait_for("Which ring?", 30)
            program.type("r")
            program.wait_for("colder, wetter", 30)
            program.type("\x11")
            program.process.wait(30)

        assert await asyncio.to_thread(first_login) == 129
        page = await book.page(1)
        assert page.phase == "generating"
        await asyncio.to_thread(second_login)
        async with asyncio.timeout(30):
            while (page := await book.page(1)).phase == "generating":
                await asyncio.sleep(0.05)
        assert page.phase == "user_reviewing"
        head = page.cells[0].head
        assert head is not None
        assert head.text.strip() == whole.strip()
