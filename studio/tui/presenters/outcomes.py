"""What an incomplete text is called, in a sentence, and why approving it needs a second word. No Textual."""

from __future__ import annotations

_WHY = {
    "cut_off": "This text is cut off: the model reached its output limit.",
    "unproven": "The stream ended without the model's word that it was finished; the end may be missing.",
    "empty": "The model answered with nothing.",
    "refused": "The model declined to write this.",
    "filtered": "The service's content filter stopped this text.",
    "unparsed": "This could not be read as what was asked for; it is kept as it came.",
    "incomplete": "A task was not done; the others are.",
    "stopped": "This text was stopped before its end.",
    "interrupted": "This text was interrupted before its end.",
}


def why_incomplete(outcome: str) -> str:
    """A sentence, or nothing for a complete text."""
    return _WHY.get(outcome, "")
