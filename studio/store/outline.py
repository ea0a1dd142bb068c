"""The whole outline in two queries: chapters, pages, how many stages are approved, which run is live."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from studio.domain.page import Chapter, Page
from studio.store import chapters, sql
from studio.store.pages import COLUMNS
from studio.store.transaction import Tx


@dataclass(frozen=True, slots=True)
class OutlinePage:
    """`number` counts the unarchived pages of the chapter from 1 (0 for an archived one); `live` is a queued or running run."""

    page: Page
    number: int
    stages_done: int
    live: str | None


@dataclass(frozen=True, slots=True)
class OutlineChapter:
    chapter: Chapter
    number: int
    pages: tuple[OutlinePage, ...]


def outline(tx: Tx, stages: Sequence[str], archived: bool = False) -> list[OutlineChapter]:
    """Chapters with their pages in book order; only approvals of `stages` are counted."""
    rows = tx.all(
        f"SELECT {sql.names(COLUMNS, 'p')}, coalesce(done.stages, 0), live.run_id FROM story_pages p "
        "LEFT JOIN (SELECT page_id, count(*) AS stages FROM page_stages "
        "WHERE approved_id IS NOT NULL AND stage = ANY($1::text[]) GROUP BY page_id) done ON done.page_id = p.id "
        "LEFT JOIN (SELECT page_id, max(id) AS run_id FROM runs WHERE status IN ('queued', 'running') GROUP BY page_id) live "
        "ON live.page_id = p.id WHERE $2 OR NOT p.archived ORDER BY p.chapter_id, p.position, p.id",
        list(stages),
        archived,
    )
    pages: defaultdict[str, list[OutlinePage]] = defaultdict(list)
    counted: defaultdict[str, int] = defaultdict(int)
    for *columns, done, live in rows:
        page = Page(*columns)
        counted[page.chapter_id] += not page.archived
        number = 0 if page.archived else counted[page.chapter_id]
        pages[page.chapter_id].append(OutlinePage(page, number, int(done), live))
    found = chapters.listing(tx, archived)
    numbers = {chapter.id: n for n, chapter in enumerate((c for c in found if not c.archived), 1)}
    return [OutlineChapter(chapter, numbers.get(chapter.id, 0), tuple(pages[chapter.id])) for chapter in found]
