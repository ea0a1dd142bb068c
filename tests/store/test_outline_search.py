"""The outline in a large book, search in any script, and the views."""

from __future__ import annotations

import pytest

from studio.domain.page import Page
from studio.domain.run import RunStatus
from studio.store import chapters, outline, pages, runs, search
from studio.store.database import Store
from studio.store.transaction import Tx
from tests.store import book

STAGES = ("narration", "dialogue")


async def test_the_outline_tells_numbers_approved_stages_and_the_live_run(store: Store) -> None:
    found = await store.transact(book.small_book)
    live = book.run(found["ebb/night"])

    def work(tx: Tx) -> None:
        book.add_text(tx, found["tide/noon"], "n", approved=True)
        book.add_text(tx, found["tide/noon"], "d", stage="dialogue", approved=True)
        book.add_text(tx, found["tide/noon"], "b", stage="brief", approved=True)
        book.add_text(tx, found["ebb/noon"], "n")
        pages.update(tx, found["tide/morning"].id, archived=True)
        runs.insert(tx, live)
        runs.insert(tx, book.run(found["ebb/noon"], status=RunStatus.COMPLETED))
        chapters.insert(tx, book.chapter("empty", 3))

    await store.transact(work)
    rows = await store.read(lambda tx: outline.outline(tx, STAGES))
    assert [(row.number, row.chapter.slug, len(row.pages)) for row in rows] == [
        (1, "tide", 1),
        (2, "ebb", 2),
        (3, "empty", 0),
    ]
    told = [(line.page.slug, line.number, line.stages_done, line.live) for row in rows for line in row.pages]
    assert told == [("noon", 1, 2, None), ("noon", 1, 0, None), ("night", 2, 0, live.id)]
    everything = await store.read(lambda tx: outline.outline(tx, STAGES, archived=True))
    assert [(line.page.slug, line.number) for line in everything[0].pages] == [("morning", 0), ("noon", 1)]


def large_book(tx: Tx) -> None:
    """100 chapters of 100 pages, 10 revisions each, the last of them head and approved."""
    tx.run(
        "INSERT INTO chapters SELECT 'c' || n, 'chapter-' || n, n, 'Chapter ' || n, $1, false FROM range(1, 101) t(n)",
        tx.now,
    )
    tx.run(
        "INSERT INTO story_pages SELECT 'p' || n, 'c' || (n // 100 + 1), 'page-' || n, n % 100, 'Page ' || n, "
        "'page_approved', 1, $1, $1, false FROM range(10000) t(n)",
        tx.now,
    )
    tx.run(
        "INSERT INTO page_revisions SELECT 'r' || n, 'p' || (n // 10), 'narration', n % 10 + 1, "
        "repeat('The rain went on over the harbour. ', 10) || n, 'd', 'agent', 'ana', $1, 'complete', "
        "NULL, NULL, NULL, NULL, NULL, '', n FROM range(100000) t(n)",
        tx.now,
    )
    tx.run(
        "INSERT INTO page_stages SELECT 'p' || n, 'narration', 'r' || (n * 10 + 9), 'r' || (n * 10 + 9) FROM range(10000) t(n)"
    )


async def test_a_book_of_ten_thousand_pages_and_a_hundred_thousand_revisions_is_whole_everywhere(store: Store) -> None:
    await store.transact(large_book)
    await store.checkpoint()
    rows = await store.read(lambda tx: outline.outline(tx, STAGES))
    assert len(rows) == 100
    assert sum(line.stages_done for row in rows for line in row.pages) == 10_000
    assert [line.number for line in rows[41].pages] == list(range(1, 101))
    assert len(await store.read(pages.listing)) == 10_000
    assert (await store.read(lambda tx: pages.resolve(tx, "42/7"))).id == "p4106"
    hits = await store.read(lambda tx: search.pages(tx, "HARBOUR. 41069", 10))
    assert [(hit.page, hit.match) for hit in hits] == [("p4106", "harbour. 41069")]
    assert len(await store.read(lambda tx: search.pages(tx, "rain", 201))) == 201
    assert await store.read(lambda tx: tx.one("SELECT sum(pages), sum(approved) FROM v_chapter_progress")) == (
        10_000,
        10_000,
    )


