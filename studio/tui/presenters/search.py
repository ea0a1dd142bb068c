"""Search results as rows and as a place to step through with n and N; and what the jump line means. No widgets."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace

from studio.protocol.views import PageLine, ProjectView, SearchHit
from studio.tui.presenters.fuzzy import Match, rank
from studio.tui.presenters.lines import Line, Span, fit, line
from studio.tui.presenters.spans import padded, width_of

_NUMBERS = re.compile(r"^\s*+(\d{1,9})(?:(?:\s*+[/.]\s*+|\s++)(\d{1,9}))?\s*+$")


@dataclass(frozen=True, slots=True)
class Hits:
    """Results and the one that is looked at; `step` goes round at the ends."""

    text: str
    hits: tuple[SearchHit, ...]
    at: int = 0
    more: bool = False

    @property
    def current(self) -> SearchHit | None:
        return self.hits[self.at] if self.hits else None

    def step(self, by: int) -> Hits:
        return replace(self, at=(self.at + by) % len(self.hits)) if self.hits else self

    @property
    def count(self) -> str:
        if not self.hits:
            return "nothing found"
        return f"{self.at + 1} of {len(self.hits)}{'+' if self.more else ''}"


def summary(found: Hits) -> str:
    pages = len({hit.page for hit in found.hits if hit.page})
    documents = len({hit.path for hit in found.hits if not hit.page})
    if not found.hits:
        return "nothing found"
    parts = [_count(pages, "page")] * bool(pages) + [_count(documents, "canon document")] * bool(documents)
    total = f"{_count(len(found.hits), 'place')}{' or more' if found.more else ''}"
    return f"{total} in {' and '.join(parts)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def hit_row(hit: SearchHit, numbers: dict[str, str], cells: int, stop: Hashable = None, more: str = "…") -> Line:
    """Where it is, then the words around it with the match in the middle; the start of the line gives way first."""
    where = f"{numbers.get(hit.page, '')} {hit.title}".strip() if hit.page else hit.title or hit.path
    detail = hit.stage if hit.page else f"canon:{hit.line}"
    column = max(12, min(30, cells // 4))
    head = (*padded([(fit(where, column, more), "strong")], column + 2), *padded([(fit(detail, 10, more), "dim")], 11))
    return line(*head, *_around(hit, cells - width_of(head), more), stop=stop)


def _around(hit: SearchHit, room: int, more: str) -> tuple[Span, ...]:
    match = fit(hit.match, room, more)
    left = max(0, min(len(hit.before), (room - len(match)) // 3))
    before = hit.before
    if len(before) > left:
        before = more + before[len(before) - left + len(more) :] if left > len(more) else ""
    after = fit(hit.after, max(0, room - len(before) - len(match)), more)
    return (before, "text"), (match, "match"), (after, "text")


@dataclass(frozen=True, slots=True)
class Place:
    """A page that the jump line can go to; `text` is what the letters are matched against."""

    page: PageLine
    chapter_number: int
    chapter_title: str

    @property
    def number(self) -> str:
        return f"{self.chapter_number}/{self.page.number}"

    @property
    def title(self) -> str:
        return self.page.title or self.page.slug

    @property
    def text(self) -> str:
        return f"{self.number} {self.title} {self.page.slug}"


def places(project: ProjectView) -> tuple[Place, ...]:
    return tuple(
        Place(page, chapter.number, chapter.title)
        for chapter in project.chapters
        for page in chapter.pages
        if not page.archived
    )


def numbers(known: Iterable[Place]) -> dict[str, str]:
    """Page numbers (`2/3`) by id."""
    return {place.page.id: place.number for place in known}


def jump(typed: str, known: tuple[Place, ...], chapter: int | None = None) -> list[Match[Place]]:
    """Pages for what was typed, best first: `2/14` by numbers, `14` in this chapter first, else slug and title.

    The numbers rank first; other pages whose title holds the digits follow.
    """
    exact = [Match(place, 9999, ()) for place in _numbered(typed, known, chapter)]
    there = {hit.item.page.id for hit in exact}
    return exact + [hit for hit in rank(typed, known, lambda place: place.text) if hit.item.page.id not in there]


def _numbered(typed: str, known: tuple[Place, ...], chapter: int | None) -> list[Place]:
    found = _NUMBERS.match(typed)
    if found is None:
        return []
    first, second = int(found[1]), found[2]
    if second is not None:
        return [place for place in known if (place.chapter_number, place.page.number) == (first, int(second))]
    here = [place for place in known if place.page.number == first and place.chapter_number == chapter]
    return here + [place for place in known if place.chapter_number == first and place.chapter_number != chapter]
