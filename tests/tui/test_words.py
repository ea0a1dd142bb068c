"""The composer's text field: every character of a text is on the screen, in each frame and at each width."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.geometry import Region

from studio.tui.actions.composing import open_composer
from studio.tui.widgets.words import Words
from tests.tui.desk import desk

LONG = "\n\n".join(" ".join(f"p{paragraph}w{number}" for number in range(30 + paragraph)) for paragraph in range(9))


def painted(words: Words) -> str:
    """All lines of the field as they are drawn, one after the other; scrolled through from top to end."""
    width, height = words.outer_size
    rows: list[str] = []
    for top in range(words.wrapped_document.height):
        words.scroll_to(y=top, animate=False, immediate=True)
        drawn = words.render_lines(Region(0, 0, width, height))
        rows.append(drawn[top - words.scroll_offset.y].crop(0, width).text)
    return "".join(rows)


def bare(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
@pytest.mark.parametrize("paragraphs", [1, 9])
async def test_every_character_of_a_text_is_painted_from_the_first_frame_on(
    tmp_path: Path, size: tuple[int, int], paragraphs: int
) -> None:
    text = "\n\n".join(LONG.split("\n\n")[:paragraphs])
    async with desk(tmp_path, size=size, text=text) as at:
        await at.pilot.press("i")
        composer = open_composer(at.app)
        assert composer is not None
        assert bare(painted(composer.words)) == bare(text)
        before = [list(sections) for sections in composer.words.wrapped_document.lines]
        await at.pilot.press("ctrl+home", "x", "backspace")
        assert composer.words.wrapped_document.lines == before


async def test_a_field_that_was_broken_for_another_width_is_drawn_for_its_own(tmp_path: Path) -> None:
    async with desk(tmp_path, size=(80, 24), text=LONG) as at:
        await at.pilot.press("i")
        composer = open_composer(at.app)
        assert composer is not None
        words = composer.words
        words.wrapped_document.wrap(200)
        await at.pilot.resize_terminal(70, 24)
        await at.pilot.pause()
        assert bare(painted(words)) == bare(LONG)


async def test_the_field_keeps_to_its_own_size_when_the_screen_knows_an_older_layout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = " ".join("abcdefgh" * 20)
    async with desk(tmp_path, size=(80, 24), text=text) as at:
        monkeypatch.setattr(Words, "region", property(lambda words: Region(0, 0, 78, 10)))
        await at.pilot.press("i")
        composer = open_composer(at.app)
        assert composer is not None
        assert composer.words.outer_size.width < 78
        assert bare(painted(composer.words)) == bare(text)
