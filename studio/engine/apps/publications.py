"""Publications that nobody carries out any more are closed: one at a time goes out, so another that is running was cut off."""

from __future__ import annotations

from studio.domain.build import PublicationStatus
from studio.protocol.build_events import PublicationChanged
from studio.store import publications
from studio.store.transaction import Tx

INTERRUPTED = (
    "The program ended while this was carried out. Publishing the same plan again goes on after its last finished step."
)


def close_left(tx: Tx, *, besides: str = "") -> None:
    """Running ones but that of the id `besides` are interrupted; their steps stay, for the same plan goes on with them."""
    status = PublicationStatus.INTERRUPTED
    for row in publications.listing(tx):
        if row.status is PublicationStatus.RUNNING and row.id != besides:
            publications.update(tx, row.id, status=status, error=INTERRUPTED)
            tx.emit(PublicationChanged(publication=row.id, target=row.target, status=status.value, message=INTERRUPTED))
