"""The application's files: a tree with marks of what changed, and beside it what changed in the file under the cursor."""

from __future__ import annotations

from typing import ClassVar

from studio.domain.errors import NotFound
from studio.protocol.build_events import FindingChanged, ToolUsed, VersionChanged
from studio.protocol.build_queries import GetFile, GetFiles, GetVersionDiff
from studio.protocol.build_views import FileDiff, FileLine, FilesView, FileView
from studio.protocol.events import AnyEvent
from studio.tui.presenters.code_diff import file_lines, text_rows
from studio.tui.presenters.files import summary, tree_rows
from studio.tui.presenters.lines import Line, line
from studio.tui.screens.framed import Acts
from studio.tui.screens.listed import ListedScreen

_OWN = "!"


class FilesScreen(ListedScreen):
    """Compared is with the version before the newest; what the person changed since, with the newest."""

    scopes: ClassVar[tuple[str, ...]] = ("files", "rows", "anywhere")
    part: ClassVar[float] = 0.36
    title_text = "Files"

    def __init__(self, path: str | None = None, at: int = 0) -> None:
        super().__init__()
        self._first, self.at = path, at
        self.view: FilesView | None = None
        self.diff: FileDiff | None = None
        self.file: FileView | None = None
        self.as_text = self.changed_only = False

    async def ask(self) -> None:
        self.view = await self.app.session.query(GetFiles())
        if self._first is not None:
            self.list.cursor = self._first

    def concerns(self, event: AnyEvent) -> bool:
        return isinstance(event, VersionChanged | FindingChanged) or (isinstance(event, ToolUsed) and bool(event.path))

    def shown(self) -> list[FileLine]:
        files = self.view.files if self.view else ()
        return [one for one in files if one.mark or one.findings or not self.changed_only]

    def nothing(self) -> str:
        return "No file yet. They come with the implementation of a change."

    def rows(self, width: int) -> list[Line]:
        return tree_rows(self.shown(), width, self.app.glyphs)

    def said(self) -> str:
        return summary(self.view) if self.view else ""

    @property
    def row(self) -> FileLine | None:
        return next((one for one in self.view.files if one.path == self.here), None) if self.view else None

    async def chosen(self) -> None:
        """The difference of the file, or its text where nothing changed in it."""
        one = self.row
        self.diff = self.file = None
        if one is None:
            return
        diff = await self._difference(one) if one.mark else None
        file = None
        if self.as_text or diff is None:
            try:
                file = await self.app.session.query(GetFile(path=one.path))
            except NotFound:  # deleted: its text is in the difference
                file = None
        if self.here == one.path:
            self.diff, self.file = diff, file

    async def _difference(self, one: FileLine) -> FileDiff | None:
        base = None if one.mark == _OWN else "change"
        try:
            found = await self.app.session.query(GetVersionDiff(version="files", base=base, path=one.path))
        except NotFound:
            return None
        return found.files[0] if found.files else None

    def detail_rows(self, width: int) -> list[Line]:
        if self.file is not None and (self.as_text or self.diff is None):
            return text_rows(self.file.path, self.file.text, self.file.size, width)
        if self.diff is not None:
            return file_lines(self.diff, width, self.app.glyphs)
        return [line(("", "text"))]

    def draw(self) -> None:
        super().draw()
        if self._first is not None and self._first == self.here:
            self._first = None
            self._go_to_line()

    def _go_to_line(self) -> None:
        """To the line that a finding is about: in the text, where it stands for certain."""
        if self.at:
            self.as_text = True
            self.zoom(whole=True)
            self.app.spawn(self._at_line())

    async def _at_line(self) -> None:
        await self.show_row()
        self.detail.set_cursor((self.here, self.at))

    def acts(self) -> Acts:
        acts = super().acts()
        acts["files.changed"] = self.toggle_changed
        if self.row is not None and self.row.mark:
            acts["files.text"] = self.toggle_text
        return acts

    async def toggle_text(self) -> None:
        self.as_text = not self.as_text
        self.detail.scroll_lines(0)
        await self.show_row()

    async def toggle_changed(self) -> None:
        self.changed_only = not self.changed_only
        await self.refresh_rows()
        self.app.say("Files that changed or have findings." if self.changed_only else "All files.")
