"""A text that an act of the engine came to, read only: what the check command said, the figures of the changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget

from studio.domain.text import clean
from studio.protocol.build_events import FindingChanged, TaskChanged, VersionChanged
from studio.protocol.build_queries import GetMetrics
from studio.protocol.events import AnyEvent, PageChanged, RunEnded
from studio.tui.presenters.lines import BLANK
from studio.tui.presenters.markdown import markdown_lines
from studio.tui.presenters.metrics import report
from studio.tui.screens.framed import FramedScreen
from studio.tui.screens.listed import AGAIN
from studio.tui.widgets.line_view import LineView


class ReportText(LineView):
    scopes: ClassVar[tuple[str, ...]] = ("exact", "anywhere")

    def __init__(self, text: str) -> None:
        super().__init__(id="report")
        self.body = clean(text)

    def say(self, text: str) -> None:
        """Another text in its place; what is read stays where it is."""
        self.body = clean(text)
        self.prepare(self.size.width)

    def prepare(self, width: int) -> None:
        if width:
            self.set_lines([BLANK, *markdown_lines(self.body, "report", min(self.text_width - 2, 100))])


class ReportScreen(FramedScreen):
    scopes: ClassVar[tuple[str, ...]] = ("exact", "anywhere")

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self.title_text = title
        self.view = ReportText(text)

    def body(self) -> Iterable[Widget]:
        yield self.view

    def on_mount(self) -> None:
        self.view.focus()
        self.head.say(self.title_spans(self.title_text))


class MetricsScreen(ReportScreen):
    """The figures of an application's changes, which are asked for again when work or what was found came to something."""

    def __init__(self, text: str) -> None:
        super().__init__("Metrics", text)
        self._again = False

    def on_mount(self) -> None:
        self.app.session.listeners.append(self._hear)

    def on_unmount(self) -> None:
        self.app.session.listeners.remove(self._hear)

    def _hear(self, event: AnyEvent) -> None:
        counts = isinstance(event, RunEnded | TaskChanged | VersionChanged | FindingChanged | PageChanged)
        if counts and not self._again:
            self._again = True
            self.set_timer(AGAIN, lambda: self.app.spawn(self._ask_again()))

    async def _ask_again(self) -> None:
        self._again = False
        found = await self.app.session.query(GetMetrics())
        if self.is_mounted:
            self.view.say(report(found))
