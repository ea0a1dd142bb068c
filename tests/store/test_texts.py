"""Revisions, feedback, kept words, blobs, canon versions, the ledger, the mirror: texts go in and come out the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from studio.domain.canon import CanonDocument, EntryKind, Include, LedgerEntry, Reason
from studio.domain.errors import BadInput, Conflict, NotFound
from studio.domain.page import FeedbackKind, Keepsake, Origin, Page
from studio.domain.run import Outcome
from studio.domain.text import digest
from studio.store import (
    blobs,
    canon,
    chapters,
    feedback,
    ledger,
    meta,
    mirror,
    opening,
    pages,
    ratios,
    revisions,
    words,
)
from studio.store.database import Store
from studio.store.transaction import Tx
from tests.store import book


async def test_a_revision_comes_back_as_it_was_put_in(store: Store) -> None:
    page = (await store.transact(book.small_book))["tide/morning"]
    made = book.revision(
        page,
        "Rain.\n\n[/x] $1 \x00",
        origin=Origin.MIRROR,
        outcome=Outcome.CUT_OFF,
        data='{"lines": []}',
        model="openai:gpt-6",
        run_id="run",
        parent_id="parent",
        feedback_id="feedback",
        note="why",
    )
    await store.transact(lambda tx: revisions.insert(tx, made))
    found = await store.read(lambda tx: revisions.get(tx, made.id))
    assert found == made
    assert isinstance(found.origin, Origin)
    assert isinstance(found.outcome, Outcome)
    with pytest.raises(Conflict):
        await store.transact(lambda tx: revisions.insert(tx, made))
    with pytest.raises(NotFound):
        await store.read(lambda tx: revisions.get(tx, "nobody"))


async def test_revisions_are_numbered_per_stage_and_listed_newest_first(store: Store) -> None:
    page = (await store.transact(book.small_book))["tide/morning"]

    def work(tx: Tx) -> None:
        assert revisions.next_number(tx, page.id, "narration") == 1
        assert revisions.newest(tx, page.id, "narration") is None
        for text in ("one", "two", "three"):
            book.add_text(tx, page, text)
        book.add_text(tx, page, "talk", stage="dialogue")
        assert revisions.next_number(tx, page.id, "narration") == 4

    await store.transact(work)
    found = await store.read(lambda tx: revisions.listing(tx, page.id, "narration"))
    assert [(one.number, one.text) for one in found] == [(3, "three"), (2, "two"), (1, "one")]
    assert len(await store.read(lambda tx: revisions.listing(tx, page.id))) == 4
    assert (await store.read(lambda tx: revisions.by_number(tx, page.id, "narration", 2))).text == "two"
    newest = await store.read(lambda tx: revisions.newest(tx, page.id, "narration"))
    assert newest is not None
    assert newest.text == "three"
    with pytest.raises(NotFound, match="no revision 9") as caught:
        await store.read(lambda tx: revisions.by_number(tx, page.id, "narration", 9))
    assert "3 revision" in caught.value.hint


async def test_the_head_is_what_was_set_not_the_newest(store: Store) -> None:
    page = (await store.transact(book.small_book))["tide/morning"]
    shown = await store.transact(lambda tx: book.add_text(tx, page, "shown"))
    await store.transact(lambda tx: revisions.insert(tx, book.revision(page, "beside", number=2)))
    assert await store.read(lambda tx: revisions.head(tx, page.id, "narration")) == shown
    assert await store.read(lambda tx: revisions.head(tx, page.id, "dialogue")) is None


async def test_the_heads_and_the_approved_texts_of_a_page_come_by_stage(store: Store) -> None:
    found = await store.transact(book.small_book)
    page, other = found["tide/morning"], found["tide/noon"]

    def work(tx: Tx) -> None:
        book.add_text(tx, page, "approved", approved=True)
        book.add_text(tx, page, "a later draft")
        book.add_text(tx, page, "spoken", stage="dialogue")
        book.add_text(tx, other, "elsewhere", approved=True)

    await store.transact(work)
    heads = await store.read(lambda tx: pages.heads(tx, page.id))
    newest = await store.read(lambda tx: revisions.some(tx, [one.revision_id or "" for one in heads.values()]))
    assert {one.stage: one.text for one in newest.values()} == {"narration": "a later draft", "dialogue": "spoken"}
    assert await store.read(lambda tx: revisions.some(tx, [])) == {}
    approved = await store.read(lambda tx: revisions.approved(tx, page.id))
    assert {stage: one.text for stage, one in approved.items()} == {"narration": "approved"}
    ids = await store.read(revisions.approved_ids)
    assert ids[page.id] == {"narration": approved["narration"].id}
    assert set(ids) == {page.id, other.id}
    texts = await store.read(lambda tx: revisions.head_texts(tx, "narration", [page.id, found["ebb/noon"].id]))
    assert texts == {page.id: "a later draft"}


async def test_a_row_that_is_saved_twice_is_replaced(store: Store) -> None:
    page = (await store.transact(book.small_book))["tide/morning"]
    await store.transact(lambda tx: mirror.put(tx, page.id, "a.md", "first", ""))
    await store.transact(lambda tx: mirror.put(tx, page.id, "b.md", "second", "x"))
    [row] = await store.read(mirror.all)
    assert row == mirror.MirrorState(page.id, "b.md", "second", "x")


async def test_approved_sections_come_in_book_order_and_only_what_is_approved(store: Store) -> None:
    found = await store.transact(book.small_book)

    def work(tx: Tx) -> None:
        for name in ("ebb/night", "tide/noon", "tide/morning", "ebb/noon"):
            book.add_text(tx, found[name], f"{name} narration", approved=name != "ebb/noon")
        book.add_text(tx, found["tide/noon"], "tide/noon dialogue", stage="dialogue", approved=True)
        book.add_text(tx, found["tide/noon"], "a later draft", stage="narration")
        pages.update(tx, found["ebb/night"].id, archived=True)

    await store.transact(work)
    sections = await store.read(revisions.approved_sections)
    assert [page for page, _, _ in sections] == [found[name].id for name in ("tide/morning", "tide/noon", "tide/noon")]
    assert {(stage, one.text) for _, stage, one in sections} == {
        ("narration", "tide/morning narration"),
        ("narration", "tide/noon narration"),
        ("dialogue", "tide/noon dialogue"),
    }
    ebb = found["ebb/noon"].chapter_id
    assert await store.read(lambda tx: revisions.approved_sections(tx, ebb)) == []


async def test_feedback_round_trip_and_what_is_still_open(store: Store) -> None:
    page = (await store.transact(book.small_book))["tide/morning"]
    of = book.revision(page)
    notes = [replace(book.feedback(of, f"note {n}"), created_at=book.later(n)) for n in range(4)]
    request = book.feedback(of, "revise", FeedbackKind.REVISE)

    def work(tx: Tx) -> None:
        for one in (*notes, request):
            feedback.insert(tx, one)
        feedback.mark_used(tx, [notes[0].id], "run-1")
        feedback.resolve(tx, notes[1].id)
        feedback.resolve(tx, notes[2].id, True)
        feedback.resolve(tx, notes[2].id, False)
        feedback.mark_used(tx, [], "run-2")

    await store.transact(work)
    found = await store.read(lambda tx: feedback.open_notes(tx, page.id, "narration"))
    assert sorted(found, key=lambda one: one.text) == [notes[2], notes[3], request]
    assert await store.read(lambda tx: feedback.get(tx, notes[0].id)) == replace(notes[0], used_by_run="run-1")
    assert len(await store.read(lambda tx: feedback.listing(tx, page.id))) == 5
    assert await store.read(lambda tx: feedback.listing(tx, page.id, "dialogue")) == []
    with pytest.raises(NotFound):
        await store.transact(lambda tx: feedback.resolve(tx, "nobody", True))


async def test_kept_words_are_replaced_per_author_and_place_and_forgotten_when_empty(store: Store) -> None:
    first = Keepsake("ana", "p1", "feedback:narration", "shor", None, book.later(1))
    second = replace(first, text="shorter, and [b]", base_revision="r1", updated_at=book.later(2))
    others = [replace(first, author="ben"), replace(first, page_id="p2"), replace(first, place="brief")]

    def work(tx: Tx) -> None:
        for one in (first, second, *others):
            words.keep(tx, one)

    await store.transact(work)
    assert await store.read(lambda tx: words.listing(tx, "ana", "p1")) == [second, others[2]]
    assert len(await store.read(lambda tx: words.listing(tx, "ana"))) == 3
    await store.transact(lambda tx: words.keep(tx, replace(second, text="")))
    assert await store.read(lambda tx: words.listing(tx, "ana", "p1")) == [others[2]]
    assert await store.read(lambda tx: words.listing(tx, "ben", "p1")) == [others[0]]


async def test_a_blob_is_kept_once_under_the_digest_of_its_text(store: Store) -> None:
    names = await store.transact(lambda tx: [blobs.put(tx, "same"), blobs.put(tx, "same"), blobs.put(tx, "")])
    assert names == [digest("same"), digest("same"), digest("")]
    assert await store.read(lambda tx: tx.one("SELECT count(*) FROM blobs")) == (2,)
    with pytest.raises(NotFound):
        await store.read(lambda tx: blobs.get(tx, "unknown"))


def document(path: str, body: str = "Tall.", **changes: object) -> CanonDocument:
    made = CanonDocument(
        path, "Ilse Vane", "character", body, digest(path + body), aliases=("Ilse",), extra={"age": 41}
    )
    return replace(made, **changes)  # type: ignore[arg-type]


async def record(store: Store, *docs: CanonDocument) -> list[str]:
    return await store.transact(lambda tx: canon.record(tx, docs))


async def test_a_canon_document_gets_a_version_only_when_its_digest_is_new(store: Store) -> None:
    ilse, oak = document("characters/ilse.md"), document("lore/oak.md", include=Include.ALWAYS)
    assert await record(store, ilse, oak) == [ilse.path, oak.path]
    assert await record(store, oak, ilse) == []
    older = replace(ilse, body="Taller.", digest="new")
    assert await record(store, older, oak) == [ilse.path]
    found = await store.read(lambda tx: canon.versions(tx, ilse.path))
    assert [(one.version, one.digest, one.gone) for one in found] == [(1, ilse.digest, False), (2, "new", False)]
    assert await store.read(lambda tx: (canon.text(tx, ilse.digest), canon.text(tx, "new"))) == ("Tall.", "Taller.")


async def test_a_vanished_document_is_recorded_as_gone_once_and_can_come_back(store: Store) -> None:
    ilse = document("characters/ilse.md")
    await record(store, ilse)
    assert await record(store) == [ilse.path]
    assert await record(store) == []
    assert await record(store, ilse) == [ilse.path]
    found = await store.read(lambda tx: canon.versions(tx, ilse.path))
    assert [one.gone for one in found] == [False, True, False]
    assert await store.read(lambda tx: canon.text(tx, ilse.digest)) == ilse.body


async def test_a_return_to_an_earlier_text_is_a_version_of_its_own(store: Store) -> None:
    ilse = document("characters/ilse.md")
    for body, mark in (("a", "1"), ("b", "2"), ("a", "1")):
        await record(store, replace(ilse, body=body, digest=mark))
    found = await store.read(lambda tx: canon.versions(tx, ilse.path))
    assert [one.digest for one in found] == ["1", "2", "1"]


async def test_pins_are_set_changed_and_left_to_the_rules(store: Store) -> None:
    def work(tx: Tx) -> None:
        canon.pin(tx, "p1", "a.md", "in")
        canon.pin(tx, "p1", "a.md", "out")
        canon.pin(tx, "p1", "b.md", "in")
        canon.pin(tx, "p1", "c.md", "in")
        canon.pin(tx, "p1", "c.md", "auto")
        canon.pin(tx, "p2", "a.md", "in")

    await store.transact(work)
    assert await store.read(lambda tx: canon.pins(tx, "p1")) == {"a.md": "out", "b.md": "in"}
    with pytest.raises(BadInput):
        await store.transact(lambda tx: canon.pin(tx, "p1", "a.md", "maybe"))


async def test_the_ledger_of_a_run_keeps_every_decision_in_order(store: Store) -> None:
    entries = [
        LedgerEntry(EntryKind.CANON, "Ilse", Reason.ALIAS, 120, "d1", '"Ilse" in the brief', "", "characters/ilse.md"),
        LedgerEntry(EntryKind.PRIOR_PAGE, "1/1", Reason.PRIOR, 300, left_out="budget"),
        LedgerEntry(EntryKind.BRIEF, "brief", Reason.REQUEST, 40),
    ]
    await store.transact(lambda tx: ledger.insert(tx, "run-1", entries))
    await store.transact(lambda tx: ledger.insert(tx, "run-2", []))
    assert await store.read(lambda tx: ledger.listing(tx, "run-1")) == entries
    assert await store.read(lambda tx: ledger.listing(tx, "run-2")) == []


async def test_single_values_ratios_and_the_mirror_are_replaced(store: Store) -> None:
    def work(tx: Tx) -> None:
        for value in ("1", "2"):
            meta.put(tx, "key", value)
            ratios.put(tx, "openai", "gpt-6", "prose", float(value) / 3, int(value))
            mirror.put(tx, "p1", f"manuscript/{value}.md", value, f"f{value}")
        mirror.put(tx, "p2", "manuscript/0.md", "x", "f")
        mirror.put(tx, "p3", "manuscript/9.md", "x", "f")
        mirror.remove(tx, "p3")

    await store.transact(work)
    assert await store.read(lambda tx: (meta.get(tx, "key"), meta.get(tx, "none"))) == ("2", None)
    assert await store.read(lambda tx: ratios.get(tx, "openai", "gpt-6", "prose")) == (2 / 3, 2)
    assert await store.read(lambda tx: ratios.get(tx, "openai", "gpt-6", "code")) is None
    assert await store.read(lambda tx: mirror.get(tx, "p1")) == mirror.MirrorState("p1", "manuscript/2.md", "2", "f2")
    assert await store.read(lambda tx: mirror.get(tx, "p3")) is None
    assert [one.page_id for one in await store.read(mirror.all)] == ["p2", "p1"]


async def test_a_few_texts_of_a_long_book_are_read_without_the_memory_for_all(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(opening._CONFIG, "memory_limit", "40MB")
    store = await Store.open(database)
    pages_made: list[Page] = []

    def work(tx: Tx, part: int) -> None:
        chapter = book.chapter(f"chapter-{part}", part + 1)
        chapters.insert(tx, chapter)
        for number in range(100):
            page = book.page(chapter, f"page-{part}-{number}", number + 1)
            pages.insert(tx, page)
            book.add_text(tx, page, f"{part}/{number} " * 6_000, approved=True)
            pages_made.append(page)

    for part in range(14):
        await store.transact(lambda tx, part=part: work(tx, part))  # type: ignore[misc]
        await store.checkpoint()
    some = [page.id for page in pages_made[-3:]]
    assert set(await store.read(lambda tx: revisions.approved(tx, some[0]))) == {"narration"}
    assert set(await store.read(lambda tx: revisions.head_texts(tx, "narration", some))) == set(some)
    ids = await store.read(revisions.approved_ids)
    wanted = [ids[page]["narration"] for page in some]
    assert set(await store.read(lambda tx: revisions.some(tx, wanted))) == set(wanted)
    await store.aclose()
