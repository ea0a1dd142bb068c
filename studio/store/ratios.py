"""Learned ratios of real tokens to estimated ones, per provider, model and kind of text."""

from __future__ import annotations

from studio.store import sql
from studio.store.transaction import Tx

_ROW = sql.saving("token_ratios", "provider model kind ratio samples updated_at", "provider model kind")


def get(tx: Tx, provider: str, model: str, kind: str) -> tuple[float, int] | None:
    """(ratio, number of calls it was learned from)."""
    row = tx.one(
        "SELECT ratio, samples FROM token_ratios WHERE provider = $1 AND model = $2 AND kind = $3",
        provider,
        model,
        kind,
    )
    return None if row is None else (float(row[0]), int(row[1]))


def put(tx: Tx, provider: str, model: str, kind: str, ratio: float, samples: int) -> None:
    _ROW.put(tx, provider, model, kind, ratio, samples, tx.now)
