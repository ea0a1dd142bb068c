"""Publications: versions on their way to a target, with the steps that are done, so that a broken one goes on where it stopped."""

from __future__ import annotations

import json

from studio.domain.build import Publication, PublicationStatus
from studio.domain.errors import NotFound
from studio.store import sql
from studio.store.naming import shown
from studio.store.transaction import Row, Tx

_COLUMNS = "id version_id target publisher plan plan_digest status actor created_at updated_at steps url detail error"
_INSERT = sql.insert("publications", _COLUMNS)
_SELECT = f"SELECT {sql.names(_COLUMNS)} FROM publications"
_CHANGEABLE = frozenset({"status", "steps", "url", "detail", "error", "plan", "plan_digest", "actor"})


def insert(tx: Tx, publication: Publication) -> None:
    tx.run(
        _INSERT,
        publication.id,
        publication.version_id,
        publication.target,
        publication.publisher,
        publication.plan,
        publication.plan_digest,
        publication.status,
        publication.actor,
        publication.created_at,
        publication.updated_at,
        json.dumps(publication.steps, default=str),
        publication.url,
        publication.detail,
        publication.error,
    )


def get(tx: Tx, publication_id: str) -> Publication:
    row = tx.one(f"{_SELECT} WHERE id = $1", publication_id)
    if row is None:
        raise NotFound(f"There is no publication {shown(publication_id)!r}.")
    return _publication(row)


def update(tx: Tx, publication_id: str, **columns: object) -> Publication:
    """Change the given columns (`steps` as a mapping); `updated_at` is the transaction's time. Raises NotFound."""
    strangers = set(columns) - _CHANGEABLE
    if strangers:
        raise ValueError(f"not a column of a publication that changes: {', '.join(sorted(strangers))}")
    changes = "".join(f", {name} = ${number}" for number, name in enumerate(columns, 3))
    values = [json.dumps(value, default=str) if name == "steps" else value for name, value in columns.items()]
    row = tx.one(
        f"UPDATE publications SET updated_at = $2{changes} WHERE id = $1 RETURNING {sql.names(_COLUMNS)}",
        publication_id,
        tx.now,
        *values,
    )
    return get(tx, publication_id) if row is None else _publication(row)


def listing(tx: Tx) -> list[Publication]:
    """Newest first."""
    return [_publication(row) for row in tx.all(f"{_SELECT} ORDER BY created_at DESC, id DESC")]


def unfinished(tx: Tx, target: str, version_id: str, plan_digest: str) -> Publication | None:
    """The newest carrying out of exactly this plan that has not ended well, which a repeated order goes on with."""
    row = tx.one(
        f"{_SELECT} WHERE target = $1 AND version_id = $2 AND plan_digest = $3 AND status <> $4 "
        "ORDER BY created_at DESC, id DESC LIMIT 1",
        target,
        version_id,
        plan_digest,
        PublicationStatus.DONE,
    )
    return None if row is None else _publication(row)


def _publication(row: Row) -> Publication:
    values = list(row)
    values[6], values[10] = PublicationStatus(row[6]), json.loads(row[10])
    return Publication(*values)
