"""What is counted as open is the same everywhere: notes for the next revision, and requests whose revision never came."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec.structs import replace

from studio.cli.outline import page_card
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.tui.glyphs import UNICODE
from studio.tui.presenters.inspector import costs_lines, notes_lines
from studio.tui.presenters.page import Look, page_picture
from tests.fakes.fake_engine import FakeEngine


async def test_the_page_the_inspector_and_the_card_count_open_notes_and_requests_alike() -> None:
    engine = FakeEngine()
    page = engine.page(engine.chapter("The Toll"), "Ilse counts", "A brief.", "Fog lay on the Throat.")
    head = engine.pages[0].revisions["narration"][-1]
    for number in range(4):
        await engine.execute(c.Comment(revision=head.id, text=f"Note {number}."))
    view = await engine.query(q.GetPage(page=page))
    used, dismissed, request, note = view.cells[0].notes
    notes = (replace(used, used=True), replace(dismissed, resolved=True), replace(request, kind="revise"), note)
    view = replace(view, cells=(replace(view.cells[0], notes=notes), *view.cells[1:]))

    said = "1 open note and 1 open request"
    picture = page_picture(view, None, Look(100, UNICODE, set(), {}, datetime.now(UTC)))
    assert said in next(row.text for row in picture.lines if "NARRATION" in row.text)
    rows = [row.text for row in notes_lines(view, 40, UNICODE)]
    assert rows[0] == said
    assert sum("narration r1 request" in row for row in rows) == 1
    card = list(page_card(view, await engine.query(q.GetProject())))
    assert said in next(row for row in card if row.startswith("Narration"))


async def test_without_an_open_note_the_page_counts_none_and_the_inspector_says_so() -> None:
    engine = FakeEngine()
    page = engine.page(engine.chapter("The Toll"), "Ilse counts", "A brief.", "Fog lay on the Throat.")
    head = engine.pages[0].revisions["narration"][-1]
    await engine.execute(c.Comment(revision=head.id, text="No moths."))
    view = await engine.query(q.GetPage(page=page))
    notes = (replace(view.cells[0].notes[0], used=True),)
    view = replace(view, cells=(replace(view.cells[0], notes=notes), *view.cells[1:]))
    picture = page_picture(view, None, Look(72, UNICODE, set(), {}, datetime.now(UTC)))
    assert "note" not in next(row.text for row in picture.lines if "NARRATION" in row.text)
    assert notes_lines(view, 30, UNICODE)[0].text == "no open note"
    card = list(page_card(view, await engine.query(q.GetProject())))
    assert "note" not in next(row for row in card if row.startswith("Narration"))


async def test_one_call_is_one_call() -> None:
    costs = await FakeEngine().query(q.GetCosts())
    for calls, said in ((1, "1 call for this page"), (2, "2 calls for this page")):
        shown = costs_lines(replace(costs, total=replace(costs.total, calls=calls)), None, None, 40)
        assert any(row.text.startswith(said) for row in shown)
