"""What a reply is worth, and how a continued text is joined."""

from __future__ import annotations

import pytest

from studio.engine.replies import seam


@pytest.mark.parametrize(
    ("before", "after", "between"),
    [
        ("beyond the", "Below", " "),
        ("and stopped.", "And went on", " "),
        ("the rail,", "and looked", " "),
        ("he said", "“No.”", " "),
        ("lan", "tern", ""),
        ("the ", "Below", ""),
        ("the", " Below", ""),
        ("4", "4", ""),
        ("", "Fog", ""),
    ],
)
def test_a_space_stands_where_the_model_left_it_out(before: str, after: str, between: str) -> None:
    assert seam(before, after) == between
