"""What was last written to each page's file under `manuscript/`. The files are in `studio.workspace`."""

from __future__ import annotations

from dataclasses import dataclass

from studio.store import sql
from studio.store.transaction import Tx

_ROW = sql.saving("mirror_state", "page_id path digest fingerprint updated_at", "page_id")


@dataclass(frozen=True, slots=True)
class MirrorState:
    """`digest` is that of the file as written; `fingerprint` stands for the approved texts it was written from."""

    page_id: str
    path: str
    digest: str
    fingerprint: str


def get(tx: Tx, page_id: str) -> MirrorState | None:
    row = tx.one("SELECT page_id, path, digest, fingerprint FROM mirror_state WHERE page_id = $1", page_id)
    return None if row is None else MirrorState(*row)


def put(tx: Tx, page_id: str, path: str, digest: str, fingerprint: str) -> None:
    _ROW.put(tx, page_id, path, digest, fingerprint, tx.now)


def remove(tx: Tx, page_id: str) -> None:
    tx.run("DELETE FROM mirror_state WHERE page_id = $1", page_id)


def all(tx: Tx) -> list[MirrorState]:
    rows = tx.all("SELECT page_id, path, digest, fingerprint FROM mirror_state ORDER BY path")
    return [MirrorState(*row) for row in rows]
