"""The inspector's notes: keys act on the note under the cursor, and never on the page behind it."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.protocol import commands as c
from studio.protocol import views as v
from studio.tui.actions.composing import open_composer
from tests.tui.desk import Desk, desk

SIZES = [(100, 32), (140, 40), (60, 20)]


async def _noted(at: Desk, *texts: str) -> None:
    """Notes on the draft, the notes' tab open and the focus in it."""
    for text in texts:
        head = (await at.view()).cells[0].head
        assert head is not None
        await at.client.execute(c.Comment(revision=head.id, text=text))
    await at.until(lambda: at.app.session.page and len(at.app.session.page.cells[0].notes) == len(texts))
    await at.pilot.press("2")
    at.app.workbench.to_pane(at.app.workbench.inspector)
    await at.pilot.pause()


async def _states(at: Desk) -> list[tuple[str, str]]:
    return [(note.text, note.state) for note in (await at.view()).cells[0].notes]


def _under_cursor(at: Desk) -> v.FeedbackView | None:
    return at.app.workbench.inspector.note()


@pytest.mark.parametrize("size", SIZES)
async def test_a_note_is_dismissed_and_comes_back_and_the_page_stays(tmp_path: Path, size: tuple[int, int]) -> None:
    async with desk(tmp_path, size=size) as at:
        await _noted(at, "No moths.", "No owls.")
        await at.pilot.press("j", "D")
        await at.until(lambda: at.app.message is not None)
        assert await _states(at) == [("No moths.", "open"), ("No owls.", "dismissed")]
        assert at.app.message is not None
        assert "u takes that back" in at.app.message.text
        await at.until(lambda: (note := _under_cursor(at)) is not None and note.state == "dismissed")
        await at.pilot.press("D")
        await at.pilot.pause()
        assert "This note is dismissed" in at.app.message.text
        assert not (await at.view()).archived
        await at.pilot.press("u")
        await at.until(lambda: (note := _under_cursor(at)) is not None and note.state == "open")
        assert await _states(at) == [("No moths.", "open"), ("No owls.", "open")]


@pytest.mark.parametrize("size", SIZES)
async def test_a_notes_words_are_changed_in_the_composer_and_the_focus_comes_back(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with desk(tmp_path, size=size) as at:
        await _noted(at, "No moths.")
        await at.pilot.press("e")
        composer = open_composer(at.app)
        assert composer is not None
        assert composer.text == "No moths."
        await at.type(" At all.")
        await at.pilot.press("escape")
        await at.until(lambda: open_composer(at.app) is None)
        assert at.app.message is not None
        assert "e on that note opens it" in at.app.message.text
        await at.until(lambda: at.app.session.page and at.app.session.page.kept)
        await at.pilot.press("i")
        await at.pilot.press("ctrl+s")
        await at.until(lambda: open_composer(at.app) is None)
        assert await _states(at) == [("No moths. At all.", "open")]
        assert (await at.view()).kept == ()
        assert at.app.focused is at.app.workbench.inspector


async def test_without_a_note_the_keys_say_so_and_touch_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.client.execute(c.Approve(page="1/1", draft=False))
        await at.until(lambda: at.app.session.page and at.app.session.page.cells[0].approved)
        await _noted(at)
        for key in ("D", "u", "e", "i"):
            await at.pilot.press(key)
            await at.pilot.pause()
            assert at.app.message is not None
            assert at.app.message.text == "There are no notes here."
        page = await at.view()
        assert (page.archived, page.cells[0].approved is not None) == (False, True)


async def test_a_note_that_a_draft_was_given_stays(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.client.execute(c.Revise(page="1/1", feedback="Colder.", generate=False))
        await at.client.execute(c.Deliver(page="1/1", stage="narration", text="Colder."))
        await at.until(lambda: at.app.session.page and at.app.session.page.cells[0].revisions == 2)
        await at.pilot.press("2")
        at.app.workbench.to_pane(at.app.workbench.inspector)
        await at.pilot.press("D")
        await at.pilot.pause()
        assert at.app.message is not None
        assert "what a revision was asked for" in at.app.message.text


async def test_the_tabs_stay_in_sight_while_all_of_the_notes_and_of_the_history_fit(tmp_path: Path) -> None:
    async with desk(tmp_path, size=(160, 48)) as at:
        inspector = at.app.workbench.inspector
        await _noted(at, "No moths.", "No owls.")
        await at.pilot.press("j", "k", "D")
        await at.until(lambda: "1 open note" in inspector.lines[2].text, 5)
        await at.pilot.press("escape", "c")
        await at.type("No bats.")
        await at.pilot.press("ctrl+s")
        await at.until(lambda: any("No bats" in line.text for line in inspector.lines), 5)
        await at.pilot.pause()
        assert inspector.top == 0
        await at.pilot.press("3", "tab")
        await at.until(lambda: inspector.stops, 5)
        await at.pilot.press("j", "j", "i")
        await at.until(lambda: open_composer(at.app), 5)
        await at.type("Fog. ")
        await at.pilot.press("ctrl+s")
        await at.until(lambda: any("r2" in line.text for line in inspector.lines), 5)
        await at.pilot.pause()
        assert inspector.top == 0


async def test_elsewhere_the_same_key_is_for_the_page(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await _noted(at, "No moths.")
        await at.pilot.press("1", "D")
        await at.until(lambda: at.app.session.page and at.app.session.page.archived)
        assert (await at.view()).cells[0].notes[0].state == "open"


async def test_the_footer_is_about_the_note_under_the_cursor(tmp_path: Path) -> None:
    async with desk(tmp_path, size=(140, 40)) as at:
        await _noted(at, "No moths.", "No owls.")
        await at.pilot.press("j", "D")
        await at.until(lambda: (note := _under_cursor(at)) is not None and note.state == "dismissed")

        def footer() -> str:
            return "\n".join(line.text for line in at.app.workbench.footer.lines)

        await at.pilot.press("k")
        await at.until(lambda: (note := _under_cursor(at)) is not None and note.state == "open")
        await at.until(lambda: "D dismiss" in footer())
        await at.pilot.press("j")
        await at.until(lambda: (note := _under_cursor(at)) is not None and note.state == "dismissed")
        await at.until(lambda: "D dismiss" not in footer())


async def test_another_draft_from_the_start_says_that_the_open_notes_stay_behind(tmp_path: Path) -> None:
    async with desk(tmp_path, size=(140, 40)) as at:
        await _noted(at, "No moths.", "No owls.")
        inspector = at.app.workbench.inspector
        inspector.open_tab("context")
        await at.until(lambda: any(row.text.startswith("revise narration ") for row in inspector.lines))
        at.app.workbench.to_pane(at.app.workbench.page_view)
        await at.pilot.press("g")
        await at.until(lambda: at.app.message is not None and "again" in at.app.message.text)
        assert at.app.message is not None
        assert "again, from the start, without 2 open notes (r sends them)" in at.app.message.text
