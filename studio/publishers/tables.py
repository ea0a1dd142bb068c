"""Database tables as a plan names them: a checked list of names, column types and references. No database's words here.

The list is JSON: `[{"name": "posts", "columns": [{"name": "title", "type": "text", "required": true, "unique": false,
"references": "users"}]}]`, or an object with it under `tables`. Each table has an `id` of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from studio.domain.errors import BadInput
from studio.domain.text import one_line
from studio.publishers.base import Release
from studio.publishers.snapshot import content

TYPES = ("string", "text", "integer", "bigint", "float", "decimal", "boolean", "date", "timestamp", "uuid", "json")
TABLES_LIMIT = 100
COLUMNS_LIMIT = 200
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,49}")
_ALIASES = {
    "str": "string", "varchar": "string", "char": "string", "email": "string", "url": "string", "int": "integer",
    "number": "float", "double": "float", "real": "float", "numeric": "decimal", "money": "decimal", "bool": "boolean",
    "datetime": "timestamp", "timestamptz": "timestamp", "time": "timestamp", "id": "uuid", "jsonb": "json", "object": "json",
    "array": "json",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """`references` is a table's name, empty for none; the reference is to its id."""

    name: str
    type: str
    required: bool = False
    unique: bool = False
    references: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    columns: tuple[Column, ...]


def tables_of(release: Release, text: str) -> tuple[Table, ...]:
    """The tables that an option names: JSON itself, or the path of a JSON file in the release. Raises BadInput with all problems."""
    source, where = text, "tables"
    if not text.lstrip().startswith(("[", "{")):
        found = [file for file in release.tree if file.path == text.strip().removeprefix("app/")]
        if not found:
            raise BadInput(
                f"There is no {one_line(text)} in version {one_line(release.version, 40)} to read tables from."
            )
        where = one_line(found[0].path)
        source = content(release, found[0]).decode("utf-8", "replace")
    return parse(source, where)


def parse(source: str, where: str = "tables") -> tuple[Table, ...]:
    """Tables from JSON text. Raises BadInput naming every problem."""
    try:
        data = json.loads(source)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where} is not JSON: {one_line(str(error), 100)}.") from error
    rows = data.get("tables") if isinstance(data, dict) else data
    if not isinstance(rows, list) or not rows or len(rows) > TABLES_LIMIT:
        raise BadInput(f"{where} is not a list of 1 to {TABLES_LIMIT} tables.")
    problems: list[str] = []
    tables = tuple(_table(row, number, problems) for number, row in enumerate(rows, 1))
    problems += _across(tables)
    if problems:
        raise BadInput(f"{where} cannot be used: {'; '.join(problems)}.", data={"problems": problems})
    return tables


def _table(row: object, number: int, problems: list[str]) -> Table:
    name = row.get("name") if isinstance(row, dict) else None
    if not isinstance(row, dict) or not isinstance(name, str) or not _NAME.fullmatch(name):
        problems.append(f"table {number} has no plain name (letters, digits and _, at most 50)")
        return Table("", ())
    columns = row.get("columns")
    if not isinstance(columns, list) or len(columns) > COLUMNS_LIMIT:
        problems.append(f"{name} has no list of at most {COLUMNS_LIMIT} columns")
        return Table(name, ())
    found = tuple(_column(item, f"column {place} of {name}", problems) for place, item in enumerate(columns, 1))
    names = [column.name.casefold() for column in found if column.name]
    problems += [
        f"{name} has two columns {twice}" for twice in sorted({item for item in names if names.count(item) > 1})
    ]
    return Table(name, tuple(column for column in found if column.name != "id"))


def _column(item: object, where: str, problems: list[str]) -> Column:
    data: Mapping[str, object] = item if isinstance(item, dict) else {}
    name, kind, references = data.get("name"), data.get("type", "text"), data.get("references") or ""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        problems.append(f"{where} has no plain name")
        return Column("", "text")
    wanted = _ALIASES.get(str(kind).casefold(), str(kind).casefold())
    if wanted not in TYPES:
        problems.append(f"{where} has the type {one_line(str(kind), 40)!r}, and there are {', '.join(TYPES)}")
    for flag in ("required", "unique"):
        if not isinstance(data.get(flag, False), bool):
            problems.append(f"{where}: {flag} is not true or false")
    target = references.removesuffix(".id") if isinstance(references, str) else ""
    if references and not _NAME.fullmatch(target):
        problems.append(f"{where} references {one_line(str(references), 40)!r}, which is not a table's name")
    return Column(name, wanted, data.get("required") is True, data.get("unique") is True, target)


def _across(tables: tuple[Table, ...]) -> list[str]:
    names = [table.name for table in tables if table.name]
    folded = [name.casefold() for name in names]
    found = [
        f"there are two tables {name}" for name in sorted({name for name in names if folded.count(name.casefold()) > 1})
    ]
    for table in tables:
        missing = [
            column.references for column in table.columns if column.references and column.references not in names
        ]
        found += [f"{table.name} references {name}, which is not in the list" for name in missing]
    return found


def as_json(tables: tuple[Table, ...]) -> list[dict[str, object]]:
    """The list as plain JSON, in its shortest form: `parse` reads it again."""
    return [
        {
            "name": table.name,
            "columns": [
                {"name": column.name, "type": column.type}
                | ({"required": True} if column.required else {})
                | ({"unique": True} if column.unique else {})
                | ({"references": column.references} if column.references else {})
                for column in table.columns
            ],
        }
        for table in tables
    ]
