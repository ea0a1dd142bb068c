"""Offers after an app is complete: each with its reason and place, none without one, and nothing is done."""

import json
import tomllib

import pytest

from studio.domain import release
from studio.publishers.follow_ups import FollowUpKind, suggest, tables_in
from studio.publishers.supabase import migration
from studio.publishers.tables import as_json, parse

LOGIN = "<!doctype html>\n<title>Corner shop</title>\n<form>\n<input type='password' name=p>\n</form>\n"
PLAN = """# Plan
## Data model
- **users** (id, email: string, created_at)
- `orders`: user_id, total, is_paid, quantity (int)
## Pages
- index: shows, lists
"""


def ids(files: dict[str, str], plan: str = "") -> list[str]:
    return [offer.id for offer in suggest(files, plan)]


def test_a_password_field_without_authentication_offers_it_and_says_where() -> None:
    offer = suggest({"login.html": LOGIN}, "")[0]
    assert offer.id == "authentication"
    assert "login.html:4" in offer.why


def test_an_app_that_has_authentication_is_not_offered_it() -> None:
    assert "authentication" not in ids({"login.html": LOGIN, "app.js": "await client.auth.signInWithPassword({})"})


def test_a_static_page_without_users_is_offered_no_authentication() -> None:
    assert ids({"index.html": "<title>x</title><p>hello</p>", "README.md": "sign in"}) == ["logo", "deployment"]


@pytest.mark.parametrize(
    ("publishers", "offered"),
    [
        ((), ["tables", "logo", "deployment"]),
        (("folder",), ["tables", "logo"]),
        (("git", "supabase"), ["logo"]),
        (("appwrite",), ["logo"]),
    ],
)
def test_what_a_target_of_the_settings_does_already_is_not_offered(
    publishers: tuple[str, ...], offered: list[str]
) -> None:
    files = {"index.html": "<title>x</title>", "auth.js": "await client.auth.signInWithPassword({})"}
    assert [offer.id for offer in suggest(files, PLAN, publishers=publishers)] == offered


def test_what_the_release_manager_proposed_is_offered_as_the_request_of_a_change() -> None:
    said = (release.FollowUp("Add a search field", "There are sixty goods."), release.FollowUp("Say more?"))
    search, more = suggest({}, "", said=said)
    assert (search.title, search.why, search.action) == (
        "Add a search field",
        "There are sixty goods.",
        "Add a search field.",
    )
    assert (search.kind, more.action) == (FollowUpKind.CHANGE, "Say more?")
    assert more.why
    assert search.id == suggest({}, "", said=said)[0].id != more.id


def test_tables_of_the_plan_are_offered_as_a_target_that_can_be_planned() -> None:
    offer = next(offer for offer in suggest({"index.html": "x"}, PLAN) if offer.id == "tables")
    table = tomllib.loads(offer.action)["publish"]["database"]
    assert parse(table["tables"]) == tables_in(PLAN)
    assert offer.data["tables"] == as_json(tables_in(PLAN))
    assert offer.kind is FollowUpKind.PUBLISH
    assert 'references "public"."users"' in migration((), tables_in(PLAN), "1.0.0")[0]


def test_tables_are_read_with_types_and_references_and_only_under_a_heading_about_data() -> None:
    users, orders = tables_in(PLAN)
    assert [(column.name, column.type) for column in users.columns] == [
        ("email", "string"),
        ("created_at", "timestamp"),
    ]
    assert [(column.name, column.type, column.references) for column in orders.columns] == [
        ("user_id", "uuid", "users"),
        ("total", "decimal", ""),
        ("is_paid", "boolean", ""),
        ("quantity", "integer", ""),
    ]


def test_a_fenced_list_in_the_plan_is_taken_as_it_is() -> None:
    rows = [{"name": "notes", "columns": [{"name": "body", "type": "text", "required": True}]}]
    assert as_json(tables_in(f"text\n```json\n{json.dumps(rows)}\n```\n")) == rows


def test_a_fenced_list_that_is_broken_is_no_error() -> None:
    assert tables_in('```json\n{"columns": [\n```\n') == ()


def test_existing_migrations_or_icons_end_the_offer() -> None:
    files = {"index.html": "<link rel='icon' href=x>", "supabase/migrations/1_x.sql": "create table x();"}
    assert ids(files, PLAN) == ["authentication", "deployment"]
    assert "logo" not in ids({"index.html": "x", "img/logo.svg": "<svg/>"})


def test_the_logo_prompt_names_the_app_by_its_title() -> None:
    offer = next(offer for offer in suggest({"index.html": LOGIN}, "") if offer.id == "logo")
    assert "Corner shop" in offer.action
    assert offer.kind is FollowUpKind.PROMPT


def test_where_to_put_it_depends_on_whether_it_needs_a_server() -> None:
    assert "without a server" in suggest({"index.html": "<link rel=icon>"}, "")[0].why
    assert "package.json" in suggest({"package.json": "{}"}, "")[0].why
    assert ids({"notes.txt": "x"}) == []


def test_hostile_text_is_shown_clean_and_ends_soon() -> None:
    files = {f"{n}.html": "<title>\x1b]52;c;x\x07[/b]" + "<link " * 30_000 for n in range(5)}
    for offer in suggest(files, "## Tables\n" + "- a" * 100_000):
        assert "\x1b" not in offer.why + offer.action
