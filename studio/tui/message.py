"""A sentence to the person, and a question that the next key answers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Literal

from studio.domain.text import one_line

Level = Literal["info", "warning", "error", "ask"]
LIMIT = 600
"""Characters of a message that are shown; more is in the log or in the place it is about."""


@dataclass(frozen=True, slots=True)
class Message:
    text: str
    level: Level

    @classmethod
    def of(cls, text: str, level: Level) -> Message:
        return cls(one_line(text, LIMIT), level)

    @property
    def style(self) -> str:
        return {"info": "text", "warning": "warn", "error": "error", "ask": "strong"}[self.level]


@dataclass(frozen=True, slots=True)
class Pending:
    """What waits for a second key: that of `action_id` again, or enter. `about` is how the page stood that the question is about,
    None where it is about no page."""

    action_id: str
    go: Callable[[], Coroutine[Any, Any, None]]
    about: Hashable = None

    @property
    def keys(self) -> frozenset[str]:
        """The actions that say yes."""
        return frozenset({self.action_id, "open", "rows.open"})