@pytest.fixture
async def page(store: Store) -> Page:
    found = await store.transact(book.small_book)
    return found["tide/noon"]


async def find(store: Store, text: str, limit: int = 50) -> list[tuple[str, int, str]]:
    hits = await store.read(lambda tx: search.pages(tx, text, limit))
    return [(hit.stage, hit.line, hit.match) for hit in hits]


async def test_search_looks_in_titles_briefs_and_the_newest_revisions_only(store: Store, page: Page) -> None:
    def work(tx: Tx) -> None:
        book.add_text(tx, page, "Noon, older.")
        book.add_text(tx, page, "A line.\nThe tower at noon and again NOON.\nNothing.\nnoon")
        book.add_text(tx, page, "Before noon.", stage="brief")

    await store.transact(work)
    assert await find(store, "noon") == [
        ("", 0, "Noon"),
        ("brief", 1, "noon"),
        ("narration", 2, "noon"),
        ("narration", 4, "noon"),
        ("", 0, "Noon"),
    ]
    assert await find(store, "older") == []
    assert len(await find(store, "noon", 2)) == 2
    assert await find(store, "  ") == []
    assert await find(store, "noon", 0) == []


async def test_a_hit_shows_the_line_around_it(store: Store, page: Page) -> None:
    await store.transact(lambda tx: book.add_text(tx, page, "x\n" + "a" * 100 + " needle " + "b" * 100))
    hit = (await store.read(lambda tx: search.pages(tx, "needle", 5)))[0]
    assert (hit.kind, hit.page, hit.title, hit.line) == ("page", page.id, page.title, 2)
    assert (len(hit.before), hit.match, len(hit.after)) == (60, "needle", 60)


async def test_archived_pages_are_not_found(store: Store, page: Page) -> None:
    await store.transact(lambda tx: book.add_text(tx, page, "needle"))
    await store.transact(lambda tx: pages.update(tx, page.id, archived=True))
    assert await find(store, "needle") == []


@pytest.mark.parametrize(
    ("text", "wanted", "match"),
    [
        ("ΣΊΣΥΦΟΣ", "σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("ο Σίσυφος.", "ΣΊΣΥΦΟΣ", "Σίσυφος"),
        ("Große Straße", "STRASSE", "Straße"),
        ("STRASSE", "straße", "STRASSE"),
        ("ПРИВЕТ мир", "привет", "ПРИВЕТ"),
        ("東京の雨", "京の", "京の"),
        ("fine", "ﬁN", "fin"),
        ("100% _done_ \\o/ 'x'", "100% _d", "100% _d"),
        ("100 percent done", "100%", None),
        ("a\\b", "\\", "\\"),
        ("'; DROP TABLE runs; --", "'; drop", "'; DROP"),
        ("tab\tand [b]markup[/b]", "[B]", "[b]"),
    ],
)
async def test_search_knows_case_in_any_script_and_takes_every_sign_literally(
    store: Store, page: Page, text: str, wanted: str, match: str | None
) -> None:
    await store.transact(lambda tx: book.add_text(tx, page, text))
    assert [found for _, _, found in await find(store, wanted)] == ([] if match is None else [match])


async def test_the_views_answer_in_a_small_book(store: Store, page: Page) -> None:
    await store.transact(lambda tx: pages.update(tx, page.id, state="page_approved"))
    await store.transact(lambda tx: book.add_text(tx, page, "text", approved=True))
    summary = await store.read(
        lambda tx: tx.all(
            "SELECT slug, state, revisions, approved_stages FROM v_page_status_summary ORDER BY chapter, page"
        )
    )
    assert summary[1] == ("noon", "page_approved", 1, 1)
    assert len(summary) == 4
    progress = await store.read(
        lambda tx: tx.all("SELECT slug, pages, approved FROM v_chapter_progress ORDER BY position")
    )
    assert progress == [("tide", 2, 1), ("ebb", 2, 0)]
