"""The outline in prepared lines: chapters and pages with a sign for their state. No Textual."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from studio.domain.words import OURS, Words
from studio.protocol.views import ChapterLine, PageLine, ProjectView
from studio.tui.glyphs import Glyphs
from studio.tui.presenters.lines import BLANK, Line, fit, line, spread


def state_sign(page: PageLine, glyphs: Glyphs) -> tuple[str, str]:
    """The sign of a page's state and its style."""
    if page.live:
        return glyphs.drafting, "accent"
    return {
        "user_reviewing": (glyphs.waiting, "wait"),
        "approved": (glyphs.approved, "ok"),
        "failed": (glyphs.failed, "error"),
        "interrupted": (glyphs.failed, "error"),
    }.get(page.phase, (glyphs.empty, "dim"))


@dataclass(frozen=True, slots=True)
class Look:
    """What the outline depends on besides the book: `here` is the page on the screen, `others` are those on somebody else's;
    the two keys make a page and a chapter, and are empty where nothing may be made."""

    here: str | None
    others: Set[str]
    folded: Set[str]
    width: int
    glyphs: Glyphs
    new_page: str
    new_chapter: str
    words: Words = OURS


def outline_lines(project: ProjectView | None, look: Look) -> list[Line]:
    """One row per chapter and page; the stop of a row is the id of what it shows."""
    if project is None:
        return []
    if not project.chapters:
        hint = [line((look.new_chapter, "key"), (" makes the first one.", "dim"))] if look.new_chapter else []
        return [line((look.words.put("No chapter yet."), "dim")), *hint]
    found: list[Line] = []
    for chapter in project.chapters:
        if found:
            found.append(BLANK)
        found += _chapter(chapter, look)
    return found


def _chapter(chapter: ChapterLine, look: Look) -> list[Line]:
    glyphs, folded = look.glyphs, chapter.id in look.folded
    within = folded and any(page.id in look.others for page in chapter.pages)
    count = f"{glyphs.other} {chapter.approved}/{chapter.total}" if within else f"{chapter.approved}/{chapter.total}"
    sign = f"{glyphs.folded} " if folded else ""
    head = spread(((f"{sign}{chapter.number} {chapter.title}", "strong"),), ((count, "dim"),), look.width, chapter.id)
    if folded:
        return [head]
    if not chapter.pages and look.new_page:
        return [head, line(("  ", "text"), (look.new_page, "key"), (look.words.put(" makes a page"), "dim"), stop=None)]
    return [head, *(_page(page, look) for page in chapter.pages)]


def _page(page: PageLine, look: Look) -> Line:
    here, other = page.id == look.here, page.id in look.others
    width, glyphs = look.width, look.glyphs
    old = bool(page.outdated) and not page.archived
    mark = f"{glyphs.here} " if here else f"{glyphs.stale} " if old else "  "
    marked = "warn" if old and not here else "accent"
    if page.archived:
        return line(
            (mark, "accent"), (fit(f"- {page.title or page.slug}", width - 2, glyphs.more), "dim"), stop=page.id
        )
    sign, style = state_sign(page, glyphs)
    title = fit(f" {page.number} {page.title}".rstrip(), width - (5 if other else 3), glyphs.more)
    words = "strong" if here else "text" if page.phase != "awaiting" else "dim"
    beside = (f" {glyphs.other}", "accent") if other else ("", "text")
    return line((mark, marked), (sign, style), (title, words), beside, stop=page.id)
