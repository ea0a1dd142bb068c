"""What is said at the end of a draft: that it is done only where the text is whole."""

from __future__ import annotations

import pytest

from studio.domain.run import NOT_WHOLE, Outcome
from studio.domain.words import OURS
from studio.protocol.events import RunEnded
from studio.tui.presenters.outcomes import done_words, why_incomplete


def ended(outcome: str | None, same_as: int | None = None) -> str:
    event = RunEnded(
        run="r", page="p", stage="narration", status="completed", outcome=outcome, cost_usd=0.0022, elapsed=6.0,
        same_as=same_as,
    )  # fmt: skip
    return done_words(event, None, OURS)


def test_a_whole_text_is_done_and_one_that_was_cut_off_is_not() -> None:
    assert ended("complete") == "The narration of another page is done: 6 s, $0.0022."
    assert ended("cut_off") == "The narration of another page came, but not whole (cut off): 6 s, $0.0022."
    assert "is done" in ended(None)


def test_a_revision_that_came_back_as_it_was_is_not_called_done() -> None:
    assert ended("complete", 1) == "The narration of another page came back the same as r1: 6 s, $0.0022."


@pytest.mark.parametrize("outcome", [one for one in Outcome if not one.approvable])
def test_every_text_that_is_not_whole_has_a_short_word_and_a_sentence(outcome: Outcome) -> None:
    assert NOT_WHOLE[outcome.value] in ended(outcome.value)
    assert why_incomplete(outcome.value)
