"""Events of a change as messages for a person: which of them are told, in which words."""

from __future__ import annotations

import time
from datetime import datetime

from studio.domain.errors import StudioError
from studio.domain.workflow import state_words
from studio.protocol import build_queries as bq
from studio.protocol.build_events import BuildProgress, FindingChanged, HandedOff, TaskChanged, VersionChanged
from studio.protocol.client import EngineClient
from studio.protocol.events import AnyEvent, PageChanged

_ASK_AGAIN = 1.0
"""Seconds between two questions for the titles of a change that is edited."""


class Telling:
    """The messages of one change. A task's title is asked for once, and again when tasks were edited, at most once a second: a client
    that resumes hears of many edits at once, and what is asked for then is newer than all of them."""

    def __init__(self, client: EngineClient, page: str) -> None:
        self._client = client
        self._page = page
        self._titles: dict[str, str] = {}
        self._asked_at = 0.0
        self._edited = False

    async def of(self, event: AnyEvent) -> str | None:
        """The message; None for an event of something else."""
        if getattr(event, "page", None) != self._page:
            return None
        match event:
            case BuildProgress():
                return event.message
            case PageChanged():
                return _sentence(state_words(event.state))
            case TaskChanged():
                return f"{await self._task(event)}: {event.what}."
            case VersionChanged():
                return f"Version {event.number}: {event.what.replace('_', ' ')}."
            case HandedOff():
                return f"{event.from_role} hands over to {event.to_role}: {event.from_stage} to {event.to_stage}."
            case FindingChanged():
                return f"{'A finding is' if event.finding else 'Findings are'} {event.state}."
            case _:
                return None

    async def _task(self, event: TaskChanged) -> str:
        self._edited = self._edited or event.what == "edited"
        if event.task not in self._titles or (self._edited and time.monotonic() - self._asked_at > _ASK_AGAIN):
            await self._ask_titles()
            # One that is not on the board (of an older plan) is not asked for with each of its events.
            self._titles.setdefault(event.task, "A task")
        return self._titles[event.task]

    async def _ask_titles(self) -> None:
        self._asked_at, self._edited = time.monotonic(), False
        try:
            board = await self._client.query(bq.GetTasks(page=self._page))
        except StudioError:
            return
        self._titles.update((task.id, f"Task {task.title}") for task in board.tasks)


def happened(event: AnyEvent) -> datetime | None:
    """None for an event that an older program wrote without its time."""
    return event.at if isinstance(event.at, datetime) else None


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
