"""One line to fill in under the page: a title, a name. Enter sends, escape leaves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from studio.domain.text import TITLE_LIMIT, clean, one_line
from studio.tui.presenters.lines import line
from studio.tui.screens.base import StudioScreen
from studio.tui.widgets.drawable import Drawable
from studio.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from studio.tui.app import StudioApp


class Answer(Drawable, Input):
    """The line itself. A paste of several lines becomes one."""

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.replace(" ".join(clean(event.text).split()), *self.selection)


class PromptLine(Vertical):
    """Calls `send` with the cleaned line. An empty line sends nothing; one that would have to be cut stays open."""

    DEFAULT_CSS = """
    PromptLine { height: 3; }
    PromptLine LineView { height: 2; }
    PromptLine Input, PromptLine Input:focus { border: none; height: 1; padding: 0 2;
        background: $background; background-tint: $background 0%; }
    """
    scopes: ClassVar = ("prompt", "anywhere")

    if TYPE_CHECKING:

        @property
        def app(self) -> StudioApp: ...  # type: ignore[override]

    def __init__(self, question: str, send: Callable[[str], Awaitable[None]], *, text: str = "") -> None:
        super().__init__()
        self._question = question
        self._send = send
        self.input = Answer(value=text, select_on_focus=False)
        self.input.cursor_blink = False

    def compose(self) -> ComposeResult:
        yield Question(self._question)
        yield self.input

    async def send(self) -> None:
        """Take what stands in the line, close, and act on it."""
        text = one_line(self.input.value, len(self.input.value))
        if len(text) > TITLE_LIMIT:
            self.app.say(f"There is room for {TITLE_LIMIT} characters here, and these are {len(text):,}.", "warning")
            return
        screen = self.screen
        if isinstance(screen, StudioScreen):
            await screen.close_drawer()
        if text:
            await self._send(text)
        else:
            self.app.say("Nothing was written, so nothing changed.")


class Question(LineView, can_focus=False):
    marked = False

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def prepare(self, width: int) -> None:
        rule = self.app.glyphs.rule
        self.set_lines(
            [
                line((rule * width, "rule")),
                line((f" {one_line(self._question)}", "strong")),
            ]
        )
