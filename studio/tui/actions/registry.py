"""The registry of handlers: `@action(id)` on a function of the app. It knows neither screens nor the engine."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.tui.app import StudioApp

Run = Callable[["StudioApp"], Awaitable[None] | None]
Applies = Callable[["StudioApp"], bool]

FAMILIES = ("navigation", "drafting", "reviewing", "book", "prompting", "studio", "composing", "looking", "screen_keys")
"""Modules of this package that register handlers."""


@dataclass(frozen=True, slots=True)
class Handler:
    """`run` acts; `applies` says whether it can now (the footer and the palette ask too); `inline` holds later keys back until
    it is done, as an action that opens an editor or moves to another page must."""

    run: Run
    applies: Applies
    inline: bool


HANDLERS: dict[str, Handler] = {}


def always(app: StudioApp) -> bool:
    return True


def action(action_id: str, *, when: Applies = always, inline: bool = False) -> Callable[[Run], Run]:
    """Register a function for a row of the keymap."""

    def register(run: Run) -> Run:
        HANDLERS[action_id] = Handler(run, when, inline)
        return run

    return register


def load() -> dict[str, Handler]:
    """All handlers; imports the families once."""
    for family in FAMILIES:
        importlib.import_module(f"studio.tui.actions.{family}")
    return HANDLERS
