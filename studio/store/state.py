"""Where each page stands in its workflow: `orchestrator_state`, which the page's own `state` mirrors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from studio.domain.errors import NotFound
from studio.store import sql
from studio.store.naming import shown
from studio.store.transaction import Tx

_COLUMNS = "page_id workflow state stage run_id updated_at"
_ROW = sql.saving("orchestrator_state", _COLUMNS, "page_id")


@dataclass(frozen=True, slots=True)
class PageState:
    """`stage` is None at both ends of the workflow; `run_id` is the run that is or was last at work."""

    page_id: str
    workflow: str
    state: str
    stage: str | None
    run_id: str | None
    updated_at: datetime


def begin(tx: Tx, page_id: str, workflow: str, state: str, stage: str | None = None) -> None:
    """The row of a page that is made now."""
    _ROW.add(tx, page_id, workflow, state, stage, None, tx.now)


def save(tx: Tx, page_id: str, workflow: str, state: str, stage: str | None, run_id: str | None) -> None:
    """Write the state. The page's own is written with it, by `pages.move`."""
    _ROW.put(tx, page_id, workflow, state, stage, run_id, tx.now)


def mirror(tx: Tx, page_id: str, state: str) -> None:
    """Take over a state that was set on the page; workflow, stage and run stay as they were."""
    change = "UPDATE orchestrator_state SET state = $2, updated_at = $3 WHERE page_id = $1 RETURNING page_id"
    if tx.one(change, page_id, state, tx.now) is None:
        tx.run(sql.insert("orchestrator_state", "page_id state updated_at workflow"), page_id, state, tx.now, "")


def get(tx: Tx, page_id: str) -> PageState:
    row = tx.one(f"SELECT {sql.names(_COLUMNS)} FROM orchestrator_state WHERE page_id = $1", page_id)
    if row is None:
        raise NotFound(f"There is no page {shown(page_id)!r}.")
    return PageState(*row)
