"""Opening the database file: creation that survives a kill at any system call, the copy before a migration, refusals."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from studio.domain.errors import StorageError
from studio.store.failures import open_error
from studio.store.migrate import Step, create_views, migrate, schema_version

if TYPE_CHECKING:
    import duckdb

# One thread is faster for this work (ENGINE measurements); the limit bounds a search over a large book; the rest shuts the
# door on everything but this one file.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "memory_limit": "512MB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "enable_external_access": False,
    "python_enable_replacements": False,
    # Every commit goes to the log and no commit writes a checkpoint: the writer does that between transactions, since one
    # that fails (full disk) makes DuckDB give up on the open file.
    "wal_autocheckpoint": "1TB",
    "auto_checkpoint_skip_wal_threshold": 10**15,
}

# All of DuckDB's rewriting of plans takes longer than a statement on a few rows itself: 0.8 ms with all of it, 0.6 with these.
# The last two keep a join of a few rows with all texts of a long book from hashing those: 3 ms instead of 1.7 s and 600 MB.
_OPTIMIZERS = (
    "column_lifetime", "deliminator", "expression_rewriter", "filter_pushdown", "in_clause", "join_order",
    "limit_pushdown", "top_n", "unused_columns", "build_side_probe_side", "join_filter_pushdown",
)  # fmt: skip


def open_database(
    path: Path, steps: Sequence[Step], clock: Callable[[], datetime], *, create: bool = True
) -> duckdb.DuckDBPyConnection:
    """The open, migrated database; made first where there is none and `create` allows it.

    Raises ProjectBusy when another process holds it, StorageError for a foreign, broken, newer or half-missing one.
    """
    import duckdb

    try:
        if not _is_there(path):
            if not create:
                raise StorageError(f"{path} has vanished.", hint="Put it back from a copy.")
            _create(path, steps, clock)
        connection = _connect(path)
        try:
            if _needs_migration(connection, path, steps):
                connection.execute("CHECKPOINT")
                connection.close()
                _keep_copy(path, steps[-1].version)
                connection = _connect(path)
                migrate(connection, steps, clock)
                connection.execute("CHECKPOINT")
            create_views(connection)
            connection.execute("SET lock_configuration = true")
        except BaseException:
            connection.close()
            raise
        return connection
    except (duckdb.Error, OSError) as error:
        raise open_error(error, path) from error


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    import duckdb

    connection = duckdb.connect(str(path), config=_CONFIG)
    known = [row[0] for row in connection.execute("SELECT name FROM duckdb_optimizers()").fetchall()]
    unused = ",".join(name for name in known if name not in _OPTIMIZERS)
    connection.execute(f"SET disabled_optimizers = '{unused}'")
    return connection


def _is_there(path: Path) -> bool:
    if path.is_file():
        if path.stat().st_size == 0:
            raise StorageError(f"{path} is empty: it is not a database.", hint="Put back a copy of it, or remove it.")
        return True
    if path.exists() or path.is_symlink():
        raise StorageError(f"{path} is not a file.", hint="Move what stands in its place away.")
    return False


def _create(path: Path, steps: Sequence[Step], clock: Callable[[], datetime]) -> None:
    """Make it whole under another name, then rename: DuckDB's own first creation, when killed, leaves a file that will not open."""
    _refuse_orphans(path)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f"{path.name}.new")
    for leftover in (fresh, _wal(fresh)):
        leftover.unlink(missing_ok=True)
    connection = _connect(fresh)
    try:
        migrate(connection, steps, clock)
        create_views(connection)
        connection.execute("CHECKPOINT")
    finally:
        connection.close()
    fresh.chmod(0o600)
    _sync(fresh)
    fresh.rename(path)
    _sync(path.parent)


def _refuse_orphans(path: Path) -> None:
    """DuckDB would open an empty book in silence beside the log or the copies of a full one."""
    copies = sorted(path.parent.glob(f"{path.name}.before-*"))
    wal = _wal(path)
    if not wal.exists() and not copies:
        return
    found = wal if wal.exists() else copies[-1]
    where = f" A copy stands in {copies[-1].name}." if copies else ""
    raise StorageError(
        f"{path.name} is missing, but {found.name} is there.",
        hint=f"Put the database back from a copy.{where} To start an empty book, move {found.name} away.",
        data={"path": str(path)},
    )


def _needs_migration(connection: duckdb.DuckDBPyConnection, path: Path, steps: Sequence[Step]) -> bool:
    version = schema_version(connection)
    if version is None:
        raise StorageError(
            f"{path} is a database, but not one of studio.", hint="Move it away, or open another folder."
        )
    newest = steps[-1].version
    if version > newest:
        raise StorageError(
            f"The project was written by a newer studio (schema {version}; this one knows {newest}).",
            hint="Open it with the newer studio.",
            data={"schema": version, "known": newest},
        )
    return version < newest


def _keep_copy(path: Path, version: int) -> None:
    """Copy the closed file to `<name>.before-<version>`; an earlier copy that differs is kept as well.

    The file must be closed: closing any descriptor of it would drop DuckDB's own lock.
    """
    base = path.with_name(f"{path.name}.before-{version}")
    copy, count = base, 1
    while copy.exists():
        if filecmp.cmp(path, copy, shallow=False):
            return
        count += 1
        copy = base.with_name(f"{base.name}.{count}")
    part = path.with_name(f"{path.name}.copying")
    try:
        shutil.copyfile(path, part)
        part.chmod(0o600)
        _sync(part)
        part.rename(copy)
    finally:
        part.unlink(missing_ok=True)  # of a disk that is full, it would keep it full
    _sync(path.parent)


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
