"""How a draft ended, in a sentence: what an incomplete text is called, and what a whole one took. No Textual."""

from __future__ import annotations

from collections.abc import Sequence

from studio.domain.run import NOT_WHOLE
from studio.domain.words import Words
from studio.protocol.events import RunEnded
from studio.protocol.views import PageView
from studio.tui.presenters.status import money

_WHY = {
    "cut_off": "This text is cut off: the model reached its output limit.",
    "unproven": "The stream ended without the model's word that it was finished; the end may be missing.",
    "empty": "The model answered with nothing.",
    "refused": "The model declined to write this.",
    "filtered": "The service's content filter stopped this text.",
    "unparsed": "This could not be read as what was asked for; it is kept as it came.",
    "incomplete": "Not every task was done.",
    "stopped": "This text was stopped before its end.",
    "interrupted": "This text was interrupted before its end.",
}


def why_incomplete(outcome: str) -> str:
    """A sentence, or nothing for a complete text."""
    return _WHY.get(outcome, "")


def why_outdated(labels: Sequence[str]) -> str:
    """A sentence for a text that was written for earlier texts of these stages; nothing where there are none."""
    names = [label.lower() for label in labels]
    said = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
    return f"Written for an earlier {said}." if said else ""


def done_words(event: RunEnded, page: PageView | None, words: Words) -> str:
    """`Narration is done: 6 s, $0.0022.`, or that a draft on another page is; of a text that is not whole what is wrong with it,
    of a revision that changed nothing that it did. `page` is the one on the screen."""
    here = page is not None and page.id == event.page
    stage = next((cell.label for cell in page.cells if cell.name == event.stage), event.stage) if page else event.stage
    what = stage if here else words.put(f"The {stage.lower()} of another page")
    cost = "price unknown" if event.cost_usd is None else money(event.cost_usd)
    end = NOT_WHOLE.get(event.outcome or "", "")
    same = f"came back the same as r{event.same_as}" if event.same_as is not None else ""
    came = f"came, but not whole ({end})" if end else same or "is done"
    return f"{what} {came}: {event.elapsed:.0f} s, {cost}."


def stopped_words(event: RunEnded, page: PageView, generate: str) -> str:
    """`Verification was stopped before its first word. g asks for it again.` With a text before it, that it stands."""
    cell = next((cell for cell in page.cells if cell.name == event.stage), None)
    stands = f"; r{cell.head.number} stands as it was" if cell is not None and cell.head is not None else ""
    again = f" {generate} asks for it again." if generate else ""
    return f"{cell.label if cell else event.stage} was stopped before its first word{stands}.{again}"
