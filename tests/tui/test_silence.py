"""A key that does nothing says why, and what would help."""

from __future__ import annotations

from studio.tui.keymap import ACTIONS
from studio.tui.options import WorkbenchOptions
from studio.tui.why_not import why_not
from tests.fakes.fake_engine import FakeEngine, Script, ferry
from tests.tui.bench import bench
from tests.tui.glass import glass

SAID_IN_AN_EMPTY_BOOK = {
    "o": "There is no chapter yet; O makes the first one.", "b": "There is no chapter yet; O makes the first one.",
    "g": "There is no chapter yet; O makes the first one.", "J": "no chapter yet", "f2": "no chapter yet", "D": "no chapter yet",
    "s": "No draft is being written.", "n": "Nothing was searched for yet; / searches.", "ctrl+c": "ctrl+q leaves",
}  # fmt: skip


async def test_in_an_empty_book() -> None:
    async with bench(FakeEngine()) as at:
        for key, said in SAID_IN_AN_EMPTY_BOOK.items():
            await at.press(key)
            assert said in at.message, key


async def test_on_a_page_without_a_draft_and_on_an_approved_one() -> None:
    async with bench(ferry()) as at:
        await at.press("]")
        for key in ("r", "d", "a", "c", "y"):
            await at.press(key)
            assert at.message == "There is no draft here yet; g drafts one.", key
        await at.press("]", "r")
        assert at.message == "This page has no brief yet; b writes it."
        await at.press("]")
        assert at.message == "This is the last page."
        await at.press("[", "[", "[", "g")
        assert "u takes the last approval back" in at.message


async def test_a_letter_that_nothing_is_bound_to() -> None:
    async with bench(ferry()) as at:
        await at.press("z")
        assert at.message == "z does nothing anywhere; ? shows all keys."
        await at.press("S")
        assert at.message == "S does nothing here; ? shows all keys."
        await at.press("j")
        assert at.message == ""


async def test_while_a_draft_is_written() -> None:
    engine = ferry()
    engine.script = Script("word " * 400, chars=5, rate=40)
    async with bench(engine) as at:
        await at.press("]", "g")
        await at.until(lambda: at.app.pending)
        await at.press("g")
        await at.until(lambda: at.app.session.running)
        await at.press("r")
        assert at.message == "A draft is being written here; s stops it."
        await at.press("ctrl+c")
        assert "s stops the draft" in at.message


async def test_in_a_field_it_says_how_to_leave_and_with_a_selection_it_copies() -> None:
    async with bench(ferry()) as at:
        await at.press("b", "ctrl+c")
        assert "ctrl+q leaves" in at.message
        await at.press("f7", "ctrl+c")
        assert at.app.clipboard.startswith("Bram drops the pole")


async def test_every_row_of_the_workbench_that_does_not_apply_has_a_sentence() -> None:
    for engine in (FakeEngine(), ferry()):
        async with bench(engine) as at:
            silent = [
                row.id
                for row in ACTIONS
                if {"workbench", "anywhere"} & set(row.scopes)
                and not row.id.startswith(("cursor.", "interrupt"))
                and not at.app.can(row.id)
                and not why_not(at.app, row.id).endswith(".")
            ]
            assert silent == []


async def test_a_sentence_names_no_key_that_may_not_be_used_or_is_not_bound() -> None:
    async with bench(ferry(), options=WorkbenchOptions(keys={"generate": ""})) as at:
        await at.press("]", "r")
        assert at.message == "There is no draft here yet."


async def test_the_footer_is_the_pages_again_after_screens_over_it() -> None:
    async with glass(ferry(), size=(80, 24)) as at:
        before = at.painted[-1]
        for keys in (
            ("d", "j", "t", "t", "b", "?", "escape", "escape"),
            ("ctrl+p", "escape"),
            ("?", "escape"),
            ("H", "escape"),
        ):
            for key in keys:
                await at.press(key)
                await at.pilot.pause(0.05)
            await at.until(lambda: at.painted[-1] == before)


async def test_the_palettes_keys_do_not_stay_when_it_closes_after_a_message() -> None:
    async with glass(ferry(), size=(80, 24)) as at:
        before = at.painted[-1]
        at.app.say("Something was said.")
        await at.press("ctrl+p")
        at.app.clear_message()
        await at.press("escape")
        await at.until(lambda: at.painted[-1] == before)
