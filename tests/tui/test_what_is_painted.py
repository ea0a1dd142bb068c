"""Every row of the terminal is the row that should be there: after pages, scrolls, folds, panes, screens, sizes and drafts."""

from __future__ import annotations

import random

import pytest

from tests.fakes.fake_engine import FakeEngine, Script
from tests.tui.glass import Glass, glass

MOVES = (
    "j", "k", "j", "k", "space", "pageup", "home", "G", "]", "[", "]", "[", "h", "l", "tab", "shift+tab", "1", "2", "3", "4",
    "escape", "escape", "enter", "d", "H", "?", "ctrl+p", "g", "s", "a", "u", "J", "K", "f2", "D", ".", "resize", "resize",
)  # fmt: skip
SIZES = ((80, 24), (60, 20), (104, 30), (124, 32), (150, 40))


def book() -> FakeEngine:
    """Pages whose texts begin alike and differ in length, so that a row left over from another page would be seen."""
    engine = FakeEngine()
    for title in ("The Crossing", "The Toll"):
        chapter = engine.chapter(title)
        for count in (3, 40, 1, 18, 0):
            text = "\n\n".join(
                f"{title}, paragraph {number} of {count}: rain came slantwise." for number in range(count)
            )
            engine.page(chapter, f"Page of {count}", "A brief.\n\nIt has two paragraphs.", text)
    engine.script = Script(
        "\n\n".join(f"Streamed words {n} grow here at the end." for n in range(40)), chars=9, rate=600
    )
    return engine


async def _step(at: Glass, key: str, dice: random.Random) -> None:
    if key == "resize":
        await at.pilot.resize_terminal(*dice.choice(SIZES))
    else:
        await at.press(key)
    for _ in range(dice.choice((1, 1, 3))):
        await at.pilot.pause(dice.choice((0.0, 0.0, 0.03)))


async def _settled(at: Glass) -> str:
    """What is still wrong once everything asked for has been painted; a draft that runs goes on meanwhile."""
    for _ in range(40):
        await at.pilot.pause(0.05)
        if not at.wrong():
            return ""
    return at.wrong()


@pytest.mark.parametrize("seed", range(6))
async def test_each_row_is_what_it_should_be_after_any_keys(seed: int) -> None:
    dice = random.Random(seed)
    async with glass(book(), size=SIZES[seed % len(SIZES)]) as at:
        keys: list[str] = []
        for _ in range(70):
            keys.append(dice.choice(MOVES))
            await _step(at, keys[-1], dice)
            wrong = await _settled(at) if at.wrong() else ""
            assert not wrong, f"after {' '.join(keys)}\n{wrong}"


async def test_the_next_page_leaves_no_row_of_a_scrolled_one() -> None:
    async with glass(book()) as at:
        await at.press("]", "G", "]")
        await at.pilot.pause(0.1)
        assert not await _settled(at)
        assert "Page of 1" in at.painted[2]
        assert not any("of 40" in row for row in at.painted[2:])
