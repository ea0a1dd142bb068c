"""The context ledger of each run: what went into the prompt, why, and what was left out."""

from __future__ import annotations

from collections.abc import Sequence

from studio.domain.canon import EntryKind, LedgerEntry, Reason
from studio.store import sql
from studio.store.transaction import Tx

_INSERT = sql.insert_many(
    "context_ledger",
    "run_id:text position:integer kind:text name:text reason:text tokens:integer digest:text detail:text left_out:text path:text",
)


def insert(tx: Tx, run_id: str, entries: Sequence[LedgerEntry]) -> None:
    """Add the decisions of a run, once, in order."""
    if not entries:
        return
    tx.run(
        _INSERT,
        [run_id] * len(entries),
        list(range(len(entries))),
        [entry.kind.value for entry in entries],
        [entry.name for entry in entries],
        [entry.reason.value for entry in entries],
        [entry.tokens for entry in entries],
        [entry.digest for entry in entries],
        [entry.detail for entry in entries],
        [entry.left_out for entry in entries],
        [entry.path for entry in entries],
    )


def listing(tx: Tx, run_id: str) -> list[LedgerEntry]:
    """In the order of the decisions."""
    rows = tx.all(
        "SELECT kind, name, reason, tokens, digest, detail, left_out, path FROM context_ledger "
        "WHERE run_id = $1 ORDER BY position",
        run_id,
    )
    return [LedgerEntry(EntryKind(kind), name, Reason(reason), *rest) for kind, name, reason, *rest in rows]
