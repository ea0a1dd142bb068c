"""Who else is here, in words and signs, at every width; what is said of their acts and of drafts that go on."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from studio.protocol import queries as q
from studio.protocol import views as v
from studio.protocol.events import PageChanged
from studio.tui.glyphs import ASCII, UNICODE
from studio.tui.presenters.outline import Look, outline_lines
from studio.tui.presenters.people import done_by_another, drafts_go_on, on_pages, present
from studio.tui.presenters.status import header_line
from tests.fakes.fake_engine import ferry


def _book() -> v.ProjectView:
    return ferry()._get_project(q.GetProject())


def _person(who: str, page: str | None = None) -> v.PresentPerson:
    return v.PresentPerson(id=who, who=who, page=page)


def test_each_is_named_with_the_page_they_look_at_and_many_are_counted() -> None:
    book = _book()
    first, second = book.chapters[0].pages[0].id, book.chapters[1].pages[1].id
    two = (_person("ben", first), _person("cleo", second))
    assert present((), book, UNICODE, room=40) == ""
    assert present(two, book, UNICODE, room=40) == "▹ ben 1/1, cleo 2/2"
    assert present(two, book, ASCII, room=40) == "@ ben 1/1, cleo 2/2"
    assert present(two, book, UNICODE, room=10) == "▹ 2"
    assert present((_person("ben"),), book, UNICODE, room=40) == "▹ ben"
    assert present([_person(f"p{n}") for n in range(9)], book, UNICODE, room=40) == "▹ p0, p1, p2 +6"


def test_a_name_is_one_line_without_control_characters_and_not_longer_than_its_place() -> None:
    said = present((_person("a\x1b[31m\nb" * 20),), _book(), UNICODE, room=40)
    assert "\x1b" not in said
    assert "\n" not in said
    assert cell_len(said) <= 14


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_the_header_is_one_line_with_the_people_in_it(width: int) -> None:
    book = _book()
    people = present((_person("ben", book.chapters[0].pages[0].id),), book, UNICODE, room=width // 5)
    row = header_line(book, None, "", "", width, UNICODE, people=people)
    assert "▹ ben 1/1" in row.text
    assert row.width <= width


def test_while_the_engine_is_away_no_figure_stands_in_the_header() -> None:
    row = header_line(_book(), None, "", "", 120, UNICODE, state="reconnecting…").text
    assert "reconnecting…" in row
    assert "$" not in row
    assert "saved" not in row
    assert "view only" in header_line(_book(), None, "", "", 80, UNICODE, view=True).text


@pytest.mark.parametrize("width", [80, 120])
def test_calls_of_unknown_price_are_a_sign_behind_the_sum_at_every_width(width: int) -> None:
    book = replace(_book(), spend=v.SpendView(project=0.5, unknown=2))
    assert "$0.50+" in header_line(book, None, "", "", width, UNICODE).text


def test_the_outline_has_a_sign_beside_their_page_or_its_folded_chapter() -> None:
    book = _book()
    page = book.chapters[0].pages[1]
    others = on_pages((_person("ben", page.id), _person("cleo")))

    def rows(folded: frozenset[str]) -> list[str]:
        look = Look(None, others, folded, 21, UNICODE, "o", "O")
        lines = outline_lines(book, look)
        assert all(row.width <= 21 for row in lines)
        return [row.text for row in lines if "▹" in row.text]

    (beside,) = rows(frozenset())
    assert "2 The green" in beside
    (folded,) = rows(frozenset({book.chapters[0].id}))
    assert "1 The Cross" in folded


def test_acts_of_others_are_said_and_ones_own_are_not() -> None:
    def said(what: str, actor: str) -> str:
        return done_by_another(PageChanged(page="p", state="s", what=what, stage="narration", actor=actor), "ana")

    assert said("edit", "ben") == "ben edited the narration of this page."
    assert said("brief", "ben") == "ben changed the brief of this page."
    assert said("edit", "ana") == ""
    assert said("draft_ready", "ben") == ""


def test_drafts_that_go_on_are_named() -> None:
    book = _book()
    one, two = (page.id for page in book.chapters[0].pages[:2])
    assert drafts_go_on([], book) == ""
    assert drafts_go_on([one], book) == "The draft of 1/1 goes on; studio shows it again."
    assert drafts_go_on([one, two], book) == "2 drafts go on (1/1, 1/2); studio shows them again."
