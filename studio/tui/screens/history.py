"""The history of a stage: its revisions and broken runs, each compared with another or read whole; restore and copy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import ClassVar, cast, get_args

from textual import events
from textual.containers import Container
from textual.widget import Widget

from studio.domain.errors import Conflict
from studio.domain.page import BRIEF
from studio.protocol.commands import Restore
from studio.protocol.events import AnyEvent, PageChanged
from studio.protocol.queries import GetHistory
from studio.protocol.views import HistoryView
from studio.tui.clipboard import copy
from studio.tui.presenters.diff import DiffText, compare, fits_side_by_side
from studio.tui.presenters.history import Against, Entry, base_for, entries, row, story
from studio.tui.presenters.lines import BLANK, Line, line, spread
from studio.tui.presenters.spans import MEASURE, flow
from studio.tui.presenters.text import text_lines
from studio.tui.screens.framed import Acts, FramedScreen
from studio.tui.widgets.bars import Rule
from studio.tui.widgets.line_view import LineView
from studio.tui.widgets.pick_list import PickList, empty_row
from studio.tui.widgets.wall import Wall

_BESIDE = 116
"""Columns from which the list stands beside the text: 36 for the list, and the measure with air for the text."""
_LIST = 40
_SCOPES = ("history", "anywhere")


class DiffView(LineView):
    """The difference or the text; the cursor steps from change to change."""

    scopes: ClassVar[tuple[str, ...]] = _SCOPES

    def __init__(self, screen: HistoryScreen) -> None:
        super().__init__(id="text")
        self.history = screen

    def prepare(self, width: int) -> None:
        if width:
            self.set_lines(self.history.text_rows(self.text_width - 1))


class EntryList(PickList, can_focus=False):
    scopes: ClassVar[tuple[str, ...]] = _SCOPES


class HistoryScreen(FramedScreen):
    """Opens on the newest revision against the one it was made from, as the key `d` asks for, or against one that was `seen`."""

    DEFAULT_CSS = """
    HistoryScreen #panes { layout: vertical; height: 1fr; }
    HistoryScreen #panes.beside { layout: horizontal; }
    HistoryScreen #list { height: 6; }
    HistoryScreen .beside #list { height: 1fr; }
    HistoryScreen #text { height: 1fr; width: 1fr; }
    """
    scopes: ClassVar[tuple[str, ...]] = _SCOPES

    def __init__(self, page: str, stage: str, *, whole: bool = False, seen: str | None = None) -> None:
        super().__init__()
        self.page, self.stage = page, stage
        self.view: HistoryView | None = None
        self.rows: tuple[Entry, ...] = ()
        self.against: Against = "marked" if seen else "previous"
        self.marked: str | None = seen
        self.whole, self.side = whole, False
        self.undo: tuple[str, str] | None = None
        self._diff: DiffText | None = None
        self.list = EntryList(self._list_rows, id="list")
        self.text = DiffView(self)
        self.wall = Wall(id="history-wall")
        self.between = Rule(id="between")
        self.panes = Container(self.list, self.wall, self.between, self.text, id="panes")

    def body(self) -> Iterable[Widget]:
        yield self.panes

    def on_mount(self) -> None:
        self.fold()
        self.text.focus()
        self.app.session.listeners.append(self._hear)
        self.app.spawn(self.ask())

    def on_unmount(self) -> None:
        self.app.session.listeners.remove(self._hear)

    def _hear(self, event: AnyEvent) -> None:
        if isinstance(event, PageChanged) and event.page == self.page:
            self.app.spawn(self._ask_again())

    async def _ask_again(self) -> None:
        """The page changed, perhaps by somebody else: the list is new, the row under the cursor and its text stay."""
        here = self.list.cursor
        view = await self.app.session.query(GetHistory(page=self.page))
        if not self.is_mounted:
            return
        self.view, self.rows = view, entries(view, self.stage)
        self.list.show()
        self.list.scroll_lines(0)
        self.list.set_cursor(self.list.cursor)
        if self.list.cursor != here or self.entry is None:
            self.show_stage(here if isinstance(here, str) else None)
            return
        self.text.prepare(self.text.size.width)
        self.show_head()
        self.show_footer()

    def on_resize(self, event: events.Resize) -> None:
        self.fold()

    def fold(self) -> None:
        """The list beside the text where there is room, else above it."""
        beside = self.app.size.width >= _BESIDE
        self.panes.set_class(beside, "beside")
        self.list.styles.width = _LIST if beside else "1fr"
        self.wall.display, self.between.display = beside, not beside

    # What is shown

    async def ask(self, keep: str | None = None) -> None:
        """Ask the engine again; the cursor goes to `keep`, else to the newest row."""
        view = await self.app.session.query(GetHistory(page=self.page))
        if self.is_mounted:
            self.view = view
            self.show_stage(keep)

    def show_stage(self, keep: str | None = None) -> None:
        self.rows = entries(self.view, self.stage) if self.view else ()
        self.list.show(first=True)
        if keep is not None and any(entry.id == keep for entry in self.rows):
            self.list.set_cursor(keep)
        self.show_entry()

    def show_entry(self) -> None:
        self.text.to_top()
        self.text.set_cursor(None, scroll=False)
        self.text.prepare(self.text.size.width)
        self.show_head()
        self.show_footer()

    @property
    def entry(self) -> Entry | None:
        return next((entry for entry in self.rows if entry.id == self.list.cursor), None)

    @property
    def base(self) -> Entry | None:
        return base_for(self.entry, self.rows, self.against, self.marked) if self.entry else None

    def show_head(self) -> None:
        page = self.app.session.page
        title = page.title if page and page.id == self.page else ""
        stage = self.app.words["brief"] if self.stage == BRIEF else self.stage
        self.head.say(self.title_spans(f"History of {stage}", title), ((self._what(), "dim"),))

    def _what(self) -> str:
        entry, base = self.entry, self.base
        if entry is None:
            return ""
        if self.whole or base is None or self._diff is None:
            return f"{entry.label}, the whole text"
        return f"{base.label} to {entry.label}: {self._diff.summary}"

    def _list_rows(self, width: int) -> Sequence[Line]:
        if self.view is None:
            return empty_row("Looking...")
        now = datetime.now(UTC)
        found: list[Line] = []
        for entry in self.rows:
            top, below = row(entry, width - 1, now, self.app.glyphs)
            mark = (f"{self.app.glyphs.here} compare with", "accent")
            found += [
                top,
                spread(below.spans, (mark,), width - 1, entry.id) if entry.id == self.marked else below,
            ]
        return found or empty_row("Nothing written here yet.")

    def text_rows(self, width: int) -> list[Line]:
        """The rows for the entry under the cursor: what is known of it, then the difference or the whole text."""
        entry, base = self.entry, self.base
        self._diff = None
        if entry is None:
            return []
        measure = min(width, MEASURE)
        told = [part for said in story(entry) for part in flow([(said, "dim")], measure)]
        told += [BLANK] if told else []
        if self.whole or base is None:
            return [BLANK, *told, *text_lines(entry.text, entry.stage, self._output(), measure)]
        self._diff = compare(base.text, entry.text, width - 2, side_by_side=self.side, glyphs=self.app.glyphs)
        rows = list(self._diff.rows) or [line(("The texts are the same.", "dim"))]
        return [BLANK, *told, *rows]

    def _output(self) -> str:
        page = self.app.session.page
        return next((cell.output for cell in page.cells if cell.name == self.stage), "prose") if page else "prose"

    # Keys

    def acts(self) -> Acts:
        acts: Acts = {
            **super().acts(),
            "change.next": lambda: self.move_change(1),
            "change.previous": lambda: self.move_change(-1),
            "entry.down": lambda: self.move_entry(1),
            "entry.up": lambda: self.move_entry(-1),
            "history.against": self.next_base,
            "history.mark": self.mark,
            "history.text": self.toggle_text,
            "history.side": self.toggle_side,
            "history.copy": self.copy_text,
            "history.stage": self.next_stage,
        }
        if self.can_restore():
            acts["history.restore"] = self.restore
        if self._asked():
            acts["history.prompt"] = self.open_prompt
        if self.undo is not None:
            acts["history.undo"] = self.undo_restore
        return acts

    def move_entry(self, step: int) -> None:
        self.list.move(step)
        self.show_entry()

    def move_change(self, step: int) -> None:
        self.text.move(step)

    def next_stage(self) -> None:
        page = self.app.session.page
        names = [BRIEF, *(cell.name for cell in page.cells)] if page else [self.stage]
        at = names.index(self.stage) if self.stage in names else -1
        self.stage = names[(at + 1) % len(names)]
        self.marked = None
        self.show_stage()

    def next_base(self) -> None:
        """Compare with the previous, the approved, the newest or the marked revision, in turn; those that are not there are skipped."""
        kinds = cast("tuple[Against, ...]", get_args(Against))
        at = kinds.index(self.against)
        for kind in (*kinds[at + 1 :], *kinds[: at + 1]):
            if self.entry and base_for(self.entry, self.rows, kind, self.marked):
                self.against, self.whole = kind, False
                break
        self.show_entry()
        self.app.say(f"Compared with the {self.against} one." if self.base else "There is nothing to compare it with.")

    def mark(self) -> None:
        self.marked = self.entry.id if self.entry and self.entry.id != self.marked else None
        self.against = "marked" if self.marked else "previous"
        self.list.show()
        self.show_entry()

    def toggle_text(self) -> None:
        self.whole = not self.whole
        self.show_entry()

    def toggle_side(self) -> None:
        if not self.side and not fits_side_by_side(self.text.text_width - 2):
            self.app.say("Two columns need a wider terminal.", "warning")
            return
        self.side, self.whole = not self.side, False
        self.show_entry()

    def copy_text(self) -> None:
        if self.entry is not None:
            self.app.say(copy(self.app, self.entry.text))

    def _asked(self) -> str:
        """The run behind the entry, whose prompt is kept; work on files has a prompt for each of its calls."""
        if self.entry is None or self._output() == "code":
            return ""
        if self.entry.run is not None:
            return self.entry.run.id
        return (self.entry.revision.run if self.entry.revision else None) or ""

    async def open_prompt(self) -> None:
        await self.app.open_screen("exact", page=self.page, run=self._asked())

    # Restore

    def can_restore(self) -> bool:
        return self.entry is not None and bool(self.entry.text.strip()) and not self.entry.newest

    async def restore(self) -> None:
        """Make what is under the cursor (a revision, or what a broken run left) the newest, as a new revision; nothing is lost, and
        `u` puts the former back."""
        entry = self.entry
        newest = next((other for other in self.rows if other.newest), None)
        if entry is not None and self.can_restore():
            await self._make_newest(entry, (newest.id, newest.label) if newest else None)

    async def undo_restore(self) -> None:
        former = next((other for other in self.rows if self.undo and other.id == self.undo[0]), None)
        if former is not None:
            await self._make_newest(former, None)

    async def _make_newest(self, entry: Entry, undo: tuple[str, str] | None) -> None:
        seen = next((other.id for other in self.rows if other.newest), None)
        try:
            done = await self.app.session.execute(Restore(revision=entry.id, newest=seen))
        except Conflict as error:
            await self._meet(error, seen)
            return
        self.undo = undo
        self.app.session.refresh()
        await self.ask()
        newest = next((other.label for other in self.rows if other.newest), "the newest")
        key = self.app.keymap.shown("history.undo")
        back = f" {key} puts {undo[1]} back." if undo else ""
        said = entry.label[0].upper() + entry.label[1:] if entry.run else entry.label
        self.app.say(f"{done.message or 'Restored.'} {said} is {newest} now; all revisions are kept.{back}")

    async def _meet(self, error: Conflict, seen: str | None) -> None:
        """Somebody made another text the newest meanwhile: it is shown against the one that was."""
        self.marked, self.against, self.whole = seen, "marked" if seen else "previous", False
        await self.ask()
        self.app.session.refresh()
        self.app.say(f"{error.message} Nothing was restored; this is the difference.", "warning")

    def on_line_view_cursor_moved(self, event: LineView.CursorMoved) -> None:
        if event.view is self.list:
            self.show_entry()
