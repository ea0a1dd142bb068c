"""Writing in the composer: what is sent, what is kept, and what a conflict does. Over a real engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual import events

from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.tui.actions.composing import open_composer
from tests.tui.desk import NARRATION, desk
from tests.tui.keys import burst


async def test_a_note_on_a_passage_is_saved_with_its_quote(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.app.workbench.page_view.set_cursor(("narration", 1))
        await at.pilot.press("c")
        await at.type("colder")
        await at.pilot.press("ctrl+s")
        await at.until(lambda: open_composer(at.app) is None)
        notes = (await at.view()).cells[0].notes
        assert [(note.text, note.quote) for note in notes] == [("colder", '"Which ring?" he said.')]


async def test_no_letter_is_lost_between_the_key_that_opens_and_the_key_that_sends(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.pilot.press("b", "end")
        await at.type(" Rain.")
        await at.pilot.press("ctrl+s")
        await at.until(lambda: open_composer(at.app) is None)
        brief = (await at.view()).brief
        assert brief is not None
        assert brief.text == "Ilse counts the rings. Rain."


async def test_escape_keeps_the_words_and_the_next_start_offers_them(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.pilot.press("r")
        await at.type("let the rain speak")
        await at.pilot.press("escape")
        assert open_composer(at.app) is None
        assert await at.kept("feedback:narration") == "let the rain speak"
    async with desk(tmp_path) as at:
        await at.pilot.press("r")
        composer = open_composer(at.app)
        assert composer is not None
        assert composer.text == "let the rain speak"


async def test_leaving_names_what_was_kept_and_the_key_and_the_page_shows_a_mark(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.app.workbench.page_view.set_cursor(("narration", 0))
        await at.pilot.press("i", "ctrl+home", "x", "escape")
        assert at.app.message is not None
        assert at.app.message.text == "Your edit of the narration is kept; i on the narration opens it."
        await at.until(lambda: any("kept words · i" in row.text for row in at.app.workbench.page_view.lines))


async def test_kept_words_can_be_thrown_away_and_brought_back_while_the_field_is_open(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.pilot.press("r")
        await at.type("colder")
        await at.pilot.press("escape", "r", "ctrl+g")
        composer = open_composer(at.app)
        assert composer is not None
        assert composer.text == ""
        await at.until(lambda: at.app.message is not None and at.app.message.text.startswith("Thrown away"))
        assert await at.kept("feedback:narration") == ""
        await at.pilot.press("ctrl+z")
        assert composer.text == "colder"
        await at.pilot.press("ctrl+g", "escape")
        await at.pilot.pause()
        assert not any("kept words" in row.text for row in at.app.workbench.page_view.lines)


async def test_a_key_pressed_at_once_opens_the_words_that_were_just_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path) as at:
        monkeypatch.setattr(at.app.session, "refresh", lambda: None)
        await at.pilot.press("r")
        await at.type("colder")
        await at.pilot.press("escape", "r")
        composer = open_composer(at.app)
        assert composer is not None
        assert composer.text == "colder"


async def test_words_are_kept_while_they_are_typed(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.pilot.press("i", "ctrl+home")
        await at.type("Fog. ")
        composer = open_composer(at.app)
        assert composer is not None
        await at.until(lambda: composer.keeper.safe)
        assert (await at.kept("edit:narration")).startswith("Fog. Teodor")


async def test_an_edit_in_place_becomes_a_persons_revision_and_nothing_is_left_kept(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.pilot.press("i", "ctrl+home")
        await at.type("Fog. ")
        await at.pilot.press("ctrl+s")
        await at.until(lambda: open_composer(at.app) is None)
        page = await at.view()
        head = page.cells[0].head
        assert head is not None
        assert (head.origin, head.text.strip()) == ("person", "Fog. " + NARRATION.strip())
        assert page.kept == ()


async def test_sending_an_unchanged_text_makes_no_revision(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.pilot.press("i", "ctrl+s")
        await at.until(lambda: open_composer(at.app) is None)
        assert (await at.view()).cells[0].revisions == 1


async def test_a_conflict_keeps_the_words_shows_the_difference_and_the_second_send_goes(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.pilot.press("i", "ctrl+home")
        await at.type("Mine. ")
        other = NARRATION.replace("grey gloves", "white gloves")
        await at.client.execute(c.Edit(page=at.page, stage="narration", text=other))
        await at.pilot.press("ctrl+s")
        composer = open_composer(at.app)
        assert composer is not None
        assert composer.text.startswith("Mine. Teodor")
        shown = "\n".join(row.text for row in composer._above_rows(100))
        assert "white" in shown
        assert "grey" in shown
        assert (await at.view()).cells[0].revisions == 2
        assert (await at.kept("edit:narration")).startswith("Mine. ")
        await at.pilot.press("ctrl+s")
        await at.until(lambda: open_composer(at.app) is None)
        head = (await at.view()).cells[0].head
        assert head is not None
        assert (head.number, head.text.startswith("Mine. ")) == (3, True)


async def test_feedback_on_a_text_approved_meanwhile_says_what_is_left_to_do_and_its_words_are_reached_by_its_key(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as at:
        await at.pilot.press("r")
        await at.type("colder")
        await at.client.execute(c.Approve(page=at.page))
        await at.until(lambda: at.app.session.page and at.app.session.page.stage == "dialogue")
        composer = open_composer(at.app)
        assert composer is not None
        for _ in range(2):
            await at.pilot.press("ctrl+s")
            await at.until(lambda: composer._problem)
            assert composer._problem == (
                "Narration was approved meanwhile. Your words are kept: esc leaves, u takes the approval back, r opens them again."
            )
        await at.pilot.press("escape")
        assert at.app.message is not None
        assert at.app.message.text == "Your feedback on the narration is kept; r on the narration opens it."
        at.app.workbench.page_view.set_cursor(("narration", 0))
        await at.pilot.press("r")
        again = open_composer(at.app)
        assert again is not None
        assert (again.request.stage, again.text) == ("narration", "colder")
        await at.until(lambda: again.price)
        assert again.price.startswith("This text is approved. Your words are kept")
        await at.pilot.press("escape", "u")
        await at.until(lambda: at.app.session.page and at.app.session.page.stage == "narration")
        await at.pilot.press("r")
        last = open_composer(at.app)
        assert last is not None
        assert (last.text, last._difference) == ("colder", None)


async def test_a_paste_is_cleaned_of_what_a_terminal_would_obey(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.pilot.press("c")
        composer = open_composer(at.app)
        assert composer is not None
        composer.words.post_message(events.Paste("cold\x1b]0;owned\x07er\r\nand [bold]slow[/bold]"))
        await at.pilot.pause()
        assert composer.text == "cold]0;owneder\nand [bold]slow[/bold]"


async def test_an_empty_note_is_not_sent_and_says_so(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.pilot.press("c", "ctrl+s")
        composer = open_composer(at.app)
        assert composer is not None
        assert "nothing to send" in "".join(row.text for row in composer._below_rows(80))
        assert (await at.view()).cells[0].notes == ()


async def test_both_sure_newline_keys_break_the_line(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.pilot.press("c", "a", "ctrl+j", "b", "alt+enter", "c", "enter", "d")
        composer = open_composer(at.app)
        assert composer is not None
        assert composer.text == "a\nb\nc\nd"


async def test_a_refused_revision_keeps_the_words_in_the_field(tmp_path: Path) -> None:
    """Without a model the engine refuses; the sentence stands in the composer and nothing typed is gone."""
    async with desk(tmp_path) as at:
        await at.pilot.press("r")
        await at.type("colder")
        await at.pilot.press("ctrl+s")
        assert (await at.client.query(q.GetProject())).model is None
        composer = open_composer(at.app)
        assert composer is not None
        await at.until(lambda: composer._problem)
        assert composer.text == "colder"
        assert composer._below_rows(80)


async def test_the_last_feedback_is_one_key_away(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.pilot.press("r")
        composer = open_composer(at.app)
        assert composer is not None
        await at.until(lambda: composer.price)
        assert not at.app.can("composer.last")
        composer.request = replace(composer.request, last="colder")
        await at.pilot.press("alt+up")
        assert composer.text == "colder"


async def test_a_paste_stands_where_the_cursor_is_and_typing_goes_on_after_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.pilot.press("c")
        await at.type("one two")
        await at.pilot.press("left", "left", "left")
        composer = open_composer(at.app)
        assert composer is not None
        composer.words.post_message(events.Paste("big\nred "))
        await at.pilot.pause()
        await at.type("x")
        assert composer.text == "one big\nred xtwo"


async def test_an_edit_begins_at_the_paragraph_that_was_read_and_keys_go_to_both_ends(tmp_path: Path) -> None:
    text = "\n\n".join(f"Paragraph {n} says that the rain came slantwise off the Throat." for n in range(40))
    async with desk(tmp_path, text=text, size=(80, 24)) as at:
        at.app.workbench.page_view.set_cursor(("narration", 30))
        await at.pilot.press("i")
        composer = open_composer(at.app)
        assert composer is not None
        assert composer.words.cursor_location == (60, 0)
        await at.pilot.pause()
        assert composer.words.scroll_offset.y <= 60 < composer.words.scroll_offset.y + composer.words.size.height
        await at.type("Fog. ")
        await at.pilot.press("ctrl+end")
        await at.type(" The end.")
        await at.pilot.press("ctrl+home", "O", "h", "space")
        await at.pilot.press("ctrl+s")
        await at.until(lambda: open_composer(at.app) is None)
        head = (await at.view()).cells[0].head
        assert head is not None
        assert head.text.startswith("Oh Paragraph 0")
        assert "\n\nFog. Paragraph 30" in head.text
        assert head.text.strip().endswith("Throat. The end.")


async def test_keys_that_arrive_together_act_in_the_order_in_which_they_were_typed(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.app.workbench.page_view.set_cursor(("narration", 1))
        await at.pilot.press("c")
        keys = (*"teh", "backspace", "backspace", *"he", "home", *"See ", "end", *" raain", "left", "left", "backspace")
        await burst(at.pilot, *keys, "end", "!", "ctrl+s")
        await at.until(lambda: open_composer(at.app) is None)
        assert [note.text for note in (await at.view()).cells[0].notes] == ["See the rain!"]
