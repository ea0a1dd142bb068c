"""The conversation of each role about a page: every message that a role was sent or answered, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple

from studio.domain.build import RoleMessage
from studio.domain.ids import new_id
from studio.store import sql
from studio.store.transaction import Tx

_COLUMNS = "id page_id role position kind text created_at data run_id task_id"
_ROWS = sql.adding(
    "role_messages",
    "id:text page_id:text role:text position:integer kind:text text:text created_at:timestamp data:text run_id:text task_id:text",
)
_SELECT = f"SELECT {sql.names(_COLUMNS)} FROM role_messages"


def append(
    tx: Tx,
    page_id: str,
    role: str,
    kind: str,
    text: str,
    *,
    data: str | None = None,
    run_id: str | None = None,
    task_id: str | None = None,
) -> RoleMessage:
    """Add a message (system, user, assistant or tool) behind the role's last one. `data` is JSON."""
    return extend(tx, page_id, role, [(kind, text, data)], run_id=run_id, task_id=task_id)[0]


def extend(
    tx: Tx,
    page_id: str,
    role: str,
    said: Sequence[tuple[str, str, str | None]],
    *,
    run_id: str | None = None,
    task_id: str | None = None,
) -> list[RoleMessage]:
    """Add messages, each of (kind, text, data), behind the role's last one."""
    row = tx.one("SELECT coalesce(max(position), 0) FROM role_messages WHERE page_id = $1 AND role = $2", page_id, role)
    last = int(row[0]) if row else 0
    messages = [
        RoleMessage(new_id(), page_id, role, position, kind, text, tx.now, data, run_id, task_id)
        for position, (kind, text, data) in enumerate(said, last + 1)
    ]
    _ROWS.put(tx, [astuple(one) for one in messages])
    return messages


def listing(
    tx: Tx, page_id: str, role: str | None = None, *, task_id: str | None = None, run_id: str | None = None
) -> list[RoleMessage]:
    """In order: a role's by position, several roles' by time. `task_id` and `run_id` keep only that task's or run's."""
    order = "created_at, role, position" if role is None else "position"
    rows = tx.all(
        f"{_SELECT} WHERE page_id = $1 AND ($2::text IS NULL OR role = $2) AND ($3::text IS NULL OR task_id = $3) "
        f"AND ($4::text IS NULL OR run_id = $4) ORDER BY {order}",
        page_id,
        role,
        task_id,
        run_id,
    )
    return [RoleMessage(*row) for row in rows]
