"""Versions of the application: their rows, the files of each one's tree, and their numbers. The bytes are not in the database."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

from studio.domain.build import AppVersion, Operation, VersionFile, VersionStatus
from studio.domain.errors import NotFound
from studio.domain.tooling import ChangeKind
from studio.store import sql
from studio.store.naming import shown
from studio.store.transaction import Row, Tx

_COLUMNS = (
    "id page_id number status origin started_at run_id parent_id operation finished_at summary changelog error "
    "cost_usd approved restored_from"
)
_INSERT = sql.insert("app_versions", _COLUMNS)
_SELECT = f"SELECT {sql.names(_COLUMNS)} FROM app_versions"
_FILE = "path digest size mode change"
_INSERT_FILES = sql.insert_many(
    "version_files", "version_id:text path:text digest:text size:bigint mode:integer change:text"
)
# Those at work first; the others by when their tree was recorded, since a run that began earlier may end later.
_ORDER = "ORDER BY CASE WHEN finished_at IS NULL THEN 0 ELSE 1 END, finished_at DESC, started_at DESC, id DESC"
_NUMBER = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})")


def insert(tx: Tx, version: AppVersion) -> None:
    tx.run(
        _INSERT,
        version.id,
        version.page_id,
        version.number,
        version.status,
        version.origin,
        version.started_at,
        version.run_id,
        version.parent_id,
        version.operation,
        version.finished_at,
        version.summary,
        version.changelog,
        version.error,
        version.cost_usd,
        version.approved,
        version.restored_from,
    )


def get(tx: Tx, version_id: str) -> AppVersion:
    row = tx.one(f"{_SELECT} WHERE id = $1", version_id)
    if row is None:
        raise NotFound(f"There is no version {shown(version_id)!r}.", hint=_there_are(tx))
    return _version(row)


def resolve(tx: Tx, ref: str) -> AppVersion:
    """The version of an id, a number (`1.2.0`, `v1.2.0`) or `newest`. Raises NotFound with what there is."""
    ref = ref.strip()
    if ref == "newest":
        found = newest(tx)
        if found is None:
            raise NotFound("There is no finished version yet.", hint=_there_are(tx))
        return found
    number = ref[1:] if ref[:1] in ("v", "V") else ref
    row = tx.one(f"{_SELECT} WHERE id = $1 OR number = $2 {_ORDER} LIMIT 1", ref, number)
    if row is None:
        raise NotFound(f"There is no version {shown(ref)!r}.", hint=_there_are(tx))
    return _version(row)


def newest(tx: Tx) -> AppVersion | None:
    """The version whose tree was recorded last, completed or failed: what `app/` held when that run or person ended."""
    row = tx.one(f"{_SELECT} WHERE finished_at IS NOT NULL ORDER BY finished_at DESC, started_at DESC, id DESC LIMIT 1")
    return None if row is None else _version(row)


def listing(tx: Tx, page_id: str | None = None) -> list[AppVersion]:
    """Newest first, those at work before the others."""
    rows = tx.all(f"{_SELECT} WHERE ($1::text IS NULL OR page_id = $1) {_ORDER}", page_id)
    return [_version(row) for row in rows]


def any_of(tx: Tx, page_id: str) -> bool:
    """Whether the page has a version, of whatever status."""
    return tx.one("SELECT id FROM app_versions WHERE page_id = $1 LIMIT 1", page_id) is not None


def broke_off(tx: Tx, page_id: str) -> bool:
    """Whether the newest version that a run made for the page is a failed one: that work waits to be gone on with."""
    row = tx.one(f"SELECT status FROM app_versions WHERE page_id = $1 AND origin = 'run' {_ORDER} LIMIT 1", page_id)
    return row is not None and row[0] == VersionStatus.FAILED


def cut_short(tx: Tx) -> dict[str, str]:
    """Failed versions whose run came to no end of its own, by id: `stopped` by a person, or `interrupted` with the engine."""
    rows = tx.all(
        "SELECT v.id, r.status FROM app_versions v JOIN runs r ON r.id = v.run_id "
        "WHERE v.status = 'failed' AND r.status IN ('stopped', 'interrupted')"
    )
    return {row[0]: row[1] for row in rows}


def open(tx: Tx) -> list[AppVersion]:
    """Those at work, newest first."""
    rows = tx.all(f"{_SELECT} WHERE status = $1 {_ORDER}", VersionStatus.IN_PROGRESS)
    return [_version(row) for row in rows]


def latest(tx: Tx) -> tuple[AppVersion | None, list[AppVersion]]:
    """`newest` and `open` in one read."""
    last = "SELECT max(finished_at) FROM app_versions"
    rows = [_version(row) for row in tx.all(f"{_SELECT} WHERE finished_at IS NULL OR finished_at = ({last}) {_ORDER}")]
    ended = [one for one in rows if one.finished_at is not None]
    return ended[0] if ended else None, [one for one in rows if one.finished_at is None]


def finish(
    tx: Tx,
    version_id: str,
    *,
    status: VersionStatus,
    summary: str = "",
    changelog: str = "",
    error: str = "",
    cost_usd: float | None = None,
    files: Sequence[VersionFile],
) -> AppVersion:
    """End a version with its whole tree (deleted files named too), and return it. One that has ended already stays as it is."""
    last = tx.one("SELECT max(finished_at) FROM app_versions")
    now = tx.now if last is None or last[0] is None else max(tx.now, last[0] + timedelta(microseconds=1))
    row = tx.one(
        "UPDATE app_versions SET status = $2, summary = $3, changelog = $4, error = $5, cost_usd = $6, finished_at = $7 "
        f"WHERE id = $1 AND status = $8 RETURNING {sql.names(_COLUMNS)}",
        version_id,
        status,
        summary,
        changelog,
        error,
        cost_usd,
        now,
        VersionStatus.IN_PROGRESS,
    )
    if row is None:
        return get(tx, version_id)
    _insert_files(tx, version_id, files)
    return _version(row)


def approve(tx: Tx, version_id: str) -> None:
    get(tx, version_id)
    tx.run("UPDATE app_versions SET approved = TRUE WHERE id = $1", version_id)


def describe(tx: Tx, version_id: str, *, summary: str, changelog: str, number: str | None = None) -> None:
    """The words of a release for a version that ended; `number` where it is to be called otherwise."""
    tx.run(
        "UPDATE app_versions SET summary = $2, changelog = $3, number = coalesce($4, number) WHERE id = $1",
        version_id,
        summary,
        changelog,
        number,
    )


def files(tx: Tx, version_id: str) -> list[VersionFile]:
    """The version's tree by path; deleted files are not in it."""
    return [file for file in _every_file(tx, version_id) if file.change is not ChangeKind.DELETED]


