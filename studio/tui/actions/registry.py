"""The registry of handlers: `@action(id)` on a function of the app. It knows neither screens nor the engine."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studio.tui.app import StudioApp

Run = Callable[["StudioApp"], Awaitable[None] | None]
Applies = Callable[["StudioApp"], bool]
Shown = Callable[["StudioApp"], tuple[int, str]]

FIRST = ("navigation", "drafting", "reviewing", "studio")
"""Families that the first frame loads; they import no editor and no screen."""
FAMILIES = (
    *FIRST,
    "book",
    "prompting",
    "exporting",
    "composing",
    "composer_keys",
    "notes",
    "looking",
    "building",
    "screen_keys",
)
"""Modules of this package that register handlers. The later ones (60 ms of editors and screens) follow the first frame, or the
first key if that is sooner."""


@dataclass(frozen=True, slots=True)
class Handler:
    """`run` acts; `applies` says whether it can now (the footer and the palette ask too); `inline` holds later keys back until
    it is done, as an action that opens an editor or moves to another page must. `changes` marks those that change the project,
    which a workbench that only looks refuses. `shown` gives the place and label in the footer where these change with the page."""

    run: Run
    applies: Applies
    inline: bool
    changes: bool = False
    shown: Shown | None = None


HANDLERS: dict[str, Handler] = {}
STARTERS: list[Callable[[StudioApp], Coroutine[Any, Any, None]]] = []
"""What families do once when the book stands on the screen, such as offering back what a crash left."""


def always(app: StudioApp) -> bool:
    return True


def action(
    action_id: str, *, when: Applies = always, inline: bool = False, changes: bool = False, shown: Shown | None = None
) -> Callable[[Run], Run]:
    """Register a function for a row of the keymap."""

    def register(run: Run) -> Run:
        HANDLERS[action_id] = Handler(run, when, inline, changes, shown)
        return run

    return register


def at_start(
    work: Callable[[StudioApp], Coroutine[Any, Any, None]],
) -> Callable[[StudioApp], Coroutine[Any, Any, None]]:
    """Register work for when the book is open."""
    STARTERS.append(work)
    return work


def load(families: Sequence[str] = FAMILIES) -> dict[str, Handler]:
    """All handlers of `families`; each is imported once."""
    for family in families:
        importlib.import_module(f"studio.tui.actions.{family}")
    return HANDLERS
