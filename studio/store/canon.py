"""Versions of canon documents by digest, and documents put in or kept out of a page by hand. The files are in `studio.workspace`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from studio.domain.canon import CanonDocument
from studio.domain.errors import BadInput
from studio.store import blobs, sql
from studio.store.naming import shown
from studio.store.transaction import Tx

_COLUMNS = "path version digest blob name type gone created_at"
_INSERT = sql.insert_many(
    "canonical_refs",
    "path:text version:integer digest:text blob:text name:text type:text meta:text gone:boolean created_at:timestamp",
)
_MODES = ("in", "out", "auto")
_PIN = sql.saving("context_pins", "page_id path mode", "page_id path")


@dataclass(frozen=True, slots=True)
class CanonVersion:
    """One version of one document. `digest` covers the whole file, `blob` names its body; `gone` says the file had vanished."""

    path: str
    version: int
    digest: str
    blob: str
    name: str
    type: str
    gone: bool
    created_at: datetime


def record(tx: Tx, docs: Sequence[CanonDocument]) -> list[str]:
    """Take note of the whole canon: a new version of each document whose digest is new, and of each that vanished.

    Returns the paths that changed, in order.
    """
    newest = _newest(tx)
    present = {doc.path: doc for doc in docs}
    changed = [doc for doc in present.values() if _differs(newest.get(doc.path), doc)]
    gone = [version for path, version in newest.items() if path not in present and not version.gone]
    for doc in changed:
        blobs.put(tx, doc.body)
    versions = [_version(newest.get(doc.path), doc, tx.now) for doc in changed]
    versions += [CanonVersion(v.path, v.version + 1, v.digest, v.blob, v.name, v.type, True, tx.now) for v in gone]
    metas = {doc.path: _meta(doc) for doc in changed}
    _insert(tx, versions, metas)
    return sorted(version.path for version in versions)


def versions(tx: Tx, path: str) -> list[CanonVersion]:
    """Oldest first."""
    rows = tx.all(f"SELECT {sql.names(_COLUMNS)} FROM canonical_refs WHERE path = $1 ORDER BY version", path)
    return [CanonVersion(*row) for row in rows]


def text(tx: Tx, digest: str) -> str:
    """The body of the document version of that file digest. Raises NotFound."""
    row = tx.one("SELECT blob FROM canonical_refs WHERE digest = $1 LIMIT 1", digest)
    return blobs.get(tx, digest if row is None else row[0])


def pins(tx: Tx, page_id: str) -> dict[str, str]:
    """`in` or `out` by path."""
    rows = tx.all("SELECT path, mode FROM context_pins WHERE page_id = $1 ORDER BY path", page_id)
    return {row[0]: row[1] for row in rows}


def pin(tx: Tx, page_id: str, path: str, mode: str) -> None:
    """`in`, `out`, or `auto`, which leaves the document to the rules again."""
    if mode not in _MODES:
        raise BadInput(f"{shown(mode)!r} is not a way to pin a document.", hint="Choose in, out or auto.")
    if mode == "auto":
        tx.run("DELETE FROM context_pins WHERE page_id = $1 AND path = $2", page_id, path)
    else:
        _PIN.put(tx, page_id, path, mode)


def _newest(tx: Tx) -> dict[str, CanonVersion]:
    rows = tx.all(
        f"SELECT {sql.names(_COLUMNS, 'v')} FROM canonical_refs v "
        "JOIN (SELECT path, max(version) AS top FROM canonical_refs GROUP BY path) t ON t.path = v.path AND t.top = v.version"
    )
    return {row[0]: CanonVersion(*row) for row in rows}


def _differs(known: CanonVersion | None, doc: CanonDocument) -> bool:
    return known is None or known.gone or known.digest != doc.digest


def _version(known: CanonVersion | None, doc: CanonDocument, now: datetime) -> CanonVersion:
    number = 1 if known is None else known.version + 1
    return CanonVersion(doc.path, number, doc.digest, blobs.name_of(doc.body), doc.name, doc.type, False, now)


def _insert(tx: Tx, versions: Sequence[CanonVersion], metas: Mapping[str, str]) -> None:
    if not versions:
        return
    tx.run(
        _INSERT,
        [version.path for version in versions],
        [version.version for version in versions],
        [version.digest for version in versions],
        [version.blob for version in versions],
        [version.name for version in versions],
        [version.type for version in versions],
        [metas.get(version.path, "{}") for version in versions],
        [version.gone for version in versions],
        [version.created_at for version in versions],
    )


def _meta(doc: CanonDocument) -> str:
    known = {
        "aliases": doc.aliases,
        "tags": doc.tags,
        "include": doc.include.value,
        "priority": doc.priority,
        "links": doc.links,
        "extra": dict(doc.extra),
    }
    return json.dumps(known, ensure_ascii=False, default=str)
