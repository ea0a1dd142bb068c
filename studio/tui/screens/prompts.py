"""The prompt templates: where each comes from, what is broken and where; open one in the editor, or go back to the packaged one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Input

from studio.domain.errors import BadInput
from studio.protocol.commands import SaveTemplate
from studio.protocol.queries import GetTemplate, GetTemplates
from studio.protocol.views import TemplateText, TemplateView
from studio.tui.clipboard import project_root
from studio.tui.editor import TerminalEditor
from studio.tui.presenters.lines import BLANK, Line, line, wrap
from studio.tui.presenters.templates import facts, matching, numbered, order, row
from studio.tui.screens.framed import Acts, FramedScreen
from studio.tui.widgets.bars import Rule
from studio.tui.widgets.line_view import LineView
from studio.tui.widgets.pick_list import PickList, empty_row
from studio.tui.widgets.prompt_line import PromptLine
from studio.tui.widgets.wall import Wall

_BESIDE = 110
_LIST = 38
_SCOPES = ("prompts", "anywhere")


class TemplateList(PickList, can_focus=False):
    scopes: ClassVar[tuple[str, ...]] = _SCOPES


class Source(LineView):
    """The text of the template under the cursor."""

    scopes: ClassVar[tuple[str, ...]] = _SCOPES

    def __init__(self) -> None:
        super().__init__(id="source")
        self.template: TemplateText | None = None

    def prepare(self, width: int) -> None:
        if not width or self.template is None:
            said = (
                wrap("The text of the template under the cursor stands here.", max(self.text_width, 1)) if width else []
            )
            self.set_lines([line((row, "dim")) for row in said])
            return
        about = facts(self.template.template, self.text_width - 1, self.app.glyphs)
        text = numbered(self.template.text, self.text_width - 1, self.template.template.error_line)
        self.set_lines([*about, BLANK, *text])


class PromptsScreen(FramedScreen):
    DEFAULT_CSS = """
    PromptsScreen #panes { layout: vertical; height: 1fr; }
    PromptsScreen #panes.beside { layout: horizontal; }
    PromptsScreen #list { height: 8; }
    PromptsScreen .beside #list { height: 1fr; }
    PromptsScreen #source { height: 1fr; width: 1fr; }
    """
    scopes: ClassVar[tuple[str, ...]] = _SCOPES

    def __init__(self) -> None:
        super().__init__()
        self.templates: tuple[TemplateView, ...] | None = None
        self.removed: tuple[str, str] | None = None
        self.wanted = ""
        self.list = TemplateList(self._rows, id="list")
        self.source = Source()
        self.wall = Wall(id="prompts-wall")
        self.between = Rule(id="between")
        self.panes = Container(self.list, self.wall, self.between, self.source, id="panes")

    def body(self) -> Iterable[Widget]:
        yield self.panes

    def on_mount(self) -> None:
        self.fold()
        self.head.say(self.title_spans("Prompt templates"))
        self.source.focus()
        self.app.spawn(self.ask())

    def on_resize(self, event: events.Resize) -> None:
        self.fold()

    def fold(self) -> None:
        beside = self.app.size.width >= _BESIDE
        self.panes.set_class(beside, "beside")
        self.list.styles.width = _LIST if beside else "1fr"
        self.wall.display, self.between.display = beside, not beside

    async def ask(self) -> None:
        """Ask the engine for all templates, each rendered with sample inputs so that errors show here first."""
        found = await self.app.session.query(GetTemplates(check=True))
        if not self.is_mounted:
            return
        project = self.app.session.project
        self.templates = order(found.templates, project.workflow if project else "")
        self.list.show()
        self.list.set_cursor(self.list.cursor)
        self.show_head()
        await self.show_template()

    def show_head(self) -> None:
        every = self.templates or ()
        broken = sum(1 for one in every if one.error)
        state = f"{broken} broken" if broken else f"{len(every)} templates"
        if self.wanted:
            state = f"{len(matching(every, self.wanted))} of {len(every)} for {self.wanted}"
        self.head.say(self.title_spans("Prompt templates"), ((state, "error" if broken else "dim"),))

    # What is listed

    async def filter(self) -> None:
        """A line that leaves only the templates it is about; an empty one brings all back, escape those from before."""
        before = self.wanted

        async def keep(typed: str) -> None:
            self.show_only(typed)

        async def withdraw() -> None:
            self.show_only(before)

        line = PromptLine("Only templates about", keep, text=before, empty=keep, left=withdraw)
        await self.open_drawer(line, focus=line.input)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.drawer is not None:
            self.show_only(event.value)

    def show_only(self, typed: str) -> None:
        if typed == self.wanted:
            return
        self.wanted = typed
        self.list.show(first=True)
        self.show_head()
        self.app.spawn(self.show_template())

    async def leave(self) -> None:
        """All templates again where only some are listed, else back to the page."""
        if self.wanted:
            self.show_only("")
        else:
            await super().leave()

    async def show_template(self) -> None:
        name = self.list.cursor
        if not isinstance(name, str):
            self.source.template = None
            self.source.prepare(self.source.size.width)
            return
        found = await self.app.session.query(GetTemplate(name=name))
        if self.is_mounted and self.list.cursor == name:
            self.source.template = found
            self.source.to_top()
            self.source.prepare(self.source.size.width)
            self.show_footer()

    def _rows(self, width: int) -> Sequence[Line]:
        if self.templates is None:
            return empty_row("Trying each template out...")
        rows = [row(one, width - 1, self.app.glyphs, one.name) for one in matching(self.templates, self.wanted)]
        return rows or empty_row("No template is about that." if self.wanted else "This workflow has no templates.")

    def move_entry(self, step: int) -> None:
        self.list.move(step)
        self.app.spawn(self.show_template())

    @property
    def current(self) -> TemplateView | None:
        return next((one for one in self.templates or () if one.name == self.list.cursor), None)

    def acts(self) -> Acts:
        acts: Acts = {
            **super().acts(),
            "entry.down": lambda: self.move_entry(1),
            "entry.up": lambda: self.move_entry(-1),
            "prompts.edit": self.edit,
            "prompts.filter": self.filter,
        }
        if self.can_reset():
            acts["prompts.reset"] = self.reset
        if self.removed is not None:
            acts["prompts.undo"] = self.undo_reset
        return acts

    # Editing

    async def edit(self) -> None:
        """Open the project's own file, made from the packaged one if there is none. The engine reloads it when it is saved."""
        template, root = self.current, project_root(self.app)
        if template is None or root is None:
            return
        if template.source != "project":
            text = await self.app.session.query(GetTemplate(name=template.name))
            await self.app.session.execute(SaveTemplate(name=template.name, text=text.text))
            await self.ask()
            template = self.current or template
        path = Path(template.path)
        path = path if path.is_absolute() else root / path
        if not path.is_file():
            raise BadInput(
                f"{template.path} is not there to be edited.", hint="`studio prompts list` shows where it is."
            )
        editor = self.app.options.editor or TerminalEditor(self.app)
        try:
            editor.edit(path)
        finally:
            self.app.spawn(self.ask())

    def can_reset(self) -> bool:
        return self.current is not None and self.current.source == "project"

    async def reset(self) -> None:
        """Back to the packaged template; the text taken away can be put back while this screen is open."""
        template = self.current
        if template is None:
            return
        text = await self.app.session.query(GetTemplate(name=template.name))
        await self.app.session.execute(SaveTemplate(name=template.name, text=None))
        self.removed = (template.name, text.text)
        await self.ask()
        key = self.app.keymap.shown("prompts.undo")
        self.app.say(f"{template.name} is the packaged one again; {key} puts yours back.")

    async def undo_reset(self) -> None:
        if self.removed is None:
            return
        name, text = self.removed
        await self.app.session.execute(SaveTemplate(name=name, text=text))
        self.removed = None
        await self.ask()
        self.app.say(f"Your own {name} is back.")
