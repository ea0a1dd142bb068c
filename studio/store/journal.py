"""Reading the journal of events, and answers kept by request so that one sent twice acts once. Writing is `Tx.emit`."""

from __future__ import annotations

import logging

import msgspec

from studio.domain.errors import BadInput
from studio.protocol.codec import decode_event
from studio.protocol.events import AnyEvent, BookChanged
from studio.store.transaction import Tx

log = logging.getLogger(__name__)


def tail(tx: Tx, after: int, limit: int) -> list[AnyEvent]:
    """Up to `limit` events behind sequence `after`, in order."""
    rows = tx.all("SELECT seq, payload FROM workflow_events WHERE seq > $1 ORDER BY seq LIMIT $2", after, limit)
    return [_event(seq, payload) for seq, payload in rows]


def head(tx: Tx) -> int:
    """The newest sequence, 0 for an empty journal."""
    row = tx.one("SELECT coalesce(max(seq), 0) FROM workflow_events")
    return 0 if row is None else int(row[0])


def count(tx: Tx) -> int:
    """How many entries there are; equal to `head` unless some were lost."""
    row = tx.one("SELECT count(*) FROM workflow_events")
    return int(row[0]) if row else 0


def recall(tx: Tx, request: str) -> bytes | None:
    """The answer that was given to this request, if it was carried out."""
    row = tx.one("SELECT result FROM requests WHERE request = $1", request)
    return None if row is None else str(row[0]).encode()


def remember(tx: Tx, request: str, result: bytes) -> None:
    """Keep the answer (UTF-8 JSON) with the effects of the request, in the same transaction. Raises Conflict for one that was
    answered already: it is recalled first."""
    tx.run(
        "INSERT INTO requests (request, result, created_at) VALUES ($1, $2, $3)",
        request,
        result.decode(),
        tx.now,
    )


def _event(seq: int, payload: str) -> AnyEvent:
    try:
        return msgspec.structs.replace(decode_event(payload), seq=seq)
    except BadInput as error:
        # Written by another version of the program. A reader must not stop at it, and looking again is always right.
        log.warning("journal entry %d is unknown here: %s", seq, error)
        return BookChanged(seq=seq, what="unknown")
