"""Migrations for Supabase: deterministic SQL from a list of tables, only what is new, and nothing dropped."""

import asyncio
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from studio.domain.errors import BadInput, Conflict, Refused
from studio.publishers.supabase import SupabasePublisher, migration, quoted
from studio.publishers.tables import Column, Table, parse
from tests.publishers.making import APPROVED, Killed, Reports, fault, no_keys, publish, release, target

TABLES = [
    {"name": "users", "columns": [{"name": "email", "type": "email", "required": True, "unique": True}]},
    {
        "name": "Order",
        "columns": [
            {"name": "user_id", "references": "users", "required": True},
            {"name": "total", "type": "money"},
            {"name": "select", "type": "json"},
        ],
    },
]
TEXT = json.dumps(TABLES)
FIRST = """-- Tables of version 1.0.0. Row level security is on: add policies for what may be read and written.
begin;

create table "public"."users" (
  "id" uuid primary key default gen_random_uuid(),
  "created_at" timestamptz not null default now(),
  "email" varchar(255) not null unique
);
alter table "public"."users" enable row level security;

create table "public"."Order" (
  "id" uuid primary key default gen_random_uuid(),
  "created_at" timestamptz not null default now(),
  "user_id" uuid not null,
  "total" numeric,
  "select" jsonb
);
alter table "public"."Order" enable row level security;

alter table "public"."Order" add constraint "Order_user_id_fkey" foreign key ("user_id") references "public"."users" ("id");
create index "Order_user_id_idx" on "public"."Order" ("user_id");

commit;
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / "app"
    folder.mkdir(parents=True)
    return folder


def test_the_tables_become_a_migration_named_by_the_time_of_approval(app: Path) -> None:
    plan, published, _ = publish(SupabasePublisher(), release(app), target("supabase", tables=TEXT))
    path = app.parent / "supabase/migrations/20261120103000_a_small_shop.sql"
    assert published.url == str(path)
    assert path.read_text() == plan.diff
    assert plan.diff.startswith(FIRST)


def test_tables_can_be_a_file_of_the_release(app: Path) -> None:
    what = release(app, {"db/tables.json": json.dumps({"tables": TABLES}).encode()})
    plan, _, _ = publish(SupabasePublisher(), what, target("supabase", tables="db/tables.json"))
    assert plan.diff.startswith(FIRST)


def test_the_next_migration_holds_only_what_is_new_and_says_what_it_leaves(app: Path) -> None:
    publish(SupabasePublisher(), release(app), target("supabase", tables=TEXT))
    users = {
        "name": "users",
        "columns": [{"name": "email", "type": "text"}, {"name": "age", "type": "int", "required": True}],
    }
    second = json.dumps([users, {"name": "notes", "columns": [{"name": "of", "references": "notes"}]}])
    what = release(app, version="1.1.0", approved_at=APPROVED)
    plan, published, _ = publish(SupabasePublisher(), what, target("supabase", tables=second))
    assert published.url.endswith("/20261120103001_a_small_shop.sql")  # later than the first, whatever the clock says
    sql = plan.diff.split("-- studio-tables")[0]
    assert 'alter table "public"."users" add column "age" integer;' in sql
    assert 'create table "public"."notes"' in sql
    assert "drop" not in sql.casefold()
    assert sorted(plan.warnings) == [
        "the table Order is left in place",
        "users.age is added without not null, as rows may exist",
        "users.email changes, which is left to you",
    ]
    later = release(app, version="1.2.0", approved_at=APPROVED + timedelta(days=1))
    plan, _, _ = publish(SupabasePublisher(), later, target("supabase", tables=second))
    assert plan.steps == ()


def test_two_tables_may_name_each_other(app: Path) -> None:
    a = Table("a", (Column("b_id", "uuid", references="b"),))
    b = Table("b", (Column("a_id", "uuid", references="a"),))
    sql, _ = migration((), (a, b), "1.0.0")
    assert sql.index('create table "public"."b"') < sql.index("add constraint")


def names_made(sql: str) -> list[str]:
    """Names of tables and of every index, those that PostgreSQL makes by itself too."""
    found = re.findall(r'create table "public"\."([^"]+)"', sql)
    for table, body in re.findall(r'create table "public"\."([^"]+)" \((.*?)\n\);', sql, re.DOTALL):
        found += [] if 'constraint "' in body.splitlines()[1] else [f"{table}_pkey"]
        found += [f"{table}_{column}_key" for column in re.findall(r'"(\w+)" \S+(?: not null)? unique', body)]
    return [*found, *re.findall(r'constraint "([^"]+)" (?:unique|primary)', sql), *re.findall(r'index "([^"]+)"', sql)]


def test_no_two_tables_and_indexes_have_one_name_and_none_is_too_long() -> None:
    refers = Column("b_c", "uuid", references="a")
    tables = (
        Table("a", (refers, Column("email", "string", unique=True), Column("x_y", "string", unique=True))),
        Table("a_b", (Column("c", "uuid", references="a"),)),
        Table("a_x", (Column("y", "string", unique=True),)),
        Table("a_pkey", ()),
        Table("a_email_key", ()),
        Table("t" * 50, tuple(Column(f"{'c' * 48}{end}", "uuid", references="a") for end in "xy")),
    )
    first, _ = migration((), tables, "1.0.0")
    made = names_made(first)
    assert len(made) == len(set(made)) == 6 + 6 + 3 + 4
    assert max(len(name.encode()) for name in made) <= 63
    assert migration((), tables, "1.0.0")[0] == first

    usual, _ = migration((), (Table("a", (refers,)),), "1.0.0")
    assert 'index "a_b_c_idx"' in usual
    second, _ = migration((Table("a", (refers,)),), tables[:2], "1.1.0")
    assert "a_b_c_idx" not in names_made(second)


def test_a_folder_of_migrations_that_is_a_link_is_not_followed(app: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (app.parent / "supabase").mkdir()
    (app.parent / "supabase/migrations").symlink_to(tmp_path / "elsewhere")
    error = fault(SupabasePublisher(), release(app), target("supabase", tables=TEXT), Refused)
    assert "is a link" in error.message
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_newest_migration_that_nothing_can_follow_is_named_when_planning(app: Path) -> None:
    folder = app.parent / "supabase/migrations"
    folder.mkdir(parents=True)
    (folder / "99999999999999_x.sql").write_text("select 1;\n")
    error = fault(SupabasePublisher(), release(app), target("supabase", tables=TEXT), Refused)
    assert "later than 99999999999999_x.sql" in error.message
    assert error.hint == "Rename that one first."


def test_every_table_has_row_level_security_and_no_type_is_from_the_plan(app: Path) -> None:
    sql, _ = migration((), parse(TEXT), "1.0.0")
    created = re.findall(r"create table (\S+)", sql)
    assert [f"alter table {name} enable row level security;" in sql for name in created] == [True] * len(created)


def test_identifiers_are_quoted_whatever_they_hold() -> None:
    assert quoted('a"; drop table x; --') == '"a""; drop table x; --"'


def test_a_version_that_holds_sql_cannot_leave_its_comment() -> None:
    sql, _ = migration((), parse(TEXT), "1\n; drop table users; --")
    assert "\n; drop" not in sql


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nothing.json", "There is no nothing.json"),
        ("[", "not JSON"),
        ("[]", "list of 1 to 100"),
        ('[{"name": "a b; drop", "columns": []}]', "no plain name"),
        ('[{"name": "a", "columns": [{"name": "b", "type": "blob); drop"}]}]', "has the type"),
        ('[{"name": "a", "columns": [{"name": "b", "references": "c"}]}]', "references c, which is not"),
        ('[{"name": "a", "columns": [{"name": "b"}, {"name": "B"}]}]', "two columns b"),
        ('[{"name": "a", "columns": []}, {"name": "A", "columns": []}]', "two tables"),
        ('[{"name": "a", "columns": [{"name": "b", "required": "yes"}]}]', "required is not true or false"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_list_that_cannot_be_used_is_told_with_its_place(app: Path, text: str, words: str) -> None:
    assert words in fault(SupabasePublisher(), release(app), target("supabase", tables=text), BadInput).message


def test_all_problems_are_named_at_once(app: Path) -> None:
    where = target("supabase", tables="[]", folder="x", path=3)
    problems = fault(SupabasePublisher(), release(app), where, BadInput).data["problems"]
    assert isinstance(problems, list)
    assert len(problems) == 3


@pytest.mark.parametrize("lost", [False, True])
def test_a_kill_after_the_write_is_gone_on_from(app: Path, lost: bool) -> None:
    where = target("supabase", tables=TEXT)
    plan = asyncio.run(SupabasePublisher().plan(release(app), where, no_keys))
    reports = Reports(kill_before="write" if lost else "", kill_after="" if lost else "write")
    with pytest.raises(Killed):
        asyncio.run(SupabasePublisher().apply(release(app), plan, {}, reports, no_keys))
    asyncio.run(SupabasePublisher().apply(release(app), plan, dict(reports.done), reports, no_keys))
    assert len(list((app.parent / "supabase/migrations").iterdir())) == 1


def test_a_migration_of_somebody_else_since_the_plan_is_a_conflict(app: Path) -> None:
    plan = asyncio.run(SupabasePublisher().plan(release(app), target("supabase", tables=TEXT), no_keys))
    folder = app.parent / "supabase/migrations"
    folder.mkdir(parents=True)
    (folder / "20270101000000_mine.sql").write_text("select 1;")
    with pytest.raises(Conflict):
        asyncio.run(SupabasePublisher().apply(release(app), plan, {}, Reports(), no_keys))
    assert [entry.name for entry in folder.iterdir()] == ["20270101000000_mine.sql"]
