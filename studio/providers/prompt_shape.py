"""A prompt's messages as the wire wants them: turns of one role, and where a shared prefix is marked for a cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from studio.providers.base import Message, Role

ANTHROPIC_MARKS = 4
OPENAI_MARKS = 80


@dataclass(frozen=True, slots=True)
class Turn:
    """Adjacent messages of one role. `marks` holds the places in `messages` at whose end a cache breakpoint stands."""

    role: Role
    messages: tuple[Message, ...]
    marks: frozenset[int] = frozenset()

    def joined(self, separator: str) -> str:
        return separator.join(message.text for message in self.messages)


def says(message: Message) -> bool:
    """Whether a message goes on the wire: it has words, calls a tool or is a tool's result, which may be empty."""
    return bool(message.text.strip() or message.tool_calls or message.role == "tool")


def turns(messages: Sequence[Message], marked: frozenset[int] = frozenset()) -> list[Turn]:
    """Messages that say or call something, grouped by role. `marked` are places in `messages`."""
    found = []
    kept = [(at, message) for at, message in enumerate(messages) if says(message)]
    for role, group in groupby(kept, key=lambda item: item[1].role):
        items = list(group)
        marks = frozenset(place for place, (at, _) in enumerate(items) if at in marked)
        found.append(Turn(role, tuple(message for _, message in items), marks))
    return found


def cache_control_places(messages: Sequence[Message]) -> frozenset[int]:
    """Where Anthropic's breakpoints go: at most four, the first flagged message (the system prompt) and the last ones.

    The service looks back 20 blocks from a breakpoint for an earlier entry, so one on the newest prior page also finds the
    entry that the page before it left.
    """
    flagged = [at for at, message in enumerate(messages) if message.cache and says(message)]
    if len(flagged) <= ANTHROPIC_MARKS:
        return frozenset(flagged)
    return frozenset((flagged[0], *flagged[1 - ANTHROPIC_MARKS :]))


def breakpoint_places(messages: Sequence[Message]) -> frozenset[int]:
    """Where OpenAI's breakpoints go: every message up to the last flagged one, the latest 80.

    From gpt-5.6 on an entry is found only at a breakpoint of the request itself, and the latest four are written: the place
    where an earlier, shorter prompt ended has to be marked again. Assistant messages cannot carry one.
    """
    flagged = [at for at, message in enumerate(messages) if message.cache]
    if not flagged:
        return frozenset()
    places = [
        at for at, message in enumerate(messages[: flagged[-1] + 1]) if message.role != "assistant" and says(message)
    ]
    return frozenset(places[-OPENAI_MARKS:])


_UNSUPPORTED = frozenset(
    ("minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum", "pattern", "uniqueItems", "multipleOf")
)


def strict_schema(schema: Mapping[str, object]) -> dict[str, Any]:
    """The schema without bounds, which the strict modes of OpenAI and Anthropic answer with a 400; objects are closed.

    The reply is checked by its reader anyway.
    """
    kept: dict[str, Any] = {}
    for name, value in schema.items():
        if name in ("properties", "$defs") and isinstance(value, Mapping):
            kept[name] = {key: strict_schema(part) for key, part in value.items()}
        elif name not in _UNSUPPORTED:
            kept[name] = _strict_value(value)
    if kept.get("type") == "object":
        kept["additionalProperties"] = False
        kept["required"] = list(kept.get("properties", {}))
    return kept


def _strict_value(value: object) -> object:
    if isinstance(value, Mapping):
        return strict_schema(value)
    if isinstance(value, (list, tuple)):
        return [_strict_value(item) for item in value]
    return value
