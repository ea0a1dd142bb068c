"""What stays when the context budget is short: pure arithmetic on sizes. Which texts these are is `context`'s."""

from __future__ import annotations

import math
from collections.abc import Sequence

LOW_WATER = 0.6
"""When prior pages no longer fit, the oldest go in one block until they fill this share of their room, so that the prompt's
beginning then stays the same, and cached, for many pages."""

_LEVELS = (0.25, 0.5, 0.75)
# Six steps to a doubling: an estimate of tokens per byte that is corrected by a few per cent after a call moves no cut.
_STEPS = 6


def greedy(sizes: Sequence[int], order: Sequence[int], room: int) -> set[int]:
    """Indexes of `sizes` that go in, taken in `order`; one that does not fit is passed over for smaller ones after it."""
    kept: set[int] = set()
    for index in order:
        if sizes[index] <= room:
            room -= sizes[index]
            kept.add(index)
    return kept


def first_kept(weights: Sequence[float], room: float) -> int:
    """The index of the oldest prior page that stays, by replaying how the pages came: deterministic, and the same for many
    pages in a row. The newest page stays even when it alone is over the room."""
    start, used = 0, 0.0
    for index, weight in enumerate(weights):
        used += weight
        while used > room and start < index:
            while start < index and used > room * LOW_WATER:
                used -= weights[start]
                start += 1
    return start


def cut(sizes_in_bytes: Sequence[int], *, budget: int, opening_bytes: int, need: int, ratio: float) -> int:
    """`first_kept` for a budget in tokens.

    `opening_bytes` is what stands before the prior pages, `need` the tokens of what comes after them, `ratio` tokens per byte.
    The need is rounded up to quarters of the room and the ratio to steps, so that neither moves the cut from page to page.
    """
    coarse = 2.0 ** (math.ceil(math.log2(max(ratio, 0.01)) * _STEPS) / _STEPS)
    room = max(0.0, budget / coarse - opening_bytes)
    share = next((level for level in _LEVELS if need / coarse <= level * room), None)
    left = room * (1 - share) if share is not None else room - need / coarse
    return first_kept(sizes_in_bytes, max(0.0, left))
