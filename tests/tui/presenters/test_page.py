"""The heads of cells: their state is whole at every width."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.protocol.views import PartialText
from studio.tui.glyphs import ASCII, UNICODE
from studio.tui.presenters.inspector import context_lines
from studio.tui.presenters.outline import Look as OutlineLook
from studio.tui.presenters.outline import outline_lines
from studio.tui.presenters.page import Look, page_picture
from tests.fakes.fake_engine import FakeEngine


@pytest.mark.parametrize("width", range(30, 73))
async def test_the_state_of_a_cell_is_never_cut(width: int) -> None:
    engine = FakeEngine()
    page = engine.page(engine.chapter("The Toll"), "Ilse counts", "A brief.", "Fog lay on the Throat.")
    head = engine.pages[0].revisions["narration"][-1]
    for number in range(12):
        await engine.execute(c.Comment(revision=head.id, text=f"Note {number}."))
    view = await engine.query(q.GetPage(page=page))
    picture = page_picture(view, None, Look(width, UNICODE, {"narration"}, {}, datetime.now(UTC)))
    row = next(row for row in picture.lines if "NARRATION" in row.text)
    assert "● waits for you" in row.text
    assert "…" not in row.text
    assert row.width <= width


async def _broken(partial: str) -> list[str]:
    """The rows of a page with a narration whose revision broke off after `partial`."""
    engine = FakeEngine()
    page = engine.page(engine.chapter("The Toll"), "Ilse counts", "A brief.", "Fog lay on the Throat.")
    view = await engine.query(q.GetPage(page=page))
    told = PartialText(
        run="x", stage="narration", text=partial, status="stopped", error="", hint="", model="fake:quill"
    )
    cell = replace(view.cells[0], status="interrupted", partial=told)
    keys = {"generate": "g", "resume.discard": "X", "resume.keep": "w", "resume.continue": "C", "history": "H"}
    picture = page_picture(
        replace(view, cells=(cell, *view.cells[1:])), None, Look(72, UNICODE, set(), keys, datetime.now(UTC))
    )
    return [row.text for row in picture.lines]


async def test_the_head_of_a_draft_that_was_stopped_counts_its_own_words_and_the_kept_revision_is_named() -> None:
    rows = await _broken("The rain came.")
    head = next(row for row in rows if "NARRATION" in row)
    assert "stopped" in head
    assert "r1" not in head
    assert head.endswith("quill · 3 words")
    assert "r1 is kept as it was: H shows it." in rows
    assert not any("Fog lay" in row for row in rows)


async def test_a_draft_that_broke_off_without_a_word_leaves_the_revision_and_its_head() -> None:
    rows = await _broken("")
    head = next(row for row in rows if "NARRATION" in row)
    assert "r1  ! stopped" in head
    assert "5 words" in head
    assert any("X goes back to r1." in row for row in rows)
    assert any("Fog lay" in row for row in rows)


async def test_a_text_that_was_written_for_an_earlier_one_says_so_below_it_with_what_can_be_done() -> None:
    engine = FakeEngine()
    page = engine.page(engine.chapter("The Toll"), "Ilse counts", "A brief.", "Fog lay on the Throat.")
    view = replace(await engine.query(q.GetPage(page=page)), stage="dialogue")
    keys = {"approve": "a", "revise": "r", "edit": "i", "reopen": "u"}

    def rows(status: str = "waiting", outdated: tuple[str, ...] = ("narration",)) -> list[str]:
        cell = replace(view.cells[1], status=status, head=view.cells[0].head, outdated=outdated)
        shown = replace(view, cells=(view.cells[0], cell))
        return [row.text for row in page_picture(shown, None, Look(60, UNICODE, set(), keys, datetime.now(UTC))).lines]

    found = rows()
    at = found.index("~ Written for an earlier narration.")
    assert found[at + 1] == "a approves it as it is, r revises it."
    assert found[at - 2] == "Fog lay on the Throat."
    assert any("DIALOGUE  r1 · ● waits for you · ~ earlier narration" in row for row in found)
    assert "i edits it." in rows(status="approved")
    assert not any("~" in row for row in rows(outdated=()))


async def test_a_text_that_was_cut_off_says_so_in_its_head_too() -> None:
    engine = FakeEngine()
    page = engine.page(engine.chapter("The Toll"), "Ilse counts", "A brief.", "Fog lay on the Throat.")
    view = await engine.query(q.GetPage(page=page))
    assert view.cells[0].head is not None

    def head(outcome: str, width: int = 72) -> str:
        assert view.cells[0].head is not None
        cell = replace(view.cells[0], head=replace(view.cells[0].head, outcome=outcome))
        shown = replace(view, cells=(cell, *view.cells[1:]))
        picture = page_picture(shown, None, Look(width, UNICODE, {"narration"}, {}, datetime.now(UTC)))
        return next(row.text for row in picture.lines if "NARRATION" in row.text)

    assert "● waits for you · cut off" in head("cut_off")
    assert "cut off" not in head("complete")
    assert "● waits for you" in head("cut_off", 30)
    assert "…" not in head("cut_off", 30)


async def test_the_outline_marks_a_page_whose_later_text_was_written_for_an_earlier_one() -> None:
    engine = FakeEngine()
    page = engine.page(engine.chapter("The Toll"), "Ilse counts", "A brief.", "Fog lay on the Throat.")
    project = await engine.query(q.GetProject())
    (chapter,) = project.chapters
    (row,) = chapter.pages
    marked = replace(project, chapters=(replace(chapter, pages=(replace(row, outdated=("dialogue",)),)),))

    def drawn(what: v.ProjectView, here: str | None) -> str:
        return outline_lines(what, OutlineLook(here, set(), set(), 30, UNICODE, "o", "O"))[1].text

    assert drawn(marked, None).startswith("~ ●")
    assert drawn(project, None).startswith("  ●")
    assert drawn(marked, page).startswith("▸ ●")


async def test_a_title_that_is_wider_than_the_page_is_cut_with_a_sign() -> None:
    engine = FakeEngine()
    page = engine.page(engine.chapter("The Toll"), "x" * 3000, "A brief.")
    view = await engine.query(q.GetPage(page=page))
    title = page_picture(view, None, Look(72, UNICODE, set(), {}, datetime.now(UTC))).lines[0]
    assert title.width == 72
    assert title.text.endswith("…")


async def test_the_sign_of_a_folded_cell_is_not_that_of_the_open_page() -> None:
    assert UNICODE.folded != UNICODE.here
    assert ASCII.folded != ASCII.here


async def test_a_context_over_its_budget_is_a_warning() -> None:
    engine = FakeEngine()
    page = engine.page(engine.chapter("The Toll"), "Ilse counts", "A brief.")
    view = await engine.query(q.GetContext(page=page))
    over = context_lines(replace(view, tokens=82_100), 42, UNICODE)
    assert any("! 82.1k of 24.0k" in row.text for row in over)
    assert any("58.1k tokens over the budget" in row.text for row in over)
    assert not any("budget:" in row.text for row in context_lines(view, 42, UNICODE))
