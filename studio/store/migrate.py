"""Numbered migrations and the views. What is missing is one transaction; copying the file first is done in `opening`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import TYPE_CHECKING

from studio.domain.errors import StorageError
from studio.domain.text import one_line
from studio.store.transaction import bound

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Step:
    """One migration: `version` counts from 1 without gaps."""

    version: int
    name: str
    sql: str


def packaged_steps() -> tuple[Step, ...]:
    """The migrations that come with the program, in order."""
    folder = resources.files("studio.store") / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(
        Step(int(file.name[:4]), file.name.removesuffix(".sql"), file.read_text(encoding="utf-8")) for file in files
    )


def schema_version(connection: duckdb.DuckDBPyConnection) -> int | None:
    """The newest step that the file has been through; None when it is not a database of this program."""
    import duckdb

    try:
        row = connection.execute("SELECT max(version) FROM schema_version").fetchone()
    except duckdb.CatalogException:
        return None
    return row[0] if row else None


def migrate(connection: duckdb.DuckDBPyConnection, steps: Sequence[Step], clock: Callable[[], datetime]) -> None:
    """Carry out what the file has not been through, all of it or nothing. Raises StorageError naming the step that failed."""
    import duckdb

    done = schema_version(connection) or 0
    missing = steps[done:]
    if not missing:
        return
    step = missing[0]
    try:
        connection.execute("BEGIN TRANSACTION")
        for step in missing:
            connection.execute(step.sql)
            connection.execute(
                "INSERT INTO schema_version VALUES ($1, $2, $3)", [step.version, step.name, bound(clock())]
            )
        connection.execute("COMMIT")
    except duckdb.Error as error:
        _roll_back(connection)
        raise StorageError(
            f"The database could not be brought to schema {step.version} ({step.name}): {one_line(str(error))}",
            hint="Nothing was changed. The studio that wrote this project still opens it.",
        ) from error


def create_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Replace the views, which belong to the program and not to the file; written only when one differs.

    An unconditional replacement would cost a commit at each opening.
    """
    sql = (resources.files("studio.store") / "views.sql").read_text(encoding="utf-8")
    row = connection.execute("SELECT value FROM project_meta WHERE key = 'views'").fetchone()
    if row is not None and row[0] == sql:
        return
    connection.execute("BEGIN TRANSACTION")
    connection.execute(sql)
    connection.execute(
        "INSERT INTO project_meta VALUES ('views', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value", [sql]
    )
    connection.execute("COMMIT")


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    import duckdb

    try:
        connection.execute("ROLLBACK")
    except duckdb.Error:
        return  # a failed COMMIT has ended the transaction already
