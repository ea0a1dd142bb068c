"""Chapters, pages, their order, names, heads and versions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

import pytest

from studio.domain.errors import BadInput, Conflict, NotFound
from studio.domain.page import Page, StageHead
from studio.store import chapters, pages, state
from studio.store.database import Store
from studio.store.transaction import Tx
from tests.store import book

T = TypeVar("T")
FINAL = "page_approved"


async def test_a_chapter_comes_back_as_it_was_put_in(store: Store) -> None:
    made = book.chapter(title='Tide "[b]" \n\x00')
    await store.transact(lambda tx: chapters.insert(tx, made))
    assert await store.read(lambda tx: chapters.get(tx, made.id)) == made
    assert await store.read(chapters.listing) == [made]


async def test_the_same_id_twice_is_a_conflict(store: Store) -> None:
    made = book.chapter()
    await store.transact(lambda tx: chapters.insert(tx, made))
    with pytest.raises(Conflict):
        await store.transact(lambda tx: chapters.insert(tx, made))


async def test_chapters_are_renamed_and_reordered_and_strangers_refused(store: Store) -> None:
    made = [book.chapter(f"c{n}", n) for n in range(1, 5)]
    ids = [chapter.id for chapter in made]

    def fill(tx: Tx) -> None:
        for chapter in made:
            chapters.insert(tx, chapter)
        chapters.rename(tx, ids[0], "Renamed")
        chapters.reorder(tx, [ids[3], ids[1]])

    await store.transact(fill)
    found = await store.read(chapters.listing)
    assert [(chapter.slug, chapter.position) for chapter in found] == [("c4", 1), ("c2", 2), ("c1", 3), ("c3", 4)]
    assert found[2].title == "Renamed"
    for bad in ([ids[0], "stranger"], [ids[0], ids[0]]):
        with pytest.raises(BadInput):
            await store.transact(lambda tx, order=bad: chapters.reorder(tx, order))
    with pytest.raises(NotFound):
        await store.transact(lambda tx: chapters.rename(tx, "nobody", "x"))
    assert await store.read(chapters.listing) == found


async def test_a_chapter_is_named_by_id_slug_number_or_title(store: Store) -> None:
    await store.transact(book.small_book)
    tide, ebb = await store.read(chapters.listing)
    for ref, wanted in ((tide.id, tide), ("ebb", ebb), ("2", ebb), (" 1 ", tide), ("the EBB", ebb)):
        assert await store.read(lambda tx, name=ref: chapters.resolve(tx, name)) == wanted
    with pytest.raises(NotFound, match="no chapter") as caught:
        await store.read(lambda tx: chapters.resolve(tx, "tides"))
    assert "tide" in caught.value.hint
    for ref in ("0", "3", "99999999999999999999", "", "１２３", "x" * 5000, "\x1b]0;", "²"):
        with pytest.raises(NotFound) as caught:
            await store.read(lambda tx, name=ref: chapters.resolve(tx, name))
        assert caught.value.hint
        assert "\x1b" not in str(caught.value)
        assert len(str(caught.value)) < 300


async def test_an_empty_book_says_that_it_is_empty(store: Store) -> None:
    with pytest.raises(NotFound) as caught:
        await store.read(lambda tx: chapters.resolve(tx, "1"))
    assert "no chapters yet" in caught.value.hint
    with pytest.raises(NotFound):
        await store.read(lambda tx: pages.resolve(tx, "1/1"))


async def test_a_page_comes_back_as_it_was_put_in_with_its_orchestrator_row(store: Store) -> None:
    of = book.chapter()
    made = replace(book.page(of), title="[/b] '; --", archived=True)

    def fill(tx: Tx) -> None:
        chapters.insert(tx, of)
        pages.insert(tx, made)

    await store.transact(fill)
    assert await store.read(lambda tx: pages.get(tx, made.id)) == made
    assert (await store.read(lambda tx: state.get(tx, made.id))).state == made.state


async def test_pages_are_listed_in_book_order_without_archived_ones(store: Store) -> None:
    found = await store.transact(book.small_book)
    tide, ebb = await store.read(chapters.listing)
    await store.transact(lambda tx: chapters.reorder(tx, [ebb.id, tide.id]))
    await store.transact(lambda tx: pages.update(tx, found["tide/morning"].id, archived=True))

    def slugs(tx: Tx) -> tuple[list[str], list[str], list[str]]:
        return (
            [page.slug for page in pages.listing(tx)],
            [page.slug for page in pages.listing(tx, archived=True)],
            [page.slug for page in pages.listing(tx, tide.id)],
        )

    assert await store.read(slugs) == (["noon", "night", "noon"], ["noon", "night", "morning", "noon"], ["noon"])


async def ref_to(store: Store, ref: str) -> Page:
    return await store.read(lambda tx: pages.resolve(tx, ref))


async def test_a_page_is_named_by_id_slug_numbers_or_chapter_and_slug(store: Store) -> None:
    found = await store.transact(book.small_book)
    assert (await ref_to(store, found["ebb/night"].id)).slug == "night"
    assert (await ref_to(store, "night")).id == found["ebb/night"].id
    assert (await ref_to(store, "2/1")).id == found["ebb/noon"].id
    assert (await ref_to(store, " 2 / 2 ")).id == found["ebb/night"].id
    assert (await ref_to(store, "tide/noon")).id == found["tide/noon"].id
    assert (await ref_to(store, "2/noon")).id == found["ebb/noon"].id


async def test_numbers_count_only_unarchived_pages(store: Store) -> None:
    found = await store.transact(book.small_book)
    await store.transact(lambda tx: pages.update(tx, found["tide/morning"].id, archived=True))
    assert (await ref_to(store, "1/1")).id == found["tide/noon"].id
    assert (await ref_to(store, "morning")).archived


async def test_an_ambiguous_slug_names_both_and_an_archived_double_does_not_count(store: Store) -> None:
    found = await store.transact(book.small_book)
    with pytest.raises(BadInput, match="tide/noon and ebb/noon"):
        await ref_to(store, "noon")
    await store.transact(lambda tx: pages.update(tx, found["tide/noon"].id, archived=True))
    assert (await ref_to(store, "noon")).id == found["ebb/noon"].id


@pytest.mark.parametrize(
    "ref", ["nihgt", "2/3", "2/0", "3/1", "2/99999999", "ebb/nihgt", "", "/", "a/b/c", "\x00", "%", "[/]"]
)
async def test_a_page_that_is_not_there_is_refused_with_a_hint(store: Store, ref: str) -> None:
    await store.transact(book.small_book)
    with pytest.raises(NotFound) as caught:
        await ref_to(store, ref)
    assert caught.value.hint
    if "nihgt" in ref:
        assert "night" in caught.value.hint


async def test_next_is_the_first_page_that_is_neither_final_nor_archived(store: Store) -> None:
    found = await store.transact(book.small_book)
    expected = ["tide/morning", "tide/noon", "ebb/noon", "ebb/night"]
    for number, name in enumerate(expected):
        assert (await ref_to(store, "next")).id == found[name].id
        change = {"state": FINAL} if number % 2 else {"archived": True}
        await store.transact(lambda tx, at=name, what=change: pages.update(tx, found[at].id, **what))  # type: ignore[arg-type]
    with pytest.raises(NotFound, match="every page is approved"):
        await ref_to(store, "next")
    other = await store.read(lambda tx: pages.resolve(tx, "next", final_state="done"))
    assert other.id == found["tide/noon"].id


async def test_an_update_changes_what_is_given_and_counts_the_version(store: Store) -> None:
    found = await store.transact(book.small_book)
    before = found["tide/morning"]
    after = await store.transact(lambda tx: pages.update(tx, before.id, title="New", expected_version=1))
    assert after == replace(before, title="New", version=2, updated_at=after.updated_at)
    assert after.updated_at > before.updated_at
    moved = await store.transact(
        lambda tx: pages.update(tx, before.id, chapter_id=found["ebb/noon"].chapter_id, position=9)
    )
    assert (moved.chapter_id, moved.position, moved.version) == (found["ebb/noon"].chapter_id, 9, 3)
    assert await store.read(lambda tx: pages.get(tx, before.id)) == moved


async def test_a_new_state_is_mirrored_both_ways(store: Store) -> None:
    found = await store.transact(book.small_book)
    page = found["tide/morning"]
    move = partial(pages.move, state="generating_narration", workflow="story", stage="narration", run="run-1")
    moved = await store.transact(lambda tx: move(tx, page.id))
    assert moved == await ref_to(store, page.id)
    assert moved.state == "generating_narration"
    assert (await store.read(lambda tx: state.get(tx, page.id))).state == "generating_narration"
    await store.transact(lambda tx: pages.update(tx, page.id, state="failed_narration"))
    kept = await store.read(lambda tx: state.get(tx, page.id))
    assert (kept.state, kept.workflow, kept.stage, kept.run_id) == ("failed_narration", "story", "narration", "run-1")
    differing = (
        "SELECT count(*) FROM story_pages p JOIN orchestrator_state o ON o.page_id = p.id WHERE o.state <> p.state"
    )
    assert await store.read(lambda tx: tx.one(differing)) == (0,)


async def test_a_move_counts_as_one_change_also_where_the_state_stays(store: Store) -> None:
    page = (await store.transact(book.small_book))["tide/morning"]
    moved = await store.transact(lambda tx: pages.move(tx, page.id, page.state, workflow="story", stage=None, run=None))
    assert (moved.version, moved.state) == (page.version + 1, page.state)
    with pytest.raises(NotFound):
        await store.transact(lambda tx: pages.move(tx, "nowhere", page.state, workflow="story", stage=None, run=None))


async def test_deciding_on_an_old_version_is_a_conflict_that_names_both(store: Store) -> None:
    page = (await store.transact(book.small_book))["tide/morning"]
    await store.transact(lambda tx: pages.update(tx, page.id, state="user_reviewing_narration"))
    with pytest.raises(Conflict) as caught:
        await store.transact(lambda tx: pages.update(tx, page.id, state=FINAL, expected_version=1))
    assert caught.value.data == {"expected": 1, "actual": 2}
    assert (await ref_to(store, page.id)).state == "user_reviewing_narration"
    with pytest.raises(NotFound):
        await store.transact(lambda tx: pages.update(tx, "nobody", title="x"))


async def test_pages_are_reordered_within_their_chapter_only(store: Store) -> None:
    found = await store.transact(book.small_book)
    tide = found["tide/noon"].chapter_id
    await store.transact(lambda tx: pages.reorder(tx, tide, [found["tide/noon"].id]))
    assert [page.slug for page in await store.read(lambda tx: pages.listing(tx, tide))] == ["noon", "morning"]
    with pytest.raises(BadInput):
        await store.transact(lambda tx: pages.reorder(tx, tide, [found["ebb/noon"].id]))


@pytest.mark.parametrize(
    ("wanted", "slug"),
    [
        ("Morning", "morning-2"),
        ("The Sea!", "the-sea"),
        ("", "page"),
        ("***", "page"),
        ("12", "page-12"),
        ("next", "page-next"),
        ("日の出", "日の出"),
        ("Ночь/День", "ночь-день"),
    ],
)
async def test_a_slug_is_free_in_its_chapter_and_never_a_number_or_next(store: Store, wanted: str, slug: str) -> None:
    found = await store.transact(book.small_book)
    tide = found["tide/morning"].chapter_id
    assert await store.read(lambda tx: pages.unique_slug(tx, tide, wanted)) == slug


async def test_a_chapters_slug_is_free_in_the_book(store: Store) -> None:
    await store.transact(book.small_book)
    work: Callable[[Tx], tuple[str, str]] = lambda tx: (chapters.unique_slug(tx, "Tide"), chapters.unique_slug(tx, "3"))  # noqa: E731
    assert await store.read(work) == ("tide-2", "chapter-3")


async def test_heads_and_approvals_are_set_apart(store: Store) -> None:
    page = (await store.transact(book.small_book))["tide/morning"]

    def work(tx: Tx) -> None:
        pages.set_head(tx, page.id, "narration", "r1")
        pages.set_approved(tx, page.id, "narration", "r1")
        pages.set_head(tx, page.id, "narration", "r2")
        pages.set_approved(tx, page.id, "dialogue", "r9")
        pages.set_approved(tx, page.id, "dialogue", None)

    await store.transact(work)
    assert await store.read(lambda tx: pages.heads(tx, page.id)) == {
        "narration": StageHead(page.id, "narration", "r2", "r1"),
        "dialogue": StageHead(page.id, "dialogue", None, None),
    }
