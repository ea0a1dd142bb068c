"""One line to fill in under the page: a title, a name. Enter sends, escape leaves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from studio.domain.errors import StudioError
from studio.domain.text import one_line
from studio.domain.typed import flat
from studio.tui.presenters.lines import line
from studio.tui.screens.base import StudioScreen
from studio.tui.widgets.drawable import Drawable
from studio.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from studio.tui.app import StudioApp


class Answer(Drawable, Input):
    """The line itself."""


class PromptLine(Vertical):
    """Calls `send` with the cleaned line; it stays open with the words until that has them. `empty` is said of an empty line."""

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

    def __init__(
        self,
        question: str,
        send: Callable[[str], Awaitable[None]],
        *,
        text: str = "",
        empty: str = "Nothing is written yet; esc leaves.",
    ) -> None:
        super().__init__()
        self._empty = empty
        self._busy = False
        self._question = question
        self._send = send
        self.input = Answer(value=text, select_on_focus=False)
        self.input.cursor_blink = False

    def compose(self) -> ComposeResult:
        yield Question(self._question)
        yield self.input

    async def send(self) -> None:
        """Act on what stands in the line, and close. What is refused says so, and the words stay to be changed."""
        text, screen = flat(self.input.value), self.screen
        if self._busy or not text:
            if not text:
                self.app.say(self._empty)
            return
        self._busy = True
        try:
            await self._send(text)
        except StudioError as error:
            self.app.say_error(error)
            return
        finally:
            self._busy = False
        if isinstance(screen, StudioScreen) and screen.drawer is self:
            await screen.close_drawer()


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
