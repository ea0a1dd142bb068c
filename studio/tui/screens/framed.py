"""A full screen with a head, a body and the footer: what history, context, prompts and the pick lists share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from textual.app import ComposeResult
from textual.widget import Widget

from studio.protocol.commands import Done
from studio.tui.presenters.lines import Span
from studio.tui.screens.base import StudioScreen
from studio.tui.widgets.bars import Head
from studio.tui.widgets.footer import Footer

Acts = dict[str, Callable[[], Awaitable[None] | None]]


class FramedScreen(StudioScreen):
    """Subclasses give `body()` and say their head with `self.head.say`. `drawer` is what stands open above the footer."""

    def __init__(self) -> None:
        super().__init__()
        self.head = Head(id="head")
        self.footer = Footer(id="footer")
        self.drawer: Widget | None = None
        self._before_drawer: Widget | None = None

    def body(self) -> Iterable[Widget]:
        raise NotImplementedError

    def acts(self) -> Acts:
        """What the keys of this screen do now, by the id of their row in the keymap."""
        return {"close": self.leave}

    def labels(self) -> dict[str, str]:
        """What a key is called in the footer here, where that is not its usual name."""
        return {}

    def compose(self) -> ComposeResult:
        yield self.head
        yield from self.body()
        yield self.footer

    def title_spans(self, title: str, detail: str = "") -> tuple[Span, ...]:
        return ((title, "strong"), (f"   {detail}" if detail else "", "dim"))

    def on_descendant_focus(self) -> None:
        self.show_footer()

    def show_footer(self) -> None:
        if self.is_mounted:
            self.footer.show()

    def tell_more(self) -> None:
        if self.is_mounted:
            self.footer.show_rule()

    def show_message(self) -> None:
        self.show_footer()

    async def open_drawer(self, widget: Widget, focus: Widget | None = None) -> None:
        """Put `widget` above the footer and the focus into it (or into `focus`); another one is closed first."""
        await self.close_drawer()
        self.drawer, self._before_drawer = widget, self.focused
        await self.mount(widget, before=self.footer)
        self.set_focus(focus or widget, scroll_visible=False)
        self.show_footer()

    async def close_drawer(self) -> None:
        """Take the drawer away; the focus goes back to where it was."""
        widget, self.drawer = self.drawer, None
        if widget is not None:
            self.set_focus(self._before_drawer, scroll_visible=False)
            await widget.remove()
            self.show_footer()

    async def sent(self, done: Done) -> None:
        """What was written in the drawer is saved."""

    async def leave(self) -> None:
        """Back to the screen below."""
        if self.app.screen is self:
            await self.app.pop_screen()
