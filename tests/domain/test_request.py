"""What is asked for, as one text: nothing is made up, and nobody's line breaks out of its list."""

from __future__ import annotations

from studio.domain.request import request_text


def test_the_parts_stand_in_order_and_empty_ones_are_left_out() -> None:
    full = request_text("Tea", "Sells tea.\n\nIn a corner.", "web", ["a cart", "", "its total"])
    assert full == "# Tea\n\nSells tea.\n\nIn a corner.\n\nType: web\n\nRequirements:\n- a cart\n- its total"
    assert request_text("", "Sells tea.") == "Sells tea."
    assert request_text("Tea", "", "", ["a cart"]) == "# Tea\n\nRequirements:\n- a cart"


def test_a_name_and_a_type_alone_ask_for_nothing() -> None:
    assert request_text("Tea", "  \n", "web", ["", " "]) == ""


def test_a_requirement_is_one_line_and_clean() -> None:
    assert request_text("T\ne\x1ba", "d", "", ["a\n# cart\x07"]).endswith("Requirements:\n- a # cart")
