"""The model picker: which models can be used, at what price, why others cannot; for the project or for one role."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from studio.protocol.queries import GetModels
from studio.protocol.views import ModelsView
from studio.tui.presenters.lines import Line, line, wrap
from studio.tui.presenters.models import Choice, Target, choices, chosen, details, row, services, stage_names, targets
from studio.tui.screens.framed import Acts
from studio.tui.screens.pick import PickScreen
from studio.tui.widgets.pick_list import empty_row


class ModelsScreen(PickScreen):
    """Enter writes the choice to `studio.toml` through the engine."""

    scopes: ClassVar[tuple[str, ...]] = ("models", "pick", "anywhere")
    placeholder = "filter, or type provider:model"

    def __init__(self) -> None:
        super().__init__()
        self.about.most = 6
        self.view: ModelsView | None = None
        self.targets: tuple[Target, ...] = (Target(None, "project"),)
        self.target = self.targets[0]
        self.checked = False
        self._choices: tuple[Choice, ...] = ()

    def on_mount(self) -> None:
        super().on_mount()
        if self.app.session.project:
            self.targets = targets(self.app.session.project)
        self.app.spawn(self.ask())

    def acts(self) -> Acts:
        acts = {**super().acts(), "models.target": self.next_target, "models.check": self.check}
        if self.app.options.view:
            del acts["pick.choose"]
        return acts

    def check(self) -> None:
        """Not waited for: a service may take seconds, and keys go on meanwhile."""
        self.app.spawn(self.ask(check=True))

    async def ask(self, *, check: bool = False) -> None:
        """Ask the engine; `check` asks each service too, which can take some seconds."""
        if check:
            self.app.say("Asking each service whose key is set; nothing is generated.")
        view = await self.app.session.query(GetModels(check=check))
        if not self.is_mounted:
            return
        self.view, self.checked = view, check
        if check:
            self.app.clear_message()
        self.refresh_rows(first=self.list.cursor is None)

    def show_head(self) -> None:
        spans: list[tuple[str, str]] = [("Model for", "strong")]
        names = sum(len(target.label) + 4 for target in self.targets)
        roomy = len("Model for") + names + len(self.target.role or "") + 16 <= self.app.size.width
        for target in self.targets if roomy else (self.target,):
            here = target == self.target
            spans += [("  ", "text"), (f"[{target.label}]" if here else target.label, "accent" if here else "dim")]
            if here and target.role:
                spans.append((f" {target.role} in studio.toml", "dim"))
        if not roomy:
            spans.append((f"   {self.targets.index(self.target) + 1} of {len(self.targets)}", "dim"))
        self.head.say(spans)

    def next_target(self) -> None:
        at = self.targets.index(self.target)
        self.target = self.targets[(at + 1) % len(self.targets)]
        self.refresh_rows(first=True)
        at = chosen(self._choices, self.target)
        if at < len(self.list.stops):
            self.list.set_cursor(at)
            self.about.show()

    def rows(self, typed: str, width: int) -> Sequence[Line]:
        if self.view is None:
            return empty_row("Looking at which models there are...")
        self._choices = choices(self.view, typed, self.target)
        cells = min(width, 110)
        names = stage_names(self.app.session.project) if self.app.session.project else {}
        found = [
            row(choice, cells, self.app.glyphs, at, names, target=self.target)
            for at, choice in enumerate(self._choices)
        ]
        return found or empty_row("No model is called that; `provider:model` is used as written.")

    def details(self, stop: Hashable, width: int) -> Sequence[Line]:
        if self.view is None:
            return ()
        said = [self.view.hint] if self.view.hint else []
        if isinstance(stop, int) and stop < len(self._choices):
            said.append(details(self._choices[stop]))
        said += services(self.view) if self.checked else []
        rows = [part for sentence in said if sentence for part in wrap(sentence, max(width - 3, 10))]
        return [line((f"  {part}", "dim")) for part in rows]

    async def choose(self, stop: Hashable) -> None:
        if isinstance(stop, int) and stop < len(self._choices):
            self.app.spawn(self._set(self._choices[stop]))

    async def _set(self, choice: Choice) -> None:
        done = await self.app.session.execute(choice.command(self.target))
        await self.leave()
        said = f"{choice.ref or 'No model of its own'} for {self.target.label}."
        self.app.say(done.message or said)
        self.app.session.refresh()
