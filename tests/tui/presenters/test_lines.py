"""Wrapping and fitting by terminal cells."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from studio.tui.presenters.lines import fit, spread, wrap

TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), max_size=200)


@given(TEXT, st.integers(2, 60))
def test_no_row_is_wider_than_asked_and_no_letter_is_lost(text: str, width: int) -> None:
    rows = wrap(text, width)
    assert all(cell_len(row) <= width for row in rows)
    assert "".join("".join(rows).split()) == "".join(text.split())


def test_words_stay_whole_where_they_fit() -> None:
    assert wrap("Rain came slantwise off the Throat", 16) == ["Rain came", "slantwise off", "the Throat"]


def test_a_script_without_spaces_breaks_by_cells() -> None:
    assert wrap("静かな川が流れる", 8) == ["静かな川", "が流れる"]


@given(TEXT, st.integers(1, 40))
def test_fit_never_exceeds_its_width(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) <= width


def test_spread_keeps_the_right_end_and_cuts_the_left() -> None:
    row = spread((("A very long title indeed", "strong"),), (("8/8", "dim"),), 16)
    assert row.width == 16
    assert row.text.endswith("8/8")
