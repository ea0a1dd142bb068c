"""What a composer is for, what it sends, and what stands in it when it is opened again."""

from datetime import UTC, datetime

import pytest

from studio.protocol import commands as c
from studio.protocol.queries import GetPage
from studio.protocol.views import KeptWords
from studio.tui.presenters import composing
from studio.tui.presenters.composing import Purpose
from tests.fakes.fake_engine import NARRATION, FakeEngine


@pytest.fixture
async def page():
    engine = FakeEngine()
    engine.page(engine.chapter("One"), "Fog", "A brief.", NARRATION)
    return await engine.query(GetPage(page=engine.pages[0].id))


def kept(page, place, text, base=None):
    import msgspec

    words = KeptWords(place=place, text=text, base_revision=base, updated_at=datetime.now(UTC))
    return msgspec.structs.replace(page, kept=(words,))


async def test_each_purpose_has_its_own_command(page):
    cell = page.cells[0]
    assert composing.command(composing.revise(page, cell), " colder ") == c.Revise(
        page=page.id, feedback="colder", revision=cell.head.id
    )
    assert composing.command(composing.comment(page, cell, "he let it"), "no") == c.Comment(
        revision=cell.head.id, text="no", quote="he let it"
    )
    assert composing.command(composing.brief(page), "New.") == c.SetBrief(
        page=page.id, text="New.", revision=page.brief.id
    )
    edit = composing.command(composing.edit(page, cell), "\nText \x1b[2J here\n")
    assert edit == c.Edit(page=page.id, stage="narration", text="Text [2J here", revision=cell.head.id)


async def test_kept_words_come_back_with_the_revision_they_were_about(page):
    old = kept(page, "feedback:narration", "colder", "an-older-one")
    request = composing.revise(old, old.cells[0])
    assert (request.text, request.kept, request.revision) == ("colder", True, "an-older-one")


async def test_kept_words_of_another_place_are_not_mixed_in(page):
    old = kept(page, "comment:narration", "a note")
    assert composing.revise(old, old.cells[0]).text == ""


async def test_words_that_are_nothing_new_are_forgotten(page):
    request = composing.edit(page, page.cells[0])
    assert request.keep(request.original).text == ""
    assert request.keep("other").text == "other"


async def test_what_cannot_be_sent_is_said(page):
    cell = page.cells[0]
    for request in (composing.revise(page, cell), composing.comment(page, cell, None), composing.edit(page, cell)):
        assert composing.refusal(request, " \n ")
        assert not composing.refusal(request, "words")


async def test_an_editors_file_finds_its_way_back_to_what_it_was_for(page):
    cell = page.cells[0]
    for request in (
        composing.revise(page, cell),
        composing.comment(page, cell, None),
        composing.edit(page, cell),
        composing.brief(page),
    ):
        back = composing.reopened(page, composing.file_stage(request), "words", request.revision)
        assert back is not None
        assert (back.purpose, back.stage, back.text) == (request.purpose, request.stage, "words")
    assert composing.reopened(page, "nowhere", "words", "") is None


async def test_an_edit_is_large_and_words_about_a_text_are_small(page):
    assert Purpose.EDIT.large
    assert not Purpose.REVISE.large


async def test_a_note_says_in_its_heading_whether_it_is_about_a_passage_or_the_whole(page):
    cell = page.cells[0]
    assert composing.comment(page, cell, None).heading == "Note on the whole of Narration r1"
    assert composing.comment(page, cell, "he let it").heading == "Note on a passage of Narration r1"
