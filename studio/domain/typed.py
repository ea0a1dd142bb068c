"""What a person typed for one line: a title, a name, a reason. It is taken whole or refused, never cut."""

from __future__ import annotations

from studio.domain.errors import BadInput
from studio.domain.text import TITLE_LIMIT, flat


def typed_line(text: str, what: str, limit: int = TITLE_LIMIT) -> str:
    """The words on one line. Raises BadInput naming the limit: `The title has 143 characters; at most 120 are allowed.`"""
    line = flat(text)
    refuse_long(line, what, limit)
    return line


def refuse_long(text: str, what: str, limit: int) -> None:
    """Raises BadInput where `text` is longer than may be kept."""
    if len(text) > limit:
        raise BadInput(f"The {what} has {len(text):,} characters; at most {limit:,} are allowed.", hint="Shorten it.")
