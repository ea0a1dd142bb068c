"""Supabase: database migrations as SQL files, which the person runs (`supabase db push`, or psql). Nothing is sent anywhere.

A migration ends with the list of tables it leads to, so that the next one holds only what is new. Nothing is ever dropped.
Identifiers are quoted and types come from a fixed map (PostgreSQL 15). Row level security is on for every table.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from studio.config import modes
from studio.config.files import read_text, replace_at, storage_error
from studio.domain.errors import Conflict, Refused, StudioError
from studio.domain.text import digest, one_line, slugify
from studio.publishers import options
from studio.publishers.base import (
    Done,
    KeyUse,
    Option,
    Published,
    PublishPlan,
    Release,
    Report,
    Secrets,
    Step,
    StepData,
    Target,
    planned,
)
from studio.publishers.carrying_out import carry_out, hold_to
from studio.publishers.tables import Column, Table, as_json, parse, tables_of

OPTIONS = (
    Option("tables", str, "JSON list of tables, or the path of such a file in the app", required=True),
    Option("path", str, "folder of the Supabase project, relative to the project", "supabase"),
    Option("name", str, "name of the migration; without it the version's title"),
)
SQL_TYPES = {
    "string": "varchar(255)",
    "text": "text",
    "integer": "integer",
    "bigint": "bigint",
    "float": "double precision",
    "decimal": "numeric",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamptz",
    "uuid": "uuid",
    "json": "jsonb",
}
_LAST = "9" * 14
_NAME_LIMIT = 63
"""Bytes of an identifier in PostgreSQL."""
_SCHEMA = "-- studio-tables: "
_FILE = re.compile(r"\d{14}_[a-z0-9_]*\.sql")


class SupabasePublisher:
    """The plan's tables as a migration."""

    name = "supabase"
    options = OPTIONS

    def keys(self, target: Target) -> tuple[KeyUse, ...]:
        return ()

    async def plan(self, release: Release, target: Target, secrets: Secrets) -> PublishPlan:
        return await asyncio.to_thread(self._plan, release, target)

    def _plan(self, release: Release, target: Target) -> PublishPlan:
        folder, tables, name = _wanted(release, target)
        newest, before = _newest(folder)
        sql, warnings = migration(before, tables, release.version)
        steps: tuple[Step, ...] = ()
        file = _file_name(release, name, newest)
        summary = "The tables are those of the last migration: nothing is left to do."
        if sql:
            steps = (Step("write", f"Write {file}", f"in {one_line(str(folder))}"),)
            summary = f"{len(tables)} tables of version {release.version} become a migration: {file}. Run it yourself."
        state = {"file": file, "newest": newest}
        return planned(release, target, steps, summary=summary, diff=sql or summary, warnings=warnings, state=state)

    async def apply(
        self, release: Release, plan: PublishPlan, done: Done, report: Report, secrets: Secrets
    ) -> Published:
        hold_to(release, plan, self.name)
        folder, tables, _ = _wanted(release, plan.target)
        path = folder / _checked(str(plan.state.get("file", "")))

        async def write(done: Done) -> StepData:
            return await asyncio.to_thread(_write, release, path, tables, str(plan.state.get("newest", "")))

        async def written(done: Done) -> bool:
            return await asyncio.to_thread(path.is_file)

        await carry_out(plan, done, report, {"write": write}, {"write": written})
        return Published(str(path), "run it with: supabase db push", {"path": str(path)})


def _wanted(release: Release, target: Target) -> tuple[Path, tuple[Table, ...], str]:
    """Folder, tables and name. Raises BadInput naming the problems of options and tables together."""
    problems: list[str] = []
    tables: tuple[Table, ...] = ()
    text = target.options.get("tables")
    try:
        tables = tables_of(release, text) if isinstance(text, str) and text else ()
    except StudioError as error:
        problems.append(error.message.rstrip("."))
    found = options.read(target, OPTIONS, problems)
    folder = options.place(found.text("path"), release.project) / "migrations"
    if folder.is_symlink():
        raise Refused(f"{one_line(str(folder))} is a link, and links are not followed.", hint="Make it a plain folder.")
    return folder, tables, found.text("name") or release.title


