"""The heads of cells: their state is whole at every width."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.tui.glyphs import UNICODE
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
