"""The outline pane: chapters and pages; its cursor is a page or a chapter."""

from __future__ import annotations

from typing import ClassVar

from studio.protocol.views import ChapterLine, PageLine
from studio.tui.presenters.outline import Look, outline_lines
from studio.tui.presenters.people import on_pages
from studio.tui.widgets.line_view import LineView

MOST = 72
"""Cells of a row at most, where the outline has the whole screen."""


class Outline(LineView):
    """`fresh` is a chapter that was just made, and the page that was on the screen then: the next page goes there."""

    scopes: ClassVar = ("outline", "workbench", "anywhere")

    def __init__(self) -> None:
        super().__init__(id="outline")
        self.folded: set[str] = set()
        self.fresh: tuple[str, str | None] | None = None
        self._here: str | None = None

    @property
    def text_width(self) -> int:
        return min(super().text_width, MOST)

    def prepare(self, width: int) -> None:
        session = self.app.session
        here = session.page.id if session.page else None
        app, view = self.app, self.app.options.view
        new_page, new_chapter = ("" if view else app.keymap.shown(name) for name in ("page.new", "chapter.new"))
        look = Look(
            here,
            on_pages(session.others),
            self.folded,
            self.text_width - 1,
            app.glyphs,
            new_page,
            new_chapter,
            app.words,
        )
        stood = next((n for n, (stop, _, _) in enumerate(self.stops) if stop == self.cursor), None)
        self.set_lines(outline_lines(session.project, look))
        if stood is not None and self.cursor is None and self.stops:
            self.set_cursor(self.stops[min(stood, len(self.stops) - 1)][0])
        self._follow_page(here)
        if here is not None and here != self._here and self._span(here) is not None:
            self._here = here
            self.set_cursor(here)

    def _follow_page(self, here: str | None) -> None:
        """Where the outline is not in use its cursor is on the page on the screen, however that came into its rows or went; but
        not on one in a folded chapter, nor while it shows a chapter that was just made."""
        on_new_chapter = self.fresh is not None and self.fresh == (self.cursor, here)
        if self.app.workbench.pane_in_use() is self or self.cursor == here or on_new_chapter:
            return
        folded = any(
            page.id == here for chapter in self._chapters() if chapter.id in self.folded for page in chapter.pages
        )
        self._here = here if folded else None

    def show(self) -> None:
        if not self.size.width:
            self._follow_page(self.app.session.page.id if self.app.session.page else None)
        else:
            self.prepare(self.size.width)

    def chapter_line(self) -> ChapterLine | None:
        """The chapter under the cursor, or that of the page under it."""
        for chapter in self._chapters():
            if chapter.id == self.cursor or any(page.id == self.cursor for page in chapter.pages):
                return chapter
        return None

    def page_line(self) -> PageLine | None:
        """The page under the cursor, None on a chapter."""
        return next((page for chapter in self._chapters() for page in chapter.pages if page.id == self.cursor), None)

    def _chapters(self) -> tuple[ChapterLine, ...]:
        project = self.app.session.project
        return project.chapters if project else ()

    def fold(self, close: bool) -> None:
        chapter = self.chapter_line()
        if chapter is None:
            return
        if close:
            self.folded.add(chapter.id)
        else:
            self.folded.discard(chapter.id)
        self.show()
        if close:
            self.set_cursor(chapter.id)

    def keep_in_sight(self) -> None:
        """After the book was put in another order: show the row that the cursor went along with."""
        if self.cursor is not None:
            self.set_cursor(self.cursor)

    def unfold(self, chapter: str) -> None:
        """Have the pages of a chapter on the screen."""
        if chapter in self.folded:
            self.folded.discard(chapter)
            self.show()