def _newest(folder: Path) -> tuple[str, tuple[Table, ...]]:
    """The name of the newest migration, and the tables that the newest one made here leads to."""
    names = (
        sorted((entry.name for entry in folder.iterdir() if entry.suffix == ".sql"), reverse=True)
        if folder.is_dir()
        else []
    )
    for name in names:
        for line in reversed(read_text(folder / name).splitlines()):
            if line.startswith(_SCHEMA):
                return names[0], parse(line.removeprefix(_SCHEMA), name)
    return (names[0] if names else ""), ()


def _file_name(release: Release, name: str, newest: str) -> str:
    """`<UTC>_<name>.sql`, later than the newest: migrations run in the order of their names."""
    when = (release.approved_at or datetime.now(UTC)).astimezone(UTC).strftime("%Y%m%d%H%M%S")
    if newest[:14] == _LAST:
        raise Refused(f"No migration can be named later than {one_line(newest, 80)}.", hint="Rename that one first.")
    if newest[:14].isdecimal() and newest[:14] >= when:
        when = str(int(newest[:14]) + 1)
    plain = slugify(name).encode("ascii", "ignore").decode("ascii").replace("-", "_").strip("_")
    return f"{when}_{re.sub('_+', '_', plain)[:60] or 'tables'}.sql"


def _checked(file: str) -> str:
    if not _FILE.fullmatch(file):
        raise Conflict("The plan names no migration.", hint="Plan again.")
    return file


def quoted(name: str) -> str:
    """An SQL identifier, whatever it holds."""
    return '"' + name.replace('"', '""').replace("\0", "") + '"'


def migration(before: tuple[Table, ...], after: tuple[Table, ...], version: str) -> tuple[str, tuple[str, ...]]:
    """The SQL that leads from one list of tables to another, and what it leaves to the person; empty when there is nothing."""
    old = {table.name: table for table in before}
    owners = _relations((*before, *after))
    lines: list[str] = []
    late: list[str] = []
    warnings: list[str] = [
        f"the table {name} is left in place" for name in old if name not in {table.name for table in after}
    ]
    kept: list[Table] = []
    for table in after:
        known = old.get(table.name)
        new = table.columns
        if known is None:
            lines += _create(table, owners)
        else:
            new, words = _added(known, table)
            warnings += words
            lines += [f"alter table {_full(table.name)} add column {_column(table, column, owners)};" for column in new]
        late += [line for column in new for line in _after(table, column, owners)]
        kept.append(table if known is None else replace(table, columns=(*known.columns, *new)))
    if not (lines or late):
        return "", tuple(warnings)
    left = [table for name, table in old.items() if name not in {table.name for table in after}]
    body = "\n".join([*lines, *late])
    schema = json.dumps(as_json((*kept, *left)), ensure_ascii=True, separators=(",", ":"))
    head = f"-- Tables of version {one_line(version, 60)}. Row level security is on: add policies for what may be read and written."
    return f"{head}\nbegin;\n\n{body}\n\ncommit;\n{_SCHEMA}{schema}\n", tuple(warnings)


def _added(known: Table, table: Table) -> tuple[tuple[Column, ...], list[str]]:
    old = {column.name: column for column in known.columns}
    new = tuple(replace(column, required=False) for column in table.columns if column.name not in old)
    words = [
        f"{table.name}.{name} is left in place" for name in old if name not in {column.name for column in table.columns}
    ]
    for column in table.columns:
        if column.name not in old and column.required:
            words.append(f"{table.name}.{column.name} is added without not null, as rows may exist")
        if column.name in old and column != old[column.name]:
            words.append(f"{table.name}.{column.name} changes, which is left to you")
    return new, words


