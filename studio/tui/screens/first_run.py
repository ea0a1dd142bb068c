"""The first screen in a folder without a project: a new story or application, a demo of either, or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar, Protocol

from textual.widget import Widget

from studio.domain.errors import StudioError
from studio.domain.text import one_line
from studio.tui.launcher import Launcher
from studio.tui.presenters.lines import BLANK, Line, line
from studio.tui.presenters.spans import MEASURE, flow
from studio.tui.screens.framed import Acts, FramedScreen
from studio.tui.screens.pick import Query
from studio.tui.widgets.bars import Strip
from studio.tui.widgets.pick_list import PickList

_CHOICES = (
    ("story", "New story", "asks for a title and makes the project in this folder"),
    ("app", "New application", "the same, for a program that is built change by change"),
    ("story-demo", "Demo book", "a graphic novel in progress, copied here to try things on"),
    ("app-demo", "Demo application", "a small shop in the making, copied here"),
    ("quit", "Quit", "nothing is written"),
)
_WHAT = {"story": "story", "app": "application"}


class MakesProject(Protocol):
    async def __call__(self) -> Path: ...


class Choices(PickList):
    scopes: ClassVar[tuple[str, ...]] = ("first", "anywhere")


class FirstRunScreen(FramedScreen):
    """`chosen` gives the project's folder, or None when the person leaves."""

    DEFAULT_CSS = """
    FirstRunScreen { align: center top; }
    FirstRunScreen Choices { height: 9; }
    FirstRunScreen Query { display: none; }
    FirstRunScreen.naming Query { display: block; }
    """
    scopes: ClassVar[tuple[str, ...]] = ("first", "anywhere")

    def __init__(self, launcher: Launcher) -> None:
        super().__init__()
        self.launcher = launcher
        self.chosen: asyncio.Future[Path | None] = asyncio.get_running_loop().create_future()
        self.list = Choices(self._rows, id="choices")
        self.above = Strip(self._above, id="above")
        self.below = Strip(self._below, id="below")
        self.title_line = Query("")
        self._workflow = "story"
        self._busy = False

    def body(self) -> Iterable[Widget]:
        yield self.above
        yield self.list
        yield self.title_line
        yield self.below

    async def answered(self) -> Path | None:
        """The folder of the project that was made; None when the person left without one."""
        return await self.chosen

    def on_mount(self) -> None:
        self.head.say(self.title_spans("studio"))
        self.list.focus()

    def _above(self, width: int) -> Sequence[Line]:
        said = f"There is no project in {one_line(str(self.launcher.folder), 400)} yet."
        return [BLANK, *flow([(said, "text")], min(width, MEASURE), indent="  "), BLANK]

    def _rows(self, width: int) -> Sequence[Line]:
        rows: list[Line] = []
        for name, label, about in _CHOICES:
            rows += [BLANK] if rows else []
            rows.append(line((label.ljust(18), "strong"), (about if width > 60 else "", "dim"), stop=name))
        return rows

    def _below(self, width: int) -> Sequence[Line]:
        hint = self.launcher.model_hint
        if not hint:
            return ()
        said = flow([(hint, "dim")], min(width, MEASURE), indent="  ")
        return [BLANK, *said]

    def on_input_changed(self) -> None:
        """What was said about the title before is about another title."""
        self.app.clear_message()

    # Keys

    def acts(self) -> Acts:
        naming = self.has_class("naming")
        acts: Acts = {"first.choose": self.choose}
        if naming:
            acts["first.back"] = self.back
        else:
            acts |= {"first.down": lambda: self.list.move(1), "first.up": lambda: self.list.move(-1)}
        return acts

    def back(self) -> None:
        self.remove_class("naming")
        self.list.focus()

    async def choose(self) -> None:
        if self._busy:
            return
        if self.has_class("naming"):
            await self._create()
            return
        workflow, _, demo = str(self.list.cursor).partition("-")
        if workflow not in _WHAT:
            self._answer(None)
        elif demo:
            self.app.say("Copying the demo...")
            await self._finish(lambda: self.launcher.open_demo(workflow))
        else:
            self._workflow = workflow
            self.title_line.placeholder = f"the title of your {_WHAT[workflow]}"
            self.add_class("naming")
            self.title_line.focus()

    async def _create(self) -> None:
        title = one_line(self.title_line.value)
        if not title:
            self.app.say(f"Your {_WHAT[self._workflow]} needs a title; it can be changed later.", "warning")
            return
        await self._finish(lambda: self.launcher.create(title, self._workflow))

    async def _finish(self, make: MakesProject) -> None:
        self._busy = True
        try:
            path = await make()
        except StudioError as error:
            self.app.say_error(error)
        else:
            self._answer(path)
        finally:
            self._busy = False

    def _answer(self, path: Path | None) -> None:
        if not self.chosen.done():
            self.chosen.set_result(path)