def changes(tx: Tx, version_id: str) -> list[VersionFile]:
    """What changed against the version before, by path: deleted files too."""
    return [file for file in _every_file(tx, version_id) if file.change is not None]


def by_hand_before(tx: Tx, version: AppVersion) -> dict[str, str]:
    """Paths whose text before a version is a person's, each with the number of the version that has it: also after it was taken
    back and put there again. Files that a person removed since the run before are among them."""
    found = _written_by_hand(tx, version.parent_id) if version.parent_id else {}
    before = get(tx, version.parent_id) if version.parent_id else None
    while before is not None and before.origin == "person":
        for file in changes(tx, before.id):
            found.setdefault(file.path, before.number)
        before = get(tx, before.parent_id) if before.parent_id else None
    return found


def _written_by_hand(tx: Tx, version_id: str) -> dict[str, str]:
    """The files of a version whose text came up first in a version made by hand, with its number."""
    rows = tx.all(
        "SELECT f.path, v.number, v.origin FROM version_files f "
        "JOIN version_files g ON g.path = f.path AND g.digest = f.digest AND g.change IN ('added', 'modified') "
        "JOIN app_versions v ON v.id = g.version_id WHERE f.version_id = $1 ORDER BY v.finished_at, v.id",
        version_id,
    )
    first: dict[str, tuple[str, str]] = {}
    for path, number, origin in rows:
        first.setdefault(path, (number, origin))
    return {path: number for path, (number, origin) in first.items() if origin == "person"}


def counts(tx: Tx, page_id: str | None = None) -> dict[str, dict[str, int]]:
    """By version: `files` of its tree, and how many were `added`, `modified`, `deleted` or `renamed`."""
    rows = tx.all(
        "SELECT f.version_id, coalesce(f.change, ''), count(*) FROM version_files f "
        "JOIN app_versions v ON v.id = f.version_id WHERE ($1::text IS NULL OR v.page_id = $1) GROUP BY 1, 2",
        page_id,
    )
    found: dict[str, dict[str, int]] = {}
    for version_id, change, number in rows:
        mine = found.setdefault(version_id, {"files": 0})
        if change:
            mine[change] = int(number)
        if change != ChangeKind.DELETED:
            mine["files"] += int(number)
    return found


def next_number(tx: Tx, bump: Literal["major", "minor", "patch"]) -> str:
    """Above every number there is; the first is 1.0.0."""
    known = [parts for row in tx.all("SELECT number FROM app_versions") if (parts := _parts(row[0]))]
    if not known:
        return "1.0.0"
    major, minor, patch = max(known)
    if bump == "major":
        return f"{major + 1}.0.0"
    return f"{major}.{minor + 1}.0" if bump == "minor" else f"{major}.{minor}.{patch + 1}"


def _insert_files(tx: Tx, version_id: str, tree: Sequence[VersionFile]) -> None:
    if not tree:
        return
    tx.run(
        _INSERT_FILES,
        [version_id] * len(tree),
        [file.path for file in tree],
        [file.digest for file in tree],
        [file.size for file in tree],
        [file.mode for file in tree],
        [None if file.change is None else file.change.value for file in tree],
    )


def _every_file(tx: Tx, version_id: str) -> list[VersionFile]:
    rows = tx.all(f"SELECT {sql.names(_FILE)} FROM version_files WHERE version_id = $1 ORDER BY path", version_id)
    return [
        VersionFile(path, digest, size, mode, ChangeKind(change) if change else None)
        for path, digest, size, mode, change in rows
    ]


def _parts(number: str) -> tuple[int, int, int] | None:
    found = _NUMBER.fullmatch(number)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def _there_are(tx: Tx) -> str:
    numbers = [version.number for version in listing(tx)]
    if not numbers:
        return "There is none yet: the first change makes 1.0.0."
    rest = f" and {len(numbers) - 8} older" if len(numbers) > 8 else ""
    return f"There are {', '.join(numbers[:8])}{rest}."


def _version(row: Row) -> AppVersion:
    values = list(row)
    values[3], values[8] = VersionStatus(row[3]), Operation(row[8])
    return AppVersion(*values)
