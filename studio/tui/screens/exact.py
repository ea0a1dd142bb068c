"""The next call in full, its ledger and its messages, word for word, before anything is sent; or one that was made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget

from studio.protocol.queries import GetAsked, GetContext
from studio.protocol.views import ContextView
from studio.tui.presenters.exact import exact
from studio.tui.presenters.lines import BLANK, line
from studio.tui.screens.framed import FramedScreen
from studio.tui.widgets.line_view import LineView


class Messages(LineView):
    scopes: ClassVar[tuple[str, ...]] = ("exact", "anywhere")

    def __init__(self) -> None:
        super().__init__(id="messages")
        self.view: ContextView | None = None

    def prepare(self, width: int) -> None:
        if not width:
            return
        if self.view is None:
            self.set_lines([BLANK, line(("Putting the prompt together...", "dim"))])
            return
        self.set_lines(exact(self.view, self.text_width - 2, self.app.glyphs, self.app.words))


class ExactScreen(FramedScreen):
    scopes: ClassVar[tuple[str, ...]] = ("exact", "anywhere")

    def __init__(self, page: str, stage: str | None = None, *, run: str = "") -> None:
        """With a `run` it is what that one was sent."""
        super().__init__()
        self.page, self.stage, self.run = page, stage, run
        self.title_text = "What the model saw" if run else "What the next draft will see"
        self.messages = Messages()

    def body(self) -> Iterable[Widget]:
        yield self.messages

    def on_mount(self) -> None:
        self.messages.focus()
        self.head.say(self.title_spans(self.title_text))
        self.app.spawn(self.ask())

    async def ask(self) -> None:
        wanted = GetAsked(run=self.run) if self.run else GetContext(page=self.page, stage=self.stage, likely=True)
        view = await self.app.session.query(wanted)
        if self.is_mounted:
            self.messages.view = view
            self.messages.prepare(self.messages.size.width)
            kind = " (a revision)" if view.kind == "revise" else ""
            stage = f"{view.stage}{kind}, {view.model or 'no model'}"
            self.head.say(self.title_spans(self.title_text), ((stage, "dim"),))
