"""One line to fill in under the page: a title, a name. Enter sends, escape leaves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from studio.domain.errors import StudioError
from studio.domain.text import flat, one_line
from studio.tui.presenters.lines import line
from studio.tui.screens.base import StudioScreen
from studio.tui.widgets.drawable import Drawable
from studio.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from studio.tui.app import StudioApp


class Answer(Drawable, Input):
    """The line itself. A paste of several lines becomes one, joined by spaces."""

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.replace(flat(event.text), *self.selection)


class PromptLine(Vertical):
    """Calls `send` with the cleaned line, and stays open with the words until that has taken them; `left` when it is closed without.
    An empty line goes to `empty`, or `needs` is said of it. With `selected` the first letter replaces the `text`."""

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
        selected: bool = False,
        needs: str = "",
        empty: Callable[[str], Awaitable[None]] | None = None,
        left: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__()
        self._question, self._needs = question, needs
        self._send, self._empty, self._left = send, empty, left
        self._busy = False
        self.input = Answer(value=text, select_on_focus=selected)
        self.input.cursor_blink = False

    def compose(self) -> ComposeResult:
        yield Question(self._question)
        yield self.input

    async def send(self) -> None:
        """Act on what stands in the line, and close. What is refused says so, and the words stay to be changed."""
        text, screen = flat(self.input.value), self.screen
        act = self._send if text else self._empty
        if act is None:
            key = self.app.keymap.shown("prompt.leave")
            self.app.say(self._needs or f"A title is needed{f'; {key} leaves it as it was' if key else ''}.")
            return
        if self._busy:
            return
        self._busy = True
        try:
            await act(text)
        except StudioError as error:
            self.app.say_error(error)
            return
        finally:
            self._busy = False
        if isinstance(screen, StudioScreen) and screen.drawer is self:
            await screen.close_drawer()

    async def withdraw(self) -> None:
        """The line was left without sending it."""
        if self._left is not None:
            await self._left()


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
