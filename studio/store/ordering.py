"""The rule for a new order of chapters or pages that may name only some of them."""

from __future__ import annotations

from collections.abc import Sequence

from studio.domain.errors import BadInput
from studio.store.naming import shown


def whole_order(wanted: Sequence[str], present: Sequence[str], what: str) -> list[str]:
    """`wanted` followed by those present that it does not name. Raises BadInput for a stranger or a repetition."""
    known, seen = set(present), set[str]()
    for item in wanted:
        if item not in known:
            raise BadInput(f"The new order names a {what} that is not here: {shown(item)!r}.")
        if item in seen:
            raise BadInput(f"The new order names the {what} {shown(item)!r} twice.")
        seen.add(item)
    return [*wanted, *(item for item in present if item not in seen)]
