"""Builds: the app workflow's own row of a page, and the handoffs from role to role."""

from __future__ import annotations

from studio.domain.build import Build, Handoff, Operation
from studio.store import sql
from studio.store.transaction import Row, Tx

_COLUMNS = "page_id operation returns created_at updated_at project_id build_id user_id model requirements"
_ROW = sql.saving("build_workflows", _COLUMNS, "page_id")
_SELECT = f"SELECT {sql.names(_COLUMNS)} FROM build_workflows"
_HANDOFF = "id page_id from_role to_role from_stage to_stage note created_at revision_id"
_ADD_HANDOFF = sql.insert("workflow_handoffs", f"{_HANDOFF} made_at")


def get(tx: Tx, page_id: str) -> Build | None:
    row = tx.one(f"{_SELECT} WHERE page_id = $1", page_id)
    return None if row is None else _build(row)


def add(tx: Tx, build: Build) -> None:
    """The row of a page that has none yet."""
    _ROW.add(tx, *_values(build))


def save(tx: Tx, build: Build) -> None:
    """Write the page's row, or replace it."""
    _ROW.put(tx, *_values(build))


def _values(build: Build) -> tuple[object, ...]:
    return (
        build.page_id,
        build.operation,
        build.returns,
        build.created_at,
        build.updated_at,
        build.project_id,
        build.build_id,
        build.user_id,
        build.model,
        build.requirements,
    )


def by_build_id(tx: Tx, project_id: str, build_id: str) -> Build | None:
    """The first build that an outside program named so; without a `build_id` there is none."""
    if not build_id:
        return None
    row = tx.one(
        f"{_SELECT} WHERE build_id = $2 AND project_id = $1 ORDER BY created_at, page_id LIMIT 1", project_id, build_id
    )
    return None if row is None else _build(row)


def named(tx: Tx, build_id: str) -> list[Build]:
    """Every build of that outside id, whatever its project, oldest first."""
    rows = tx.all(f"{_SELECT} WHERE build_id = $1 AND build_id <> '' ORDER BY created_at, page_id", build_id)
    return [_build(row) for row in rows]


def outside_ids(tx: Tx) -> dict[str, str]:
    """The ids that programs outside gave to changes, by page."""
    return dict(tx.all("SELECT page_id, build_id FROM build_workflows WHERE build_id <> ''"))


def add_handoff(tx: Tx, handoff: Handoff) -> None:
    tx.run(
        _ADD_HANDOFF,
        handoff.id,
        handoff.page_id,
        handoff.from_role,
        handoff.to_role,
        handoff.from_stage,
        handoff.to_stage,
        handoff.note,
        handoff.created_at,
        handoff.revision_id,
        tx.seq,
    )


def handoffs(tx: Tx, page_id: str) -> list[Handoff]:
    """In the order in which they were made, which no clock that is set back can turn round."""
    rows = tx.all(
        f"SELECT {sql.names(_HANDOFF)} FROM workflow_handoffs WHERE page_id = $1 ORDER BY made_at, id", page_id
    )
    return [Handoff(*row) for row in rows]


def _build(row: Row) -> Build:
    values = list(row)
    values[1] = Operation(row[1])
    return Build(*values)
