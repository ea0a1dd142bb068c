"""The composer: a field under the page for feedback, a note, the brief, or a text edited in place. Its words are kept as they are typed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import TextArea

from studio.domain.errors import Conflict, StorageError, StudioError
from studio.domain.text import clean, one_line
from studio.protocol.commands import Done
from studio.tui.apart import WordsSender, slug_of, write_aside
from studio.tui.keeping import Keeper
from studio.tui.presenters import composing, task_form
from studio.tui.presenters.composing import Purpose, Request
from studio.tui.presenters.diff import news
from studio.tui.presenters.lines import Line, fit, line, spread, wrap
from studio.tui.presenters.spans import MEASURE
from studio.tui.widgets.bars import Rule, Strip
from studio.tui.widgets.words import Words
from studio.workspace import edits

if TYPE_CHECKING:
    from studio.tui.app import StudioApp

_NOTES = 4
_DIFFERENCE, _DIFFERENCE_LOW = 8, 5
"""Rows of what somebody else wrote, on a screen with room and on a low one."""
_ROOMY = 30
"""Rows from which a screen has room."""
_LAST_CHANCE = 1.5
"""Seconds that the engine has to keep the words when the program ends; then they go to a file."""
_HINTS = {
    Purpose.REVISE: "What should change?",
    Purpose.COMMENT: "A note for the next revision",
    Purpose.BRIEF: "What happens on this page, who is there, how it should feel",
    Purpose.EDIT: "",
    Purpose.RETURN: "What should be done differently? Open findings go along.",
    Purpose.TASK: "",
    Purpose.NOTE: "A note for the next revision",
}
_REQUEST = "What should the application do, or what is to change?"
"""The hint for a brief of a workflow with words of its own."""


class Composer(Vertical):
    """Sends its request's command with ctrl+s; a Conflict keeps the words and shows what changed meanwhile.

    `sent` is called with the engine's answer and the text, `left` when it is closed without sending. `line` is where the cursor
    begins in a text that is edited.
    """

    DEFAULT_CSS = """
    Composer { height: auto; }
    Composer.large { height: 80%; }
    Composer Words { height: 5; border: none; padding: 0; background: $background; }
    Composer Words:focus { border: none; background-tint: $foreground 0%; }
    Composer.large Words { height: 1fr; }
    Composer.low Words { height: 4; }
    Composer.low.large Words { height: 1fr; }
    Composer.tall Words, Composer.low.tall Words { height: 9; }
    """
    scopes: ClassVar[tuple[str, ...]] = ("composer", "anywhere")

    if TYPE_CHECKING:

        @property
        def app(self) -> StudioApp: ...  # type: ignore[override]

    def __init__(
        self,
        request: Request,
        *,
        sent: Callable[[Done, str], Awaitable[None]],
        left: Callable[[bool], Awaitable[None]],
        line: int = 0,
    ) -> None:
        super().__init__(
            classes="large" if request.purpose.large else "tall" if request.purpose is Purpose.TASK else ""
        )
        self.request = request
        asks = request.purpose is Purpose.BRIEF and request.heading != "Brief"
        self.words = Words(request.text, _REQUEST if asks else _HINTS[request.purpose])
        self.price = ""
        self._sent, self._left, self._line = sent, left, line
        self._state = "kept from before" if request.kept else ""
        self._problem = ""
        self._difference: tuple[str, str] | None = None
        self._busy = False
        self._above = Strip(self._above_rows, id="above")
        self._below = Strip(self._below_rows, id="below")
        self.sender = WordsSender(lambda: self.app, lambda: self.request)
        self.keeper = Keeper(self.sender.send, lambda text: self.request.keep(text), self._kept, saved=request.text)

    def compose(self) -> ComposeResult:
        yield Rule()
        yield self._above
        yield self.words
        yield self._below

    def on_mount(self) -> None:
        self.app.before_exit.append(self._before_exit)
        self.app.when_back.append(self._when_back)
        self.set_class(self.app.size.height < _ROOMY, "low")
        self.words.move_cursor(self._begins())

    def _begins(self) -> tuple[int, int]:
        """Where the cursor stands first: after words about a text, in a text where it was read; of a task after its title."""
        match self.request.purpose:
            case Purpose.EDIT:
                return (self._line, 0)
            case Purpose.TASK:
                return (0, len(self.request.text.partition("\n")[0]))
            case _:
                return self.words.document.end

    def on_unmount(self) -> None:
        if self._before_exit in self.app.before_exit:
            self.app.before_exit.remove(self._before_exit)
            self.app.when_back.remove(self._when_back)

    def on_focus(self) -> None:
        self.words.focus()

    def on_resize(self) -> None:
        """The field stands where the page's text stands."""
        column = max(min(MEASURE, self.size.width - 3), 1)
        indent = max((self.size.width - column - 2) // 2, 0) + 2
        self.words.styles.margin = (0, 0, 0, indent)
        # Two more than the text: the cursor, and the space that ends a line.
        self.words.styles.width = min(column + 2, self.size.width - indent)
        self._above.indent = self._below.indent = indent
        self._show()

    # What stands around the field

    def _above_rows(self, width: int) -> Sequence[Line]:
        room = max(width - self._above.indent - 1, 10)
        glyphs = self.app.glyphs
        state = (self._state, "dim")
        rows = [spread(((self.request.heading, "head"),), (state,) if state[0] else (), min(room, MEASURE))]
        if self.request.quote:
            rows.append(line((fit(f'{glyphs.pilcrow} "{one_line(self.request.quote)}"', min(room, MEASURE)), "quote")))
        notes = self.request.notes
        rows += [line((fit(f"{glyphs.dot} {note}", min(room, MEASURE)), "note")) for note in notes[:_NOTES]]
        if len(notes) > _NOTES:
            rows.append(line((f"{glyphs.dot} {len(notes) - _NOTES} more notes", "dim")))
        return [*rows, *self._difference_rows(min(room, MEASURE))]

    def _difference_rows(self, room: int) -> list[Line]:
        """What somebody else wrote meanwhile, and a rule before one's own words."""
        if self._difference is None:
            return []
        shown, glyphs = self.app.keymap.shown, self.app.glyphs
        leave, compare = shown("composer.leave", typing=True), shown("diff")
        all_of_it = f"; {leave} keeps your words, then {compare} shows all" if leave and compare else ""
        most = _DIFFERENCE if self.app.size.height >= _ROOMY else _DIFFERENCE_LOW
        rows = news(*self._difference, room, most, glyphs=glyphs, all_of_it=all_of_it)
        return [*rows, line((glyphs.rule * room, "rule"))]

    def _below_rows(self, width: int) -> Sequence[Line]:
        room = max(width - self._below.indent - 1, 10)
        hint = task_form.HINT if self.request.purpose is Purpose.TASK else self.price
        said, style = (self._problem, "error") if self._problem else (hint, "dim")
        return [line((row, style)) for row in wrap(said, min(room, MEASURE))[:4]] if said else []

    def _show(self) -> None:
        if self.is_mounted:
            self._above.show()
            self._below.show()

    def say_price(self, price: str) -> None:
        """What sending would cost, in one line."""
        self.price = price
        self._show()

    # Words

    @property
    def text(self) -> str:
        return self.words.text

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self.keeper.changed(self.text)
        if self._problem and self._difference is None:
            self._problem = ""
            self._show()

    async def keep_now(self) -> bool:
        """Keep what stands in the field, whether or not the field has said yet that it changed. True when the engine has it."""
        self.keeper.changed(self.text)
        await self.keeper.flush()
        return self.keeper.safe

    async def _when_back(self) -> None:
        await self.keep_now()

    async def _before_exit(self) -> None:
        safe = False
        with contextlib.suppress(TimeoutError):
            safe = await asyncio.wait_for(self.keep_now(), _LAST_CHANCE)
        if said := self.sender.said if safe else self._put_aside():
            self.app.parting = said

    def _put_aside(self) -> str:
        """Write the words to a file beside those of editors, which the next start offers; where the project is gone, to one of
        the person's own. A sentence says where. Raises StudioError."""
        request = self.request
        if not self.text.strip() or self.text == request.original:
            return ""
        try:
            if write_aside(self.app, request, self.text) is None:
                return ""
        except StorageError:
            path = edits.write_outside(slug_of(self.app, request), composing.file_stage(request), self.text)
            return f"Your words could not be kept in the project; they are in {path}."
        return "The engine could not keep your words; they lie in .studio/edits and the next start offers them."

    def _kept(self, error: StudioError | None) -> None:
        state = "not kept: " + one_line(error.message) if error else "kept in a file" if self.sender.apart else "kept"
        if state != self._state and (error or self._state):
            self._state = state
            self._show()

    def put(self, text: str) -> None:
        """Other words in the field, as from the external editor; ctrl+z brings the earlier ones back."""
        self.words.replace(clean(text), (0, 0), self.words.document.end)

    def newline(self) -> None:
        self.words.put_in("\n")

    def put_last(self) -> None:
        """The last feedback, in place of nothing or after what is written."""
        gap = "\n" if self.text.strip() else ""
        self.words.insert(gap + clean(self.request.last), self.words.document.end)
        self.words.move_cursor(self.words.document.end)

    # Sending and leaving

    async def send(self) -> None:
        """Send the words; they stay in the field until the engine has them."""
        text = self.text
        if self._busy:
            return
        if composing.changes_nothing(self.request, text):
            await self.keeper.forget(text)
            await self._left(False)
            return
        if refusal := composing.refusal(self.request, text):
            self.fail(refusal)
            return
        if there := composing.arrived(self.app.session.page, self.request):
            self.rebase(there.id, there.text, f"A text was written here meanwhile. {self._again()}")
            return
        self._busy = True
        try:
            done = await self.app.session.execute(composing.command(self.request, text))
        except Conflict as error:
            await self.meet(error)
        except StudioError as error:
            self.fail(str(error))
        else:
            await self.keeper.forget(text)
            await self._sent(done, text)
        finally:
            self._busy = False

    async def leave(self) -> None:
        """Close; the words are kept first, so that nothing depends on what comes after."""
        words = bool(self.text.strip()) and self.text != self.request.original
        if await self.keep_now():
            await self._left(words and not self.sender.apart)
            if self.sender.apart and self.sender.said:
                self.app.say(self.sender.said)
            return
        try:
            aside = self._put_aside()
        except StudioError as error:
            self.fail(f"These words can be kept nowhere: {error}")
            return
        await self._left(False)
        if words:
            self.app.say(aside)

    def fail(self, sentence: str) -> None:
        self._problem = sentence
        self._show()

    async def meet(self, error: Conflict) -> None:
        """Somebody changed the text meanwhile: the words stay, and sending again goes on top of the newest."""
        await self.keep_now()
        if error.data.get("approved"):  # the same key would meet the same answer until the approval is taken back
            self.fail(f"{error.message} {self.decided()}")
            return
        sentence = f"{error.message} {self._again()}"
        newest = error.data.get("theirs"), error.data.get("actual")
        theirs, actual = (value if isinstance(value, str) else None for value in newest)
        self.rebase(actual, theirs, sentence)

    def decided(self) -> str:
        """What can be done with words about a text that is approved."""
        opens, shown = composing.opens(self.request.purpose), self.app.keymap.shown
        return composing.after_approval(shown("composer.leave"), shown("reopen"), shown(opens))

    def _again(self) -> str:
        return f"Your words are kept; {self.app.keymap.shown('composer.send')} again sends them."

    def rebase(self, revision: str | None, text: str | None, sentence: str) -> None:
        """Go on from another revision: show what it changed, and decide on it from now on."""
        if text is not None:
            self._difference = (self.request.base_text, text)
        self.request = self.request.on(revision, text if text is not None else self.request.base_text)
        self.fail(sentence)
