"""The arithmetic of a short budget: which prior pages stay, and that the cut stays put."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from studio.prompts.budget import LOW_WATER, cut, first_kept, greedy

SIZES = st.lists(st.integers(1, 400), max_size=60)


def test_everything_stays_while_it_fits() -> None:
    assert first_kept([10] * 10, 100) == 0


def test_the_oldest_go_in_one_block_down_to_the_low_water_mark() -> None:
    assert first_kept([10] * 11, 100) == 5
    assert LOW_WATER * 100 >= 10 * (11 - 5)


def test_the_newest_page_stays_even_alone_over_the_room() -> None:
    assert first_kept([10, 10, 500], 100) == 2


@given(SIZES, st.integers(50, 2_000))
def test_what_stays_fits_unless_it_is_one_page(sizes: list[int], room: int) -> None:
    start = first_kept(sizes, room)
    assert sum(sizes[start:]) <= room or start == len(sizes) - 1


@given(SIZES, st.integers(50, 2_000))
def test_the_cut_never_moves_back_as_pages_are_added(sizes: list[int], room: int) -> None:
    cuts = [first_kept(sizes[:count], room) for count in range(len(sizes) + 1)]
    assert cuts == sorted(cuts)


def test_the_cut_stays_put_for_most_pages() -> None:
    cuts = [first_kept([100] * count, 2_000) for count in range(200)]
    assert sum(1 for before, after in pairwise(cuts) if before != after) <= 200 * 100 / (2_000 * (1 - LOW_WATER)) + 1


@given(st.lists(st.integers(100, 1_000), min_size=1, max_size=40), st.floats(0.21, 0.249))
def test_a_token_estimate_corrected_by_a_few_per_cent_rarely_moves_the_cut(sizes: list[int], ratio: float) -> None:
    """Both ratios lie within one step, so the cut is the same."""
    cuts = {
        cut(sizes, budget=3_000, opening_bytes=2_000, need=400, ratio=each)
        for each in (0.23, min(ratio, 0.245) / 10 + 0.22)
    }
    assert len(cuts) == 1


def test_the_need_of_one_page_moves_the_cut_in_quarters_only() -> None:
    cuts = [cut([400] * 60, budget=8_000, opening_bytes=4_000, need=need, ratio=0.25) for need in range(0, 7_000, 50)]
    assert len(set(cuts[: len(cuts) * 3 // 4])) <= 4
    assert cuts[0] < cuts[-1]


def test_a_smaller_one_is_taken_where_a_larger_does_not_fit() -> None:
    assert greedy([50, 90, 40], [1, 0, 2], 100) == {1}
    assert greedy([50, 190, 40], [1, 0, 2], 100) == {0, 2}
    assert greedy([1], [0], -5) == set()
