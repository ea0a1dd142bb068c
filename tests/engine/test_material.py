"""What a prompt is told of the pages before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from studio.domain.page import Page
from studio.domain.run import RunKind
from studio.engine.material import PriorPage, gather
from studio.store import chapters, pages
from studio.store.database import Store
from studio.store.transaction import Tx
from studio.workflows.library import load
from tests.store import book

COUNT = 12


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "book.duckdb")
    yield opened
    await opened.aclose()


def add_book(tx: Tx) -> list[Page]:
    """Two chapters of six pages, all but the last approved; the second is archived."""
    made: list[Page] = []
    for place in (1, 2):
        chapter = book.chapter(f"chapter-{place}", place)
        chapters.insert(tx, chapter)
        for number in range(1, COUNT // 2 + 1):
            page = book.page(chapter, f"page-{place}-{number}", number)
            pages.insert(tx, page, "story")
            book.add_text(tx, page, f"Brief of {page.slug}.", stage="brief")
            if len(made) < COUNT - 1:
                book.add_text(tx, page, f"Text of {page.slug}.", approved=True)
            made.append(page)
    pages.update(tx, made[1].id, archived=True)
    return made


def told(priors: Sequence[PriorPage]) -> list[tuple[int, int, str, str]]:
    return [(one.chapter_number, one.number, one.brief, one.sections[0][1].text) for one in priors]


async def test_earlier_pages_come_in_book_order_with_their_places_briefs_and_approved_texts(store: Store) -> None:
    made = await store.transact(add_book)
    workflow = load("story")
    stage = workflow.stage("narration")
    found = await store.read(lambda tx: gather(tx, workflow, made[7].id, stage, RunKind.DRAFT, None, most=40))
    assert told(found.priors) == [
        (1, 1, "Brief of page-1-1.", "Text of page-1-1."),
        (1, 2, "Brief of page-1-3.", "Text of page-1-3."),
        (1, 3, "Brief of page-1-4.", "Text of page-1-4."),
        (1, 4, "Brief of page-1-5.", "Text of page-1-5."),
        (1, 5, "Brief of page-1-6.", "Text of page-1-6."),
        (2, 1, "Brief of page-2-1.", "Text of page-2-1."),
    ]
    assert (found.chapter_number, found.number) == (2, 2)
    assert found.brief is not None
    assert found.brief.text == "Brief of page-2-2."


@pytest.mark.parametrize(("most", "first"), [(40, 0), (10, 0), (9, 4), (5, 6), (0, 10)])
async def test_of_many_earlier_pages_the_last_are_told_in_blocks(store: Store, most: int, first: int) -> None:
    made = await store.transact(add_book)
    workflow = load("story")
    stage = workflow.stage("narration")
    found = await store.read(lambda tx: gather(tx, workflow, made[-1].id, stage, RunKind.DRAFT, None, most=most))
    before = [one for one in made[:-1] if one.id != made[1].id]
    assert [one.page.id for one in found.priors] == [one.id for one in before[first:]]
