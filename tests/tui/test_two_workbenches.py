"""Two workbenches on one book over an engine process: who is here, changes at once, and the second to decide."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol import views as v
from tests.fakes.wire_script import Step
from tests.tui.shared import TEXT, Room, Seat, room

OTHER = TEXT.replace("grey gloves", "white gloves")


async def test_each_sees_who_else_is_here_on_which_page_and_that_they_left(tmp_path: Path) -> None:
    async with room(tmp_path) as book, book.seat("ana") as ana:
        assert "▹" not in ana.at.screen()
        async with book.seat("ben", page="1/2") as ben:
            await ana.at.until(lambda: "▹ ben 1/2" in ana.header)
            await ben.at.until(lambda: "▹ ana 1/1" in ben.header)
            rows = [row.text for row in ana.at.app.workbench.outline.lines]
            assert [row for row in rows if "▹" in row] == [row for row in rows if "2 The green" in row] != []
            await ben.at.press("[")
            await ana.at.until(lambda: "▹ ben 1/1" in ana.header)
            await ben.at.press("q")
            await ben.at.until(lambda: not ben.at.app.is_running)
        await ana.at.until(lambda: "▹" not in ana.at.screen())


async def test_a_change_is_on_the_other_screen_at_once_and_says_whose_it_was(tmp_path: Path) -> None:
    async with room(tmp_path) as book, book.seat("ana") as ana, book.seat("ben") as ben:
        await ana.at.press("i")
        await ana.at.type("Fog ")
        await ana.at.press("ctrl+s")
        await ben.at.until(lambda: "Fog Teodor" in ben.at.screen())
        await ben.at.until(lambda: ben.at.message)
        assert ben.at.message == "ana edited the narration of this page."
        await ben.at.press("a")
        await ana.at.until(lambda: (page := ana.at.app.session.page) and page.cells[0].approved)
        await ana.at.until(lambda: "ben approved the narration of this page." in ana.at.message)


async def test_both_see_one_draft_as_it_is_written(tmp_path: Path) -> None:
    async with room(tmp_path) as book, book.seat("ana", page="1/2") as ana, book.seat("ben", page="1/2") as ben:
        book.server.play(Step(deltas=tuple(f"word{n} " for n in range(60)), delta_delay=0.02))
        await ana.at.press("g")
        await ana.at.until(lambda: ana.at.app.pending)
        await ana.at.press("g")
        await ben.at.until(lambda: "word10 " in ben.at.screen())
        await ben.at.press("s")
        await ana.at.until(lambda: (page := ana.at.app.session.page) and page.phase == "interrupted")
        assert "word10 " in ana.at.screen()


async def test_the_price_asked_before_another_terminal_drafted_is_withdrawn_and_buys_nothing(tmp_path: Path) -> None:
    async with room(tmp_path) as book, book.seat("ana", page="1/2") as one, book.seat("ana", page="1/2") as other:
        for seat in (one, other):
            await seat.at.press("g")
            await seat.at.until(lambda seat=seat: seat.at.app.pending)
        await one.at.press("enter")
        await other.at.until(lambda: other.at.app.pending is None)
        assert other.at.message == "The page has changed since this was asked; nothing was begun. g asks again."
        await other.at.until(lambda: (page := other.at.app.session.page) and page.phase == "user_reviewing")
        await other.at.press("enter")
        await other.at.pilot.pause(0.3)
        page = await book.page(1)
        assert (page.cells[0].revisions, page.phase) == (1, "user_reviewing")


# The second to decide: the first one's change is on its way while the key is pressed


def _hold_back(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    """What others change does not reach this screen from now on."""
    session = seat.at.app.session
    monkeypatch.setattr(session, "refresh", lambda: None)
    monkeypatch.setattr(session, "_hear", lambda event: None)


async def _change(book: Room, text: str = OTHER) -> None:
    await book.client.execute(c.Edit(page=book.pages[0], stage="narration", text=text))


async def _narration(book: Room) -> v.StageCell:
    return (await book.page()).cells[0]


async def test_the_second_to_approve_sees_the_difference_and_nothing_is_approved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room(tmp_path) as book, book.seat("ana") as ana:
        _hold_back(ana, monkeypatch)
        await _change(book)
        await ana.at.press("a")
        await ana.at.until(lambda: "Nothing was approved" in ana.at.message)
        await ana.at.until(lambda: "white" in ana.at.screen())
        assert "grey" in ana.at.screen()
        assert (await _narration(book)).approved is None
        monkeypatch.undo()
        ana.at.app.session.refresh()
        await ana.at.press("escape")
        await ana.at.until(lambda: "white gloves" in ana.at.screen())
        await ana.at.press("a")
        await ana.at.until(lambda: (page := ana.at.app.session.page) and page.cells[0].approved)
        head = (await _narration(book)).head
        assert head is not None
        assert head.text == OTHER


@pytest.mark.parametrize(("key", "place"), [("r", "feedback:narration"), ("i", "edit:narration"), ("b", "brief")])
async def test_the_second_to_send_words_keeps_them_and_sees_the_difference(
    tmp_path: Path, key: str, place: str
) -> None:
    async with room(tmp_path) as book, book.seat("ana") as ana:
        await ana.at.press(key)
        await ana.at.type("colder ")
        if key == "b":
            await book.client.execute(c.SetBrief(page=book.pages[0], text="Ilse counts white gloves."))
        else:
            await _change(book)
        await ana.at.press("ctrl+s")
        await ana.at.until(lambda: "changed since you looked" in ana.at.screen())
        assert "white" in ana.at.screen()
        kept = {one.place: one.text for one in (await ana.client.query(q.GetPage(page=book.pages[0]))).kept}
        assert "colder" in kept[place]
        book.server.play(Step(text="Fog."))
        await ana.at.press("ctrl+s")
        await ana.at.until(lambda: ana.at.app.workbench.drawer is None)
        history = await book.client.query(q.GetHistory(page=book.pages[0]))
        texts = [one.text for one in history.revisions] + [one.text for one in history.feedback]
        assert any("white gloves" in text for text in texts)
        assert any("colder" in text for text in texts)


async def test_the_second_to_write_the_first_brief_sees_the_one_that_came_before(tmp_path: Path) -> None:
    async with room(tmp_path) as book, book.seat("ana") as ana:
        done = await book.client.execute(c.AddPage(chapter="1", title="Late"))
        await ana.at.app.session.open_page(done.page or "")
        await ana.at.press("b")
        await ana.at.type("colder ")
        await book.client.execute(c.SetBrief(page=done.page or "", text="White gloves."))
        await ana.at.until(lambda: (page := ana.at.app.session.page) and page.brief)
        await ana.at.press("ctrl+s")
        await ana.at.until(lambda: "was written here meanwhile" in ana.at.screen())
        assert "White gloves." in ana.at.screen()
        await ana.at.press("ctrl+s")
        await ana.at.until(lambda: ana.at.app.workbench.drawer is None)
        history = await book.client.query(q.GetHistory(page=done.page or "", stage="brief"))
        assert [one.text for one in history.revisions] == ["colder", "White gloves."]


async def test_the_second_to_restore_sees_the_difference_and_nothing_is_restored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room(tmp_path) as book:
        await _change(book, "Fog lay on the Throat.")
        async with book.seat("ana") as ana:
            await ana.at.press("H")
            await ana.at.until(lambda: ana.at.app.can("change.next") and "r1" in ana.at.screen())
            await ana.at.press("down")
            _hold_back(ana, monkeypatch)
            await _change(book)
            await ana.at.press("R")
            await ana.at.until(lambda: "Nothing was restored" in ana.at.message)
            assert "white" in ana.at.screen()
            assert (await _narration(book)).revisions == 3
            monkeypatch.undo()
            await ana.at.press("down", "down", "R")
            await ana.at.until(lambda: "restored as revision" in ana.at.message)
            head = (await _narration(book)).head
            assert head is not None
            assert head.text == TEXT


async def test_an_open_history_takes_in_what_others_write(tmp_path: Path) -> None:
    async with room(tmp_path) as book, book.seat("ana") as ana:
        await ana.at.press("H")
        await ana.at.until(lambda: "r1" in ana.at.screen())
        await _change(book)
        await ana.at.until(lambda: "r2" in ana.at.screen())


# What one person types in two terminals at once


async def test_words_that_another_terminal_of_the_same_person_kept_are_not_written_over(tmp_path: Path) -> None:
    async with room(tmp_path) as book, book.seat("ana") as one, book.seat("ana") as other:
        for seat, text in ((one, "AAA of the first. "), (other, "BBB of the second. ")):
            await seat.at.press("b")
            await seat.at.type(text)
            await seat.at.pilot.pause(0.5)
        await other.at.type("More of it.")
        await one.at.type("More here.")
        for seat in (one, other):
            await seat.at.press("escape")
            await seat.at.until(lambda seat=seat: seat.at.message)
        kept = [found.text for found in (await one.at.app.session.query(q.GetPage(page=book.pages[0]))).kept]
        (kept_words,), (file,) = kept, list((book.root / ".studio/edits").iterdir())
        assert "AAA of the first. More here." in kept_words
        assert "BBB of the second. More of it." in file.read_text()
        assert one.at.message == "Your words for the brief are kept; b opens them."
        assert other.at.message == (
            f"Another terminal of yours keeps other words here; these are in .studio/edits/{file.name}, "
            "and the next start offers them."
        )