def _relations(tables: Iterable[Table]) -> dict[str, set[tuple[str, ...]]]:
    """Who would have each name: tables, and the indexes of keys, unique columns and references, which PostgreSQL
    (and so the names in it) keeps in one namespace of the schema."""
    owners: dict[str, set[tuple[str, ...]]] = {}
    for table in tables:
        owners.setdefault(table.name, set()).add((table.name,))
        owners.setdefault(f"{table.name}_pkey", set()).add((table.name, "", "pkey"))
        for column in table.columns:
            for kind in [*(["key"] if column.unique else ()), *(["idx"] if column.references else ())]:
                owners.setdefault(f"{table.name}_{column.name}_{kind}", set()).add((table.name, column.name, kind))
    return owners


def _index_name(table: str, column: str, kind: str, owners: Mapping[str, set[tuple[str, ...]]]) -> str:
    """The usual name; where another has it too, or it is over 63 bytes, one with dots, which no table's name has."""
    usual = "_".join(part for part in (table, column, kind) if part)
    if len(usual) <= _NAME_LIMIT and len(owners.get(usual, ())) <= 1:
        return usual
    return f"{table[:24]}.{column[:24]}.{digest(f'{table}.{column}')[:8]}_{kind}"


def _create(table: Table, owners: Mapping[str, set[tuple[str, ...]]]) -> list[str]:
    key = _index_name(table.name, "", "pkey", owners)
    named = "" if key == f"{table.name}_pkey" else f"constraint {quoted(key)} "
    rows = [f'  "id" uuid {named}primary key default gen_random_uuid()']
    if not any(column.name == "created_at" for column in table.columns):
        rows.append('  "created_at" timestamptz not null default now()')
    rows += [f"  {_column(table, column, owners)}" for column in table.columns]
    body = ",\n".join(rows)
    name = _full(table.name)
    return [f"create table {name} (", body, ");", f"alter table {name} enable row level security;", ""]


def _column(table: Table, column: Column, owners: Mapping[str, set[tuple[str, ...]]]) -> str:
    kind = "uuid" if column.references else SQL_TYPES[column.type]
    unique = ""
    if column.unique:
        key = _index_name(table.name, column.name, "key", owners)
        unique = " unique" if key == f"{table.name}_{column.name}_key" else f" constraint {quoted(key)} unique"
    return f"{quoted(column.name)} {kind}{' not null' if column.required else ''}{unique}"


def _after(table: Table, column: Column, owners: Mapping[str, set[tuple[str, ...]]]) -> Iterator[str]:
    """References are added when all tables exist, so that two tables may name each other."""
    if column.references:
        short = f"{table.name}_{column.name}"
        short = short if len(short) <= 58 else f"{short[:49]}_{digest(short)[:8]}"  # 63 bytes with the ending
        yield (
            f"alter table {_full(table.name)} add constraint {quoted(f'{short}_fkey')} "
            f"foreign key ({quoted(column.name)}) references {_full(column.references)} ({quoted('id')});"
        )
        if not column.unique:
            index = _index_name(table.name, column.name, "idx", owners)
            yield f"create index {quoted(index)} on {_full(table.name)} ({quoted(column.name)});"


def _full(name: str) -> str:
    return f'"public".{quoted(name)}'


def _write(release: Release, path: Path, tables: tuple[Table, ...], expected: str) -> StepData:
    newest, before = _newest(path.parent)
    if path.exists() and newest == path.name and not migration(before, tables, release.version)[0]:
        return {"path": str(path)}  # written before a kill
    sql, _ = migration(before, tables, release.version)
    if newest != expected or path.exists():
        raise Conflict(
            f"There is a newer migration in {one_line(str(path.parent))} than when it was planned.", hint="Plan again."
        )
    try:
        modes.make_folders(path.parent)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            replace_at(folder, path.name, sql, mode=modes.file_mode(), new=True)
        finally:
            os.close(folder)
    except OSError as error:
        raise storage_error(error, one_line(str(path)), "written") from error
    return {"path": str(path)}
