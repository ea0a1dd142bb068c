"""The terminal's application: start and end, keys in their order, messages. What keys do is in `actions`, what is drawn in `screens`."""

from __future__ import annotations

import studio.tui.before_textual  # noqa: F401  isort: skip

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import App, SystemCommand
from textual.widget import Widget

from studio.domain.errors import StudioError
from studio.domain.words import OURS
from studio.protocol.client import EngineClient
from studio.tui import glyphs, keymap, screens
from studio.tui.actions import registry
from studio.tui.beginning import first_run, take_words
from studio.tui.board_watch import BoardWatch
from studio.tui.linking import farewell, watch_link
from studio.tui.message import Level, Message, Pending
from studio.tui.options import WorkbenchOptions
from studio.tui.pointing import OF_THE_PAGE, bring, elsewhere, withdrawn
from studio.tui.screens.base import StudioScreen
from studio.tui.screens.workbench import Workbench
from studio.tui.session import Session
from studio.tui.signals import in_words, watch_signals
from studio.tui.terminal import Terminal
from studio.tui.theme import Palette, palette_for
from studio.tui.typed import use_typed_text
from studio.tui.why_not import no_key, why_not
from studio.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from studio.tui.presenters.search import Hits

log = logging.getLogger(__name__)


class StudioApp(App[int], inherit_bindings=False):
    """The workbench over an `EngineClient` that `connect` gives; the first frame does not wait for it."""

    CSS_PATH = None
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar = []
    CSS = "Screen { background: $background; } * { scrollbar-size: 0 0; }"

    def __init__(self, connect: Callable[[], Awaitable[EngineClient]], options: WorkbenchOptions | None = None) -> None:
        self.options = options or WorkbenchOptions()
        self.keymap = keymap.build(self.options.keys)
        self.glyphs = glyphs.choose(self.options.ascii)
        super().__init__()
        self.theme = "ansi-dark" if self.options.theme == "terminal" else self.options.theme
        self.session = Session(connect)
        use_typed_text()
        self.terminal = Terminal(self)
        self.words = OURS
        self.board = BoardWatch(self)
        self.message: Message | None = None
        self.pending: Pending | None = None
        self.hits: Hits | None = None
        self.handlers = registry.load(registry.FIRST)
        self._all_loaded = False
        self.palette: Palette = palette_for(self.current_theme, no_color=self.no_color)
        self.before_exit: list[Callable[[], Awaitable[None]]] = []
        self.when_back: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self.last_key_at = 0.0
        self.parting = ""  # what is said after the screen is gone: where words were put that the engine could not keep
        self._leaving = False
        self._opening: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    # Start

    def get_default_screen(self) -> Workbench:
        return Workbench()

    @property
    def workbench(self) -> Workbench:
        """The main screen, at the bottom of the stack."""
        found = self.screen_stack[0]
        assert isinstance(found, Workbench)
        return found

    def on_load(self) -> None:
        """Before the first frame: with an outline from the last time, that is drawn first and the engine opens after it; without
        one the engine opens at once, beside the screen."""
        if self.options.memory is not None:
            self.session.project = self.options.memory.recall()
            take_words(self)
        if self.options.launcher is None and self.session.project is None:
            self._opening = asyncio.create_task(self.session.connect())

    def on_mount(self) -> None:
        watch_signals(self)
        self.theme_changed_signal.subscribe(self, self._on_theme)
        self.session.changed = self._changed
        self.session.failed = self.say_error
        watch_link(self)
        self.before_exit.append(self.workbench.place.flush)
        self.session.listeners += [self.board.hear, self.workbench.hear, self.terminal.hear]
        self.spawn(self._open())

    def _changed(self) -> None:
        """The book or the page is new."""
        take_words(self)
        withdrawn(self)
        self.board.turned()
        self.workbench.show()

    async def _open(self) -> None:
        try:
            if self.options.launcher is not None and not await first_run(self, self.options.launcher):
                self.leave(0)
                return
            await (self._opening or self._connect_after_frame())
            await self.session.open(self.options.page)
        except StudioError as error:
            if not self.session.connected:
                self.leave(1, str(error))
                return
            self.say_error(error)
        except Exception as error:
            log.exception("the project could not be opened")
            self.leave(1, f"The project could not be opened ({type(error).__name__}). {self._where()}")
            return
        self.terminal.start()
        self.call_after_refresh(self._load_all)
        self.spawn(self.session.keep_fresh())
        self.spawn(self.session.listen())

    async def _connect_after_frame(self) -> None:
        drawn = asyncio.Event()
        self.call_after_refresh(drawn.set)
        await drawn.wait()
        await self.session.connect()

    def _load_all(self) -> None:
        if not self._all_loaded:
            self._all_loaded = True
            registry.load()
            gc.enable()
            for start in registry.STARTERS:
                self.spawn(start(self))
            self.refresh_footer()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine beside the keys; its StudioErrors are said, others are logged and said."""
        task = asyncio.create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except StudioError as error:
            self.say_error(error)
        except Exception as error:
            log.exception("an action failed")
            self.say(f"That did not work: {type(error).__name__}. Details are in the log.", "error")

    # Keys

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and not event.is_forwarded and await self._on_typed(event):
            return
        await super().on_event(event)

    async def _on_typed(self, event: events.Key) -> bool:
        """Act on a key before it goes to a widget, in the order of typing. True when it was ours."""
        self._load_all()
        self.last_key_at = event.time
        focused = self.focused
        if focused is not None and focused.check_consume_key(event.key, event.character):
            return False
        rows = self.keymap.lookup(event.key, event.character, self.current_scopes())
        for row in rows:
            opens = row.id in OF_THE_PAGE and not self.only_looks(row.id) and elsewhere(self) is not None
            if opens or self.can(row.id):
                await _settled(focused)
                await self.run_action_id(row.id)
                return True
        if rows and self._refused(rows[0]):
            return True
        if not rows and event.is_printable and isinstance(focused, LineView):
            self.say(no_key(self, event.character or ""))
            return True
        if self.pending is not None or self.message is not None:
            self.clear_message()
        return await _by_the_editor(self, event.key)

    def _refused(self, row: keymap.Action) -> bool:
        """Say why a key does nothing; False when there is nothing to say."""
        if self.only_looks(row.id):
            self.say(f"{row.label.capitalize()}: this workbench only looks (--view); nothing can be changed from here.")
            return True
        why = why_not(self, row.id)
        if why:
            self.say(why)
        return bool(why)

    def current_scopes(self) -> tuple[str, ...]:
        """The places that count for a key now, the nearest first."""
        node = self.focused or self.screen
        for place in node.ancestors_with_self:
            if scopes := getattr(place, "scopes", ()):
                return tuple(scopes)
        return (keymap.ANYWHERE,)

    def can(self, action_id: str) -> bool:
        """Whether an action would do something now."""
        handler = self.handlers.get(action_id)
        return handler is not None and not self.only_looks(action_id) and handler.applies(self)

    def only_looks(self, action_id: str) -> bool:
        """Whether an action is refused because nothing may be changed from here."""
        handler = self.handlers.get(action_id)
        return self.options.view and handler is not None and handler.changes

    async def run_action_id(self, action_id: str) -> None:
        """Do what the key of `action_id` does. A question that waits for another key is withdrawn."""
        pending = self.pending
        if pending is not None and action_id in pending.keys and withdrawn(self):
            return
        if pending is not None and action_id in pending.keys:
            self.clear_message()
            await self._guarded(pending.go()) if self._holds(pending) else self.spawn(pending.go())
            return
        self.clear_message()
        if pending is not None and action_id == "close":  # it withdraws the question, and the screen stays
            return
        if not await bring(self, action_id):
            return
        handler = self.handlers[action_id]
        result = handler.run(self)
        if result is not None:
            await self._guarded(result) if handler.inline else self.spawn(_awaited(result))

    def _holds(self, pending: Pending) -> bool:
        """Whether later keys wait for the answer, as they do for the action itself."""
        return pending.action_id in self.handlers and self.handlers[pending.action_id].inline

    # Words to the person

    def say(self, message: str, level: Level = "info") -> None:
        """One sentence above the footer; it goes with the next key, an info after some seconds as well."""
        self.pending = None
        self.message = Message.of(message, level)
        self._show_message()

    def say_error(self, error: StudioError) -> None:
        self.say(str(error), "error")

    def ask(
        self, question: str, action_id: str, go: Callable[[], Coroutine[Any, Any, None]], *, about: Hashable = None
    ) -> None:
        """Say `question`; the same key again, or enter, goes; any other key, or another `pointing.standing`, withdraws it."""
        self.say(question, "ask")
        self.pending = Pending(action_id, go, about)
        self.refresh_footer()

    def clear_message(self) -> None:
        if self.message is not None or self.pending is not None:
            self.message = self.pending = None
            self._show_message()

    def _show_message(self) -> None:
        """On the workbench, where its time runs, and on the screen on top of it. Words that come after the screen go to the log."""
        if not self.screen_stack:
            log.warning("%s", self.message)
            return
        self.workbench.show_message()
        if isinstance(self.screen, StudioScreen) and self.screen is not self.workbench:
            self.screen.show_message()

    def tell_more(self) -> None:
        if self.screen_stack and isinstance(self.screen, StudioScreen):
            self.screen.tell_more()

    def refresh_footer(self) -> None:
        if isinstance(self.screen, StudioScreen):
            self.screen.show_footer()

    # Screens

    async def open_screen(self, name: str, **given: Any) -> StudioScreen:
        """Put a full screen on top; mounted and focused when this returns."""
        screen = screens.make(name, **given)
        await self.push_screen(screen)
        return screen

    def close_screen(self, result: object = None) -> None:
        """Back to the screen below."""
        if len(self.screen_stack) > 1:
            self.screen.dismiss(result)

    def _on_theme(self, _theme: object) -> None:
        self.palette = palette_for(self.current_theme, no_color=self.no_color)

    def get_system_commands(self, screen: object) -> list[SystemCommand]:
        return []

    # End

    def leave(self, code: int, sentence: str = "") -> None:
        """Keep what is typed, let go of the engine, give the terminal back, exit with `code`. Said once, done once."""
        if not self._leaving:
            self._leaving = True
            self.spawn(self._leave(code, sentence))

    async def _leave(self, code: int, sentence: str) -> None:
        if self.options.memory is not None and self.session.connected and self.session.project is not None:
            self.options.memory.keep(self.session.project)
        sentence = sentence or farewell(self)
        for keep in self.before_exit:
            await self._guarded(asyncio.wait_for(keep(), 2))
        sentence = f"{sentence} {self.parting}".strip()
        await self._guarded(asyncio.wait_for(self.session.aclose(), 8))
        self.terminal.restore()
        self.exit(code, return_code=code, message=sentence or None)

    def _handle_exception(self, error: Exception) -> None:
        """An error nobody foresaw ends the program with a sentence; the traceback goes to the log only."""
        if isinstance(error, AssertionError) or self.is_headless:
            super()._handle_exception(error)
            return
        log.error("the terminal failed", exc_info=error)
        self.leave(1, f"The screen failed ({type(error).__name__}); everything saved is kept. {self._where()}")

    def panic(self, *renderables: Any) -> None:
        """Called where the thread that reads keys has died; Textual would print the traceback and exit with 0."""
        if self.is_headless:
            super().panic(*renderables)
            return
        log.error("the keyboard's thread failed: %s", in_words(renderables))
        self.leave(1, f"The keyboard could not be read any more; everything saved is kept. {self._where()}")

    def _where(self) -> str:
        return f"Details are in {self.options.log}." if self.options.log else ""


async def _awaited(result: Awaitable[None]) -> None:
    await result


async def _settled(focused: Widget | None) -> None:
    """Wait until an editor has taken all keys that were sent to it, so that `hello` and ctrl+s loses no letter."""
    if focused is None or not focused.check_consume_key("a", "a"):
        return
    done = asyncio.Event()
    focused.call_later(done.set)
    await done.wait()


async def _by_the_editor(app: StudioApp, key: str) -> bool:
    """Do what a text field has a key of its own for (backspace, an arrow). Textual hands such a key round to the app first, and
    letters that came with it, over a slow line, would go into the text before it. False for any other key."""
    focused = app.focused
    if focused is None or not focused.check_consume_key("a", "a"):
        return False
    active = app.screen.active_bindings.get(key)
    if active is None or active.node is not focused or not active.enabled:
        return False
    await _settled(focused)
    await app.run_action(active.binding.action, focused)
    return True
