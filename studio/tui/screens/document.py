"""A canon document, read only, opened at the place that a search found."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget

from studio.protocol.queries import GetCanonText
from studio.tui.presenters.lines import BLANK, Line
from studio.tui.presenters.spans import MEASURE, flow
from studio.tui.screens.framed import FramedScreen
from studio.tui.widgets.line_view import LineView


class Pages(LineView):
    """Each line of the file is a stop, by its number from 1."""

    scopes: ClassVar[tuple[str, ...]] = ("exact", "anywhere")

    def __init__(self) -> None:
        super().__init__(id="document")
        self.body = ""

    def prepare(self, width: int) -> None:
        if width:
            self.set_lines(_rows(self.body, min(self.text_width - 1, MEASURE + 8)))


def _rows(body: str, cells: int) -> list[Line]:
    rows: list[Line] = [BLANK]
    for number, text in enumerate(body.split("\n"), 1):
        style = "head" if text.startswith("#") else "text"
        rows += flow([(text, style)], cells, stop=number) if text.strip() else [BLANK]
    return rows


class DocumentScreen(FramedScreen):
    scopes: ClassVar[tuple[str, ...]] = ("exact", "anywhere")

    def __init__(self, path: str, at: int = 0) -> None:
        super().__init__()
        self.path, self.at = path, at
        self.view = Pages()

    def body(self) -> Iterable[Widget]:
        yield self.view

    def on_mount(self) -> None:
        self.view.focus()
        self.head.say(self.title_spans(self.path))
        self.app.spawn(self.ask())

    async def ask(self) -> None:
        found = await self.app.session.query(GetCanonText(name=self.path))
        if not self.is_mounted:
            return
        self.view.body = found.text
        self.view.prepare(self.view.size.width)
        self.view.set_cursor(self.at or None)
        facts = f"{found.line.type}, {found.line.include}, {found.line.tokens} tokens"
        self.head.say(self.title_spans(found.line.name, self.path), ((facts, "dim"),))
