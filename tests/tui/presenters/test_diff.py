"""A word diff as lines on the screen."""

from hypothesis import given
from hypothesis import strategies as st

from studio.domain.diff import paragraphs
from studio.tui.glyphs import ASCII
from studio.tui.presenters.diff import compare, fits_side_by_side, news
from studio.tui.presenters.spans import flow

OLD = "Teodor stood at the rail with his gloves folded.\n\nOne.\n\nTwo.\n\nThree.\n\nHe left."
NEW = "Teodor stood at the rail, his gloves folded.\n\nOne.\n\nTwo.\n\nThree.\n\nHe stayed.\n\nShe did too."


def said(rows, *styles):
    return "".join(text for row in rows for text, style in row.spans if style in styles)


def test_unchanged_paragraphs_are_one_line_and_changed_ones_are_stops():
    found = compare(OLD, NEW, 72)
    assert [row.text for row in found.rows if row.text.startswith("…")] == ["… 3 paragraphs unchanged"]
    assert [row.stop for row in found.rows if row.stop] == [1, 2, 3]
    assert found.summary == "3 changes, +4 -2 words"


def test_deletions_and_insertions_carry_their_own_styles():
    found = compare(OLD, NEW, 72)
    assert "with" in said(found.rows, "del")
    assert "left" in said(found.rows, "del")
    assert "stayed" in said(found.rows, "add")


def test_words_that_went_and_words_that_came_in_do_not_read_as_one_word():
    text = "\n".join(row.text for row in compare("She cut rope", "She cut lines, all of it", 72).rows)
    assert "ropel" not in text
    assert "rope lines" in text


def test_a_poor_terminal_gets_signs_around_the_words():
    text = "\n".join(row.text for row in compare("He left.", "He stayed.", 72, glyphs=ASCII).rows)
    assert text == "He [-left-]{+stayed+}."


def test_equal_texts_have_no_change():
    assert compare(OLD, OLD, 72).summary == "no difference"


def test_two_columns_need_room_and_keep_both_texts_apart():
    assert not fits_side_by_side(70)
    found = compare(OLD, NEW, 100, side_by_side=True)
    left = [row.text.split("│")[0] for row in found.rows if "│" in row.text]
    assert any("with his gloves" in text for text in left)
    assert not any("stayed" in text for text in left)
    assert {row.text.index("│") for row in found.rows if "│" in row.text} == {left and len(left[0])}


@given(
    st.lists(st.text("ab c.", max_size=30), max_size=6),
    st.lists(st.text("ab c.", max_size=30), max_size=6),
    st.integers(4, 90),
)
def test_what_is_kept_and_added_is_the_new_text_at_any_width(old, new, cells):
    before, after = "\n".join(old), "\n".join(new)
    found = compare(before, after, cells)
    changed = "".join(said([row], "text", "add") for row in found.rows if row.stop is not None)
    compact = "".join(changed.split())
    for paragraph in set(paragraphs(after)) - set(paragraphs(before)):
        assert "".join(paragraph.split()) in compact
    assert all(row.width <= max(cells, 1) for row in found.rows)


@given(
    st.lists(st.tuples(st.text("ab 界,", min_size=1, max_size=12), st.sampled_from(["text", "add"])), max_size=6),
    st.integers(2, 30),
)
def test_wrapping_styled_text_keeps_every_character_but_spaces_at_breaks(spans, cells):
    rows = flow(spans, cells)
    kept = "".join(text for row in rows for text, _ in row.spans)
    assert "".join(kept.split()) == "".join("".join(text for text, _ in spans).split())
    assert all(row.width <= cells for row in rows)


def test_what_another_text_brings_goes_before_what_it_took_away_where_there_is_little_room() -> None:
    old = "\n\n".join(
        f"Paragraph {n} of the old text is a long one that takes more than a row of the screen." for n in range(12)
    )
    rows = news(old, old.split("\n\n")[0] + "\n\nThe only new line.", 60, 5, all_of_it="; d shows all")
    assert len(rows) == 5
    assert any("The only new line." in row.text for row in rows)
    assert rows[-1].text == "… 8 more lines; d shows all"


def test_a_paragraph_that_went_is_one_row_of_what_a_text_brings() -> None:
    rows = news("Kept.\n\n" + "word " * 60, "Kept.\n\nNew.", 40, 8)
    assert [row.text for row in rows if "New." in row.text]
    assert all(row.width <= 40 for row in rows)
