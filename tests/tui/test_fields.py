"""Text fields: they can be drawn while they go."""

from __future__ import annotations

import pytest
from textual import events
from textual.geometry import Region, Size
from textual.widget import Widget

from studio.tui.screens.pick import Query
from studio.tui.widgets.prompt_line import Answer
from studio.tui.widgets.words import Words
from tests.fakes.fake_engine import ferry
from tests.tui.bench import bench


@pytest.mark.parametrize("make", [lambda: Words("Fog.", ""), lambda: Query("", "Fog."), lambda: Answer("Fog.")])
async def test_a_field_that_was_removed_can_still_be_drawn(make: type[Widget]) -> None:
    async with bench(ferry()) as at:
        field = make()
        await at.app.workbench.open_drawer(field, focus=field)
        await at.pilot.pause()
        await field.remove()
        field._rich_style_cache.clear()
        field._size = field._container_size = Size(40, 1)
        assert len(field.render_lines(Region(0, 0, 40, 1))) == 1
        assert field.render_line(0).text.strip().startswith("F")


async def test_a_title_that_is_pasted_keeps_all_its_lines_as_one_and_an_empty_one_changes_nothing() -> None:
    async with bench(ferry()) as at:
        await at.press("f2")
        line = at.app.focused
        assert isinstance(line, Answer)
        line.value = ""
        line.post_message(events.Paste("Fog\n over\tthe\nWend\x1b[31m"))
        await at.until(lambda: line.value == "Fog over the Wend[31m")
        line.value = " "
        await at.press("enter")
        assert at.message.startswith("A title is needed")
