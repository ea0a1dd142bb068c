"""The journal of one page: its events with the time and the person of each. Following the whole journal is in `journal`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from studio.domain.errors import BadInput
from studio.protocol.codec import decode_event
from studio.protocol.events import AnyEvent
from studio.store.transaction import Tx


@dataclass(frozen=True, slots=True)
class PageEvent:
    seq: int
    actor: str
    created_at: datetime
    event: AnyEvent


def newest(tx: Tx, page_id: str, kind: str) -> PageEvent | None:
    """The last event of a kind (`build.progress`), if it can be read."""
    found = listing(tx, page_id, [kind], 1)
    return found[0] if found else None


def listing(tx: Tx, page_id: str, kinds: Sequence[str], limit: int) -> list[PageEvent]:
    """The newest `limit` events of these kinds in order; those of another version of the program are left out."""
    rows = tx.all(
        "SELECT seq, actor, created_at, payload FROM workflow_events WHERE page_id = $1 AND kind = ANY($2::text[]) "
        "ORDER BY seq DESC LIMIT $3",
        page_id,
        list(kinds),
        limit,
    )
    found: list[PageEvent] = []
    for seq, actor, created_at, payload in reversed(rows):
        try:
            found.append(PageEvent(int(seq), actor, created_at, decode_event(payload)))
        except BadInput:  # a reader must not stop at it
            continue
    return found


def count(tx: Tx, page_id: str, kinds: Sequence[str]) -> int:
    row = tx.one(
        "SELECT count(*) FROM workflow_events WHERE page_id = $1 AND kind = ANY($2::text[])", page_id, list(kinds)
    )
    return int(row[0]) if row else 0
