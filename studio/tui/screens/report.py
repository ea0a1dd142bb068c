"""A text that an act of the engine came to, read only: what the check command said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget

from studio.domain.text import clean
from studio.tui.presenters.lines import BLANK
from studio.tui.presenters.markdown import markdown_lines
from studio.tui.screens.framed import FramedScreen
from studio.tui.widgets.line_view import LineView


class ReportText(LineView):
    scopes: ClassVar[tuple[str, ...]] = ("exact", "anywhere")

    def __init__(self, text: str) -> None:
        super().__init__(id="report")
        self.body = clean(text)

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
