"""After a decision: where the cursor goes, what is in sight there, and what the next key is about."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.fakes.app_roles import Roles
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.wire_asked import Answering, Asked
from tests.tui.app_bench import shop
from tests.tui.bench import bench
from tests.tui.desk import NARRATION, desk
from tests.tui.keys import burst


async def test_after_an_approval_the_next_key_is_about_the_next_stage(tmp_path: Path) -> None:
    async with desk(tmp_path, size=(80, 24)) as at:
        view = at.app.workbench.page_view
        assert view.cell_name() == "narration"
        await burst(at.pilot, "a", "i")
        await at.until(lambda: at.app.workbench.drawer)
        await at.type("ILSE: Ten rings.")
        await at.pilot.press("ctrl+s")
        await at.until(lambda: not at.app.workbench.drawer)
        narration, dialogue = (await at.view()).cells
        assert narration.head is not None
        assert narration.head.text.strip() == NARRATION.strip()
        assert narration.head.number == 1
        assert dialogue.head is not None
        assert "Ten rings." in dialogue.head.text


def two_texts(paragraphs: int) -> FakeEngine:
    """A page whose dialogue waits, under a narration of so many paragraphs."""
    engine = FakeEngine()
    narration = "\n\n".join(f"Paragraph {n} of the narration." for n in range(paragraphs))
    engine.page(
        engine.chapter("The Toll"),
        "Ilse counts",
        "The brief.",
        narration,
        "\n\n".join(f"ILSE: Ring {n}." for n in range(6)),
    )
    return engine


@pytest.mark.parametrize("paragraphs", [4, 5, 6, 7, 8, 30])
async def test_a_text_that_waits_is_in_sight_whole_when_its_page_is_opened(paragraphs: int) -> None:
    async with bench(two_texts(paragraphs), size=(80, 24)) as at:
        await at.until(lambda: at.app.session.page)
        await at.pilot.pause()
        assert at.app.workbench.page_view.cursor == ("dialogue", "head")
        assert "DIALOGUE" in at.screen()
        assert "Ring 5" in at.screen()


async def test_a_text_comes_in_sight_with_the_cursor_on_its_head() -> None:
    async with bench(two_texts(30), size=(80, 24)) as at:
        await at.until(lambda: at.app.session.page)
        view = at.app.workbench.page_view
        await at.press("home")
        assert "DIALOGUE" not in at.screen()
        while view.cell_name() != "dialogue":
            await at.press("j")
        assert view.cursor == ("dialogue", "head")
        assert "Ring 5" in at.screen()
        while view.cursor != ("narration", "head"):
            await at.press("k")
        assert "Paragraph 5" in at.screen()


async def test_approving_a_long_text_shows_what_can_be_done_with_the_next(tmp_path: Path) -> None:
    async with desk(tmp_path, size=(80, 24), text="\n\n".join(["Fog lay on the Throat."] * 20)) as at:
        await at.pilot.press("a")
        await at.until(lambda: at.app.workbench.page_view.cursor == ("dialogue", "head"))
        view = at.app.workbench.page_view
        assert view.at_end
        assert view.sees(("dialogue", "head"))


class Waiting(Roles):
    """Roles of which the verification never answers."""

    async def __call__(self, asked: Asked) -> Answering:
        if self._role(asked) == "verification":
            await asyncio.Event().wait()
        return await Roles.__call__(self, asked)


async def test_a_review_that_is_stopped_without_a_word_says_so_and_what_asks_for_it_again(tmp_path: Path) -> None:
    async with shop(tmp_path, roles=Waiting(pause=0.0), stands="user_reviewing_testing") as made:
        at = made.at
        await made.through("generating_verification")
        await at.press("g")
        await at.until(lambda: at.app.pending, 20)
        await at.press("g")
        await at.until(lambda: "looking" in at.screen(), 20)
        await at.press("s")
        await at.until(lambda: at.message, 20)
        assert at.message == "Verification was stopped before its first word. g asks for it again."
        await at.until(lambda: not at.app.session.running, 20)
        assert (await made.view()).state == "generating_verification"
