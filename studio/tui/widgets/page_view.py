"""The page pane: one line view with the cells of a page; a live cell grows at its end."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from studio.domain.diff import paragraphs
from studio.protocol.views import PageView as Page
from studio.protocol.views import PlaceView, StageCell
from studio.tui.presenters import page as picture
from studio.tui.presenters.lines import BLANK, Line, line, wrap
from studio.tui.presenters.page import BRIEF, HEAD, MEASURE, Look, cell_of, head_stop
from studio.tui.presenters.stream import LiveText, StreamLines
from studio.tui.presenters.words import writes_files
from studio.tui.widgets.line_view import LineView

_KEYS = (
    "stop",
    "generate",
    "brief",
    "edit",
    "revise",
    "approve",
    "reopen",
    "comment",
    "resume.continue",
    "resume.keep",
    "resume.discard",
    "history",
    "page.new",
    "chapter.new",
    "tasks",
    "tools",
)


@dataclass(frozen=True, slots=True)
class Passage:
    """A paragraph of a stage's newest revision; `paragraph` counts from 0."""

    stage: str
    paragraph: int
    text: str
    revision: str


class PageView(LineView):
    """`stream` paints what a live run added, `tick` its figures; both only while one is on the screen."""

    scopes: ClassVar = ("page", "workbench", "anywhere")

    def __init__(self) -> None:
        super().__init__(id="page")
        self.folded: set[str] = set()
        self._asked = ""
        self._page: str | None = None
        self._live: LiveText | None = None
        self._grown: StreamLines | None = None
        self._head = self._text = self._board = -1
        self._old_stands = False  # whether the text that a live run is to follow stands in its place

    @property
    def shown(self) -> Page | None:
        return self.app.session.page

    # Drawing a page

    def prepare(self, width: int) -> None:
        column = max(min(MEASURE, width - 3), 1)
        self.indent = max((width - column - 2) // 2, 0)
        page = self.shown
        if page is None:
            self._live = self._grown = None
            self.set_lines(self._nothing(column))
            return
        first = page.id != self._page
        self._page = page.id
        live = self.app.session.live_on(page.id) or self._ending(page)
        ended = self._live if live is None or self._live is None or live.run != self._live.run else None
        fresh = live is not None and (self._live is None or self._live.run != live.run)
        self._live = live
        look = self._look(column)
        drawn = picture.page_picture(page, live, look)
        rows = self._with_stream(drawn, page, column)
        if first:
            self.top, self.cursor = 0, None
        # While a text grows, the empty rows under it are where it grows; after that, and where all of it fits, they only hide lines.
        self.set_lines(rows, full=live is None or len(rows) <= self.size.height)
        self._place(page, first, fresh)
        if ended is not None and not first:
            self._settle(page, ended)

    def _ending(self, page: Page) -> LiveText | None:
        """The run whose end was heard while the page is still known as it was before: its text stands until the page has it."""
        run = self._live.run if self._live is not None else ""
        return self._live if any(cell.live is not None and cell.live.id == run for cell in page.cells) else None

    def _settle(self, page: Page, ended: LiveText) -> None:
        """After a draft whose end was followed. Prose was read as it came and stays: a cursor out of sight goes to the first
        paragraph of it that begins on the screen, so that the next key is about words that are seen. What an application's role
        hands in was shown as a log until now, and is read from its heading."""
        if self.following and writes_files(self.app.session.project) and page.stage == ended.stage:
            self._to_heading(ended.stage)
            return
        if not self.following or self.sees(self.cursor):
            return
        seen = [stop for stop, row, _ in self.stops if self.top <= row < self.top + self.size.height]
        written = [stop for stop in seen if isinstance(stop, tuple) and stop[0] == ended.stage and stop[1] != HEAD]
        if written:
            self.set_cursor(written[0], scroll=False)

    def go_to_stage(self, stage: str) -> None:
        """The cursor on the head of a stage's cell, with as much of its text as fits."""
        self.set_cursor(head_stop(stage))

    def _to_heading(self, stage: str) -> None:
        """The cursor on the head of a cell, and that at the top of the view where the cell is not seen whole."""
        stop = head_stop(stage)
        if (span := self._span(stop)) is None:
            return
        self.set_cursor(stop, scroll=False)
        last = max(row for key, _, row in self.stops if cell_of(key) == stage)
        if span[0] < self.top or last >= self.top + self.size.height:
            self.top = min(span[0], max(len(self.lines) - self.size.height, 0))
        self.following = False
        self.repaint()

    def _with_stream(self, drawn: picture.Picture, page: Page, column: int) -> list[Line]:
        self._head, self._text, self._board = drawn.live_head, drawn.live_text, drawn.live_board
        self._old_stands = False
        if self._live is None or drawn.live_head < 0:
            self._grown = None
            return drawn.lines
        output = next((cell.output for cell in page.cells if cell.name == self._live.stage), "prose")
        self._grown = StreamLines(self._live.stage, output, column)
        rows = self._grown.feed(self._live.text)[1]
        if not rows and (cell := self._live_cell()) is not None:
            rows = picture.text_before(cell, self._look(column))
            self._old_stands = bool(rows)
        return [*drawn.lines, *rows]

    def _place(self, page: Page, first: bool, fresh: bool) -> None:
        """Where cursor and view go: on a page just opened to the cell that waits, or where the person was last unless a draft is
        being written there now; with a draft that they asked for to its cell. Else they stay."""
        if first:
            last = self.app.session.take_place(page.id)
            elsewhere = last is not None and (self._live is None or last.stage != self._live.stage)
            if not (last is not None and elsewhere and self._go_back(last)):
                self._arrive(page)
        elif self.cursor is None and self.stops:
            self.set_cursor(self.stops[0][0], scroll=False)
        if fresh and self._board >= 0 and (first or self.at_end or (self._live and self._live.run == self._asked)):
            self._go_to_board()
        elif fresh and self._live is not None and self._live.run == self._asked:
            self._go_to_draft()
        elif fresh and (first or self.at_end):
            self.following = True
            if first and self._old_stands:
                self._show_before()
            elif not self._old_stands:
                self._follow()
            self.repaint()

    def _arrive(self, page: Page) -> None:
        """The cursor on the cell that waits; where none does, on the first one that is written."""
        written = next((cell.name for cell in page.cells if cell.head is not None), BRIEF)
        stop = head_stop(page.stage or written)
        if self._span(stop) is not None:
            waits = self._live is None and page.stage is not None
            below = not self.sees(stop)
            self.set_cursor(stop, scroll=waits)
            if waits and below:
                self._to_heading(page.stage or written)

    def follow(self, run: str) -> None:
        """A draft was asked for from here: the cursor goes to its cell, and the view follows its end."""
        self._asked = run
        if self._live is not None and self._live.run == run:
            self._go_to_board() if self._board >= 0 else self._go_to_draft()

    def _go_to_draft(self) -> None:
        assert self._live is not None
        self._asked = ""
        self.set_cursor(head_stop(self._live.stage), scroll=not self._live.text and not self._old_stands)
        if self._old_stands:
            self._show_before()
        self.following = True

    def _show_before(self) -> None:
        """The head of a draft without a word yet, and under it, on half of the rows or more, the text that it is to follow."""
        self.top = max(self._head - self.size.height // 2, 0)
        self.repaint()

    def _go_to_board(self) -> None:
        """Work on files: its head at the top, with the tasks in sight; the log under them is followed by the key for the end."""
        assert self._live is not None
        self._asked = ""
        self.set_cursor(head_stop(self._live.stage), scroll=False)
        self.top, self.following = self._head, False
        self.repaint()

    def _go_back(self, place: PlaceView) -> bool:
        """Cursor and scroll as they were kept; False when the page has no such cell any more."""
        cell = place.stage or ""
        wanted: tuple[Hashable, ...] = ((cell, place.paragraph), head_stop(cell))
        stop = next((one for one in wanted if self._span(one) is not None), None)
        if stop is None:
            return False
        self.scroll_lines(place.scroll)
        self.set_cursor(stop)
        return True

    def scroll_lines(self, top: int) -> None:
        super().scroll_lines(top)
        self.app.workbench.place.moved()

    def sees(self, stop: Hashable) -> bool:
        """Whether a line of `stop` stands on the screen."""
        span = self._span(stop)
        return span is not None and span[1] >= self.top and span[0] < self.top + self.size.height

    def _in_sight(self, stop: Hashable) -> tuple[int, int] | None:
        """With the head of a cell its text: what is to be decided on is read first."""
        span, cell = self._span(stop), cell_of(stop)
        if span is None or cell is None or stop != head_stop(cell):
            return span
        after = (first for key, first, _ in self.stops if first > span[0] and cell_of(key) != cell)
        last = next(after, len(self.lines)) - 1
        while last > span[1] and self.lines[last] == BLANK:
            last -= 1
        return span[0], last

    def first_seen(self) -> Hashable:
        """The first stop on the screen, None without any."""
        return self._first_visible() if self.stops else None

    def _look(self, column: int) -> Look:
        app = self.app
        keys = {name: app.keymap.shown(name) for name in _KEYS if name in app.keymap.by_id and not app.only_looks(name)}
        watch = app.board
        return Look(
            column, app.glyphs, self.folded, keys, datetime.now(UTC), app.words, watch.board, watch.since
        )  # fmt: skip

    def _nothing(self, column: int) -> list[Line]:
        project = self.app.session.project
        if project is None or not self.app.session.connected or any(chapter.pages for chapter in project.chapters):
            return []
        files = writes_files(project)
        want = "page.new" if project.chapters or files else "chapter.new"
        first = "the first change" if files else "the first chapter"
        what = self.app.words.put("a page") if project.chapters else first
        makes = "" if self.app.options.view else f" {self.app.keymap.shown(want)} makes {what}."
        nothing = "No change is asked for yet." if files else "Nothing here yet."
        return [BLANK, *(line((row, "dim")) for row in wrap(f"{nothing}{makes}", column))]

    def show(self) -> None:
        if self.size.width:
            self._prepare()  # for the width that is now: it may be that of a layout between two

    # A live run

    def stream(self) -> None:
        """Paint what came since the last call."""
        if self._live is None or self._grown is None:
            return
        if not self._paint_board():
            self.show()
            return
        start, rows = self._grown.feed(self._live.text)
        if not rows:
            return
        if self._old_stands:
            self._old_stands = False
            self.top = min(self.top, max(self._text + len(rows) - self.size.height, 0))
        self.replace_tail(self._text + start, rows)

    def _paint_board(self) -> bool:
        """Paint the rows of the tasks that workers are at; False when there are others than were drawn."""
        cell = self._live_cell()
        works = cell is not None and cell.output == "code"
        rows = picture.board_rows(cell, self._look(self._column)) if cell is not None and works else []
        if len(rows) != (max(self._text - 1 - self._board, 0) if self._board >= 0 else 0):
            return False
        if rows and self.lines[self._board : self._board + len(rows)] != rows:
            self.lines[self._board : self._board + len(rows)] = rows
            self.repaint()
        return True

    def _live_cell(self) -> StageCell | None:
        page, live = self.shown, self._live
        return next((cell for cell in page.cells if cell.name == live.stage), None) if page and live else None

    def tick(self) -> bool:
        """Paint the live cell's figures; False when its head is out of sight."""
        cell = self._live_cell()
        if self._live is None or not self.sees_live():
            return False
        if cell is not None:
            look = self._look(self._column)
            self.set_line(self._head, picture.live_head(cell, picture.live_figures(cell, self._live, look), look))
        return True

    def sees_live(self) -> bool:
        """Whether the head of a live cell stands on the screen."""
        return self._live is not None and self.top <= self._head < self.top + self.size.height

    @property
    def _column(self) -> int:
        return max(min(MEASURE, self.size.width - 3), 1)

    # What the cursor is on

    def cell_name(self) -> str | None:
        """The cell under the cursor: `brief` or a stage."""
        return cell_of(self.cursor)

    def cell(self) -> StageCell | None:
        page, name = self.shown, self.cell_name()
        return next((cell for cell in page.cells if cell.name == name), None) if page else None

    def passage(self) -> Passage | None:
        """The paragraph under the cursor; None on a head, on the brief, without a revision, or where a draft that broke off stands
        in its place."""
        cell, stop = self.cell(), self.cursor
        if cell is None or cell.head is None or picture.partial_shown(cell) is not None:
            return None
        if not isinstance(stop, tuple) or not isinstance(stop[1], int):
            return None
        texts = paragraphs(cell.head.text)
        if stop[1] >= len(texts):
            return None
        return Passage(cell.name, stop[1], texts[stop[1]], cell.head.id)

    def fold(self, close: bool) -> None:
        name = self.cell_name()
        if name is None or (name != BRIEF and self.cell() is None):
            return
        if close:
            self.folded.add(name)
        else:
            self.folded.discard(name)
        self.show()
        if close:
            self.set_cursor(head_stop(name))
