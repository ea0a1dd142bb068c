"""An open project: the parts that handlers and views share, and `act`, the one way a command changes rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from studio.domain.errors import BadInput, NotFound, Refused
from studio.domain.page import BRIEF, Page
from studio.domain.workflow import Stage, State, Workflow
from studio.engine.bus import EventBus
from studio.engine.limits import Promises
from studio.engine.live import LiveRuns
from studio.engine.presence import Presence
from studio.engine.scheduler import Scheduler
from studio.protocol.commands import Done
from studio.protocol.events import PageChanged
from studio.store import journal, pages
from studio.store.database import Store
from studio.store.transaction import Tx

if TYPE_CHECKING:
    from studio.config.settings import Settings
    from studio.engine.apps.builds import Builds
    from studio.engine.apps.room import AppRoom
    from studio.engine.canon_shelf import CanonShelf
    from studio.engine.desk import Desk
    from studio.engine.manuscript import Manuscript
    from studio.engine.model_room import ModelRoom


@dataclass(frozen=True, slots=True)
class Call:
    """Who sends a command, its idempotency key, and the attachment it came by (`view`: one that only looks)."""

    actor: str
    request: str | None = None
    client: str = ""
    view: bool = False


@dataclass(slots=True)
class OpenProject:
    """Everything an open project consists of. Built by `engine.opening`; handlers take it as their first argument."""

    root: Path
    settings: Settings
    workflow: Workflow
    store: Store
    bus: EventBus
    live: LiveRuns
    scheduler: Scheduler
    canon: CanonShelf
    models: ModelRoom
    desk: Desk
    manuscript: Manuscript
    presence: Presence
    app: AppRoom
    check_place: Callable[[], None]  # raises StorageError when the folder was moved
    promises: Promises = field(default_factory=Promises)
    builds: Builds | None = None  # of a workflow that writes files
    overrides: dict[str, object] = field(default_factory=dict)  # settings given by flags
    env: Mapping[str, str] | None = None
    stopping: set[str] = field(default_factory=set)  # runs that a person asked to stop
    settling: asyncio.Task[None] | None = None  # the first reading of canon and manuscript

    async def act(self, call: Call, work: Callable[[Tx], Done]) -> Done:
        """Run `work` in a transaction, once per request key: a repeated key gets the first answer and changes nothing."""

        def once(tx: Tx) -> Done:
            if (known := self.recalled(tx, call)) is not None:
                return known
            done = msgspec.structs.replace(work(tx), seq=tx.seq)
            if call.request:
                journal.remember(tx, call.request, msgspec.json.encode(done))
            return done

        return await self.store.transact(once, actor=call.actor)

    def recalled(self, tx: Tx, call: Call) -> Done | None:
        """The answer that this request was given when it was carried out."""
        known = journal.recall(tx, call.request) if call.request else None
        return None if known is None else msgspec.json.decode(known, type=Done)

    async def settled(self) -> None:
        """Wait until the files were read once."""
        if self.settling is not None and not self.settling.done():
            await asyncio.wait({self.settling})

    @property
    def builds_open(self) -> Builds:
        """What a workflow that writes files needs. Raises Refused for any other."""
        if self.builds is None:
            raise Refused(
                f"This project's workflow ({self.workflow.name}) writes no files.",
                hint="Start one that does: `studio new DIR --workflow app`.",
            )
        return self.builds

    def needs_app(self) -> None:
        """Raises Refused in a project whose workflow writes no files."""
        _ = self.builds_open

    def take_settings(self, settings: Settings) -> None:
        """Use new settings from the next decision on."""
        self.settings = settings
        self.models.take_settings(settings)

    def state_of(self, page: Page) -> State:
        """Raises BadInput, with the page, where the workflow's file has lost the stage that the page stands at."""
        try:
            return self.workflow.parse_state(page.state)
        except (BadInput, NotFound) as error:
            raise BadInput(
                f"The page {page.slug!r} is at {page.state!r}, a state that the workflow {self.workflow.name!r} does not have.",
                hint="Put the stage back into the workflow's file; take it out once no page stands at it.",
                data={"page": page.id, "state": page.state},
            ) from error

    def stage_of(self, page: Page) -> Stage | None:
        """The stage the page stands at, None while the brief is awaited or all is approved."""
        name = self.state_of(page).stage
        return self.workflow.stage(name) if name else None

    def is_stage(self, name: str) -> bool:
        return name == BRIEF or any(stage.name == name for stage in self.workflow.stages)

    def move_to(
        self,
        tx: Tx,
        page: Page,
        following: State,
        what: str,
        *,
        stage: str | None = None,
        revision: str | None = None,
        run: str | None = None,
        passing: bool = False,
    ) -> Page:
        """Write the page's new state (also when it stays: the version grows) and its event, in the caller's transaction.

        `passing`: the same transaction moves it on, or made it so; only the event is written. `stay` writes the state after all.
        """
        name = self.workflow.state_name(following)
        moved = replace(page, state=name)
        if not passing:
            moved = pages.move(tx, page.id, name, workflow=self.workflow.name, stage=following.stage, run=run)
        tx.emit(
            PageChanged(
                page=page.id, state=name, what=what, stage=stage or following.stage, revision=revision, actor=tx.actor
            )
        )
        return moved

    def stay(self, tx: Tx, page: Page) -> Page:
        """Write the state that a page was to pass and has come to stay at."""
        stage = self.state_of(page).stage
        return pages.move(tx, page.id, page.state, workflow=self.workflow.name, stage=stage, run=None)
