"""What a person writes for a page: id, slug, `chapter-slug/page-slug`, numbers such as `2/14`, or `next`; or the id of a build,
which a program outside gave it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from studio.domain.errors import BadInput, NotFound
from studio.domain.page import Page
from studio.domain.text import one_line
from studio.store import builds, chapters, sql
from studio.store.naming import nearby, shown
from studio.store.transaction import Tx

_COLUMNS = "id chapter_id slug position title state version created_at updated_at archived"
_FROM = f"SELECT {sql.names(_COLUMNS, 'p')} FROM story_pages p JOIN chapters c ON c.id = p.chapter_id"
_ORDER = "ORDER BY c.position, c.id, p.position, p.id"
_NUMBERS = re.compile(r"(\d{1,9})\s*/\s*(\d{1,9})")


@dataclass(frozen=True, slots=True)
class _Slugged:
    """A page with the slug of its chapter, as a message shows it."""

    page: Page
    chapter: str

    def __str__(self) -> str:
        return f"{self.chapter}/{self.page.slug}"


def resolve(tx: Tx, ref: str, *, final_state: str = "page_approved") -> Page:
    """The page that `ref` names; `next` is the first in book order that is neither final nor archived.

    Raises NotFound with what there is nearby, and BadInput naming the candidates of an ambiguous slug, or for a
    build's id that is another change's name, too.
    """
    ref = ref.strip()
    if (row := tx.one(f"SELECT {sql.names(_COLUMNS)} FROM story_pages WHERE id = $1", ref)) is not None:
        return Page(*row)
    if ref == "next":
        return _next(tx, final_state)
    built = {one.page_id for one in builds.named(tx, one_line(ref))}
    try:
        page = _named(tx, ref)
    except NotFound:
        if not built:
            raise
        page = Page(*tx.all(f"{_FROM} WHERE p.id = $1", min(built))[0])
    if built - {page.id}:
        raise BadInput(
            f"{shown(ref)} names more than one change: it is the build_id that a program gave one of them.",
            hint="Name the change by its number, such as 1/2, or by its id.",
        )
    return page


def _named(tx: Tx, ref: str) -> Page:
    if numbers := _NUMBERS.fullmatch(ref):
        return _numbered(tx, int(numbers[1]), int(numbers[2]))
    if "/" in ref:
        return _in_chapter(tx, *ref.rsplit("/", 1))
    return _slugged(tx, ref)


def names(tx: Tx) -> dict[str, str]:
    """What a person would write for each page, by id: `2/14`, the slug of an archived one, which has no number."""
    numbers = {chapter.id: number for number, chapter in enumerate(chapters.listing(tx), start=1)}
    places: Counter[str] = Counter()
    found = {}
    for page_id, chapter_id, slug, archived in tx.all(
        f"SELECT p.id, p.chapter_id, p.slug, p.archived FROM story_pages p JOIN chapters c ON c.id = p.chapter_id {_ORDER}"
    ):
        places[chapter_id] += not archived
        numbered = not archived and chapter_id in numbers
        found[page_id] = f"{numbers[chapter_id]}/{places[chapter_id]}" if numbered else slug
    return found


def _next(tx: Tx, final_state: str) -> Page:
    row = tx.one(f"{_FROM} WHERE NOT p.archived AND NOT c.archived AND p.state <> $1 {_ORDER} LIMIT 1", final_state)
    if row is None and tx.one(f"{_FROM} WHERE NOT p.archived AND NOT c.archived {_ORDER} LIMIT 1") is None:
        raise NotFound("There is no page yet.", hint="Add a page first.")
    if row is None:
        raise NotFound("There is no next page: every page is approved.", hint="Add a page first.")
    return Page(*row)


def _numbered(tx: Tx, chapter_number: int, number: int) -> Page:
    chapter = chapters.resolve(tx, str(chapter_number))
    rows = tx.all(f"{_FROM} WHERE p.chapter_id = $1 AND NOT p.archived {_ORDER}", chapter.id)
    if not 0 < number <= len(rows):
        count = f"{len(rows)} page{'s' if len(rows) != 1 else ''}"
        raise NotFound(f"There is no page {chapter_number}/{number}.", hint=f"Chapter {chapter_number} has {count}.")
    return Page(*rows[number - 1])


def _in_chapter(tx: Tx, chapter_ref: str, slug: str) -> Page:
    chapter = chapters.resolve(tx, chapter_ref)
    row = tx.one(f"{_FROM} WHERE p.chapter_id = $1 AND p.slug = $2 {_ORDER}", chapter.id, slug)
    if row is not None:
        return Page(*row)
    known = [found[0] for found in tx.all("SELECT slug FROM story_pages WHERE chapter_id = $1", chapter.id)]
    raise NotFound(
        f"There is no page {shown(slug)!r} in the chapter {chapter.slug!r}.",
        hint=nearby(slug, known, "Name it by its slug or number."),
    )


def _slugged(tx: Tx, slug: str) -> Page:
    rows = tx.all(
        f"SELECT {sql.names(_COLUMNS, 'p')}, c.slug FROM story_pages p "
        f"JOIN chapters c ON c.id = p.chapter_id WHERE p.slug = $1 {_ORDER}",
        slug,
    )
    found = [_Slugged(Page(*row[:-1]), row[-1]) for row in rows]
    if len(found) > 1:
        found = [named for named in found if not named.page.archived] or found
    if len(found) == 1:
        return found[0].page
    if found:
        every = " and ".join(str(named) for named in found[:5])
        raise BadInput(f"{len(found)} pages are called {slug!r}: {every}.", hint="Name it with its chapter, as shown.")
    known = [row[0] for row in tx.all("SELECT DISTINCT slug FROM story_pages")]
    raise NotFound(
        f"There is no page {shown(slug)!r}.",
        hint=nearby(slug, known, "Name a page by slug, by numbers such as 1/2, or `next`."),
    )
