"""What may be worth doing once an app is complete: offered with the reason, never taken. Reads text only; nothing is run or sent."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from studio.domain import release
from studio.domain.errors import BadInput
from studio.domain.text import clean, digest, one_line
from studio.publishers.tables import Column, Table, as_json, parse

_FILE_LIMIT = 200_000
_FILES_LIMIT = 2_000
_PLAN_LIMIT = 400_000


class FollowUpKind(StrEnum):
    CHANGE = "change"  # `action` is the request of a new change
    PUBLISH = "publish"  # `action` is the table for studio.toml
    PROMPT = "prompt"  # `action` is a prompt for an image


@dataclass(frozen=True, slots=True)
class FollowUp:
    """An offer. `id` is stable, so that one that was declined is known again; `data` is plain JSON (the tables found)."""

    id: str
    title: str
    why: str
    action: str
    kind: FollowUpKind = FollowUpKind.CHANGE
    data: Mapping[str, object] = field(default_factory=dict)


_USER_DATA = re.compile(
    r"""type\s*=\s*["']password["'] | autocomplete\s*=\s*["'](?:current|new)-password["'] | \b(?:sign|log)[\s_-]?(?:in|up)\b
    | \bpassword(?:_hash|Hash)?\b\s*[:=] | \buser(?:_id|Id|name)\b | \bcurrent_?user\b | \b(?:from|into|table)\s+"?users?\b""",
    re.IGNORECASE | re.VERBOSE,
)
_AUTHENTICATION = re.compile(
    r"""\bauth\.sign(?:In|Up)|\bgetAuth\(|\bnext-auth\b|\bpassport\.|\bAuth0|\bclerk\b|\bcreateEmailPasswordSession\b
    |\bOAuth2?\b|\bflask_login\b|\bdjango\.contrib\.auth\b|\bjwt\.(?:sign|verify|encode|decode)\b""",
    re.VERBOSE,
)
_TITLE = re.compile(r"<title>([^<]{1,200})</title>", re.IGNORECASE)
_LINK = re.compile(r"<link\b([^<>]{0,300})", re.IGNORECASE)
_REL = re.compile(r"""\brel\s*+=\s*+["']?([^"'>]{0,40})""", re.IGNORECASE)
_ICON = re.compile(r"\bicon\b", re.IGNORECASE)
_LOGO_FILE = re.compile(r"(?:^|/)(?:logo|favicon|icon)[^/]*\.(?:svg|png|ico|webp|jpe?g)$", re.IGNORECASE)
_DATA_HEADING = re.compile(r"^#{1,6}\s.*\b(?:tables?|database|schema|data model|entities|collections)\b", re.IGNORECASE)
_HEADING = re.compile(r"^#{1,6}\s")
_TABLE_LINE = re.compile(r"^[-*]\s++[*`_]*+([A-Za-z][A-Za-z0-9_]{0,49})[*`_]*+\s*+[:(–—-]++\s*+([^)\n]{2,400})\)?+$")
_COLUMN = re.compile(r"^[*`_]*+([A-Za-z][A-Za-z0-9_]{0,49})[*`_]*+(?:(?:\s*+:|\s)\s*+\(?([A-Za-z]++)\)?)?")
_FENCE = re.compile(r"^```(?:json)?[ \t]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_PLACES = frozenset({"folder", "zip", "git", "github", "appwrite"})
_DATABASE = frozenset({"supabase", "appwrite"})
_SERVER = ("package.json", "requirements.txt", "pyproject.toml")


def suggest(
    files: Mapping[str, str], plan_text: str, *, publishers: Collection[str] = (), said: Iterable[release.FollowUp] = ()
) -> tuple[FollowUp, ...]:
    """Offers for an app of these files (text by path) and this plan, most useful first.

    What `publishers`, those that the settings name, do already is not offered. `said` is what the release manager proposed.
    """
    read = {path: text[:_FILE_LIMIT] for path, text in sorted(files.items())[:_FILES_LIMIT]}
    tables = tables_in(plan_text[:_PLAN_LIMIT])
    offers = (
        _authentication(read, tables),
        None if _DATABASE.intersection(publishers) else _tables(read, tables),
        _logo(read),
        None if _PLACES.intersection(publishers) else _deployment(read, tables),
        *map(_proposed, said),
    )
    return tuple(offer for offer in offers if offer is not None)


def _proposed(one: release.FollowUp) -> FollowUp:
    title = one_line(one.title, 120)
    return FollowUp(
        id=f"release-{digest(title)[:8]}",
        title=title,
        why=one_line(one.why, 300) or "The release manager proposed it.",
        action=title if title.endswith((".", "!", "?")) else f"{title}.",
    )


def _authentication(files: Mapping[str, str], tables: tuple[Table, ...]) -> FollowUp | None:
    if any(_AUTHENTICATION.search(text) for path, text in files.items() if not path.endswith((".md", ".txt"))):
        return None
    found = list(_user_data(files))
    personal = [
        table.name for table in tables if table.name.casefold() in ("user", "users", "accounts", "profiles", "members")
    ]
    if not found and not personal:
        return None
    where = f"{found[0]} handles user data" if found else f"the plan has a table {personal[0]}"
    return FollowUp(
        id="authentication",
        title="Set up authentication",
        why=f"{where}, and nothing in the app says who may sign in.",
        action=(
            "Add authentication: sign-up and sign-in by e-mail, sign-out, password reset, and session handling. Decide which "
            "pages and data need a signed-in user, and keep passwords out of the app's own code and storage."
        ),
    )


def _user_data(files: Mapping[str, str]) -> Iterator[str]:
    """Places where user data is handled, as `path:line`."""
    for path, text in files.items():
        if path.endswith((".md", ".txt", ".css", ".svg", ".lock")):
            continue
        match = _USER_DATA.search(text)
        if match:
            yield f"{one_line(path, 100)}:{text.count(chr(10), 0, match.start()) + 1}"


def _tables(files: Mapping[str, str], tables: tuple[Table, ...]) -> FollowUp | None:
    migrated = any("migrations/" in path and path.endswith(".sql") for path in files)
    if not tables or migrated:
        return None
    names = ", ".join(table.name for table in tables[:8]) + (" ..." if len(tables) > 8 else "")
    listed = json.dumps(as_json(tables), separators=(",", ":"))
    return FollowUp(
        id="tables",
        title="Make the database tables",
        why=f"The plan names {len(tables)} table{'s' if len(tables) > 1 else ''}: {names}.",
        action=f'[publish.database]\npublisher = "supabase"\ntables = """{listed}"""\n',
        kind=FollowUpKind.PUBLISH,
        data={"tables": as_json(tables)},
    )


def _logo(files: Mapping[str, str]) -> FollowUp | None:
    pages = {path: text for path, text in files.items() if path.endswith((".html", ".htm"))}
    if not pages or any(_LOGO_FILE.search(path) for path in files) or any(map(_has_icon, pages.values())):
        return None
    titles = [match[1] for text in pages.values() if (match := _TITLE.search(text))]
    title = one_line(titles[0], 80) if titles else "the app"
    return FollowUp(
        id="logo",
        title="Draw a logo",
        why="The pages have no icon, and there is no logo among the files.",
        action=(
            f"A logo for “{title}”: one simple shape that is known at 16 pixels, at most two flat colours, no text, centred on "
            "a plain background, as vector art."
        ),
        kind=FollowUpKind.PROMPT,
    )


def _has_icon(page: str) -> bool:
    return any(_ICON.search(rel[1]) for link in _LINK.finditer(page) for rel in _REL.finditer(link[1]))


def _deployment(files: Mapping[str, str], tables: tuple[Table, ...]) -> FollowUp | None:
    page = next((path for path in ("index.html", "public/index.html", "dist/index.html") if path in files), None)
    server = next((path for path in _SERVER if path in files), None)
    if page is None and server is None:
        return None
    if server is None:
        return FollowUp(
            id="deployment",
            title="Put it on the web",
            why=f"{page} is a page that runs without a build and without a server.",
            action='[publish.site]\npublisher = "folder"  # or zip, git, github, appwrite\npath = "published/site"\n',
            kind=FollowUpKind.PUBLISH,
        )
    backend = " with its tables" if tables else ""
    return FollowUp(
        id="deployment",
        title="Put it on the web",
        why=f"{server} says that it is built or runs on a server{backend}.",
        action='[publish.site]\npublisher = "github"  # or git, appwrite, zip\nrepository = "NAME"\n',
        kind=FollowUpKind.PUBLISH,
    )


def tables_in(plan_text: str) -> tuple[Table, ...]:
    """The tables that a plan names: a fenced JSON list, else the list under a heading about data. Empty when there are none."""
    for match in _FENCE.finditer(plan_text):
        if '"columns"' in match[1]:
            try:
                return parse(match[1])
            except BadInput:
                continue
    found: dict[str, Table] = {}
    for name, columns in _listed(clean(plan_text)):
        if columns and name.casefold() not in found:
            found[name.casefold()] = Table(name, columns)
    names = {table.name for table in found.values()}
    return tuple(_resolved(table, names) for table in found.values())


def _listed(text: str) -> Iterator[tuple[str, tuple[Column, ...]]]:
    """`- users: id, email (string)` and `- **users** (id, email)` under a heading about data."""
    inside = False
    for line in text.splitlines():
        if _HEADING.match(line):
            inside = bool(_DATA_HEADING.match(line))
        match = _TABLE_LINE.match(line.strip()) if inside else None
        if match and "," in match[2]:
            yield match[1], tuple(_columns(match[2]))


def _columns(text: str) -> Iterator[Column]:
    seen = {"id"}
    for item in text.split(","):
        match = _COLUMN.match(item.strip())
        if match and match[1].casefold() not in seen:
            seen.add(match[1].casefold())
            yield Column(match[1], _type(match[1], match[2] or ""))


def _type(name: str, said: str) -> str:
    """The type as said, if it is one, else by the name's ending."""
    try:
        row = [{"name": "t", "columns": [{"name": "c", "type": said}]}]
        return parse(json.dumps(row))[0].columns[0].type if said else _by_name(name)
    except BadInput:
        return _by_name(name)


def _by_name(name: str) -> str:
    folded = name.casefold()
    if folded.endswith(("_at", "date", "time")):
        return "timestamp"
    if folded.endswith(("count", "quantity", "number", "age", "position")):
        return "integer"
    if folded.endswith(("price", "total", "amount", "cost")):
        return "decimal"
    if folded.startswith(("is_", "has_")):
        return "boolean"
    return "uuid" if folded.endswith("_id") else "text"


def _resolved(table: Table, names: set[str]) -> Table:
    """`user_id` refers to the table users or user, where there is one."""
    columns: list[Column] = []
    for column in table.columns:
        stem = column.name.removesuffix("_id") if column.name.endswith("_id") else ""
        target = next((name for name in (f"{stem}s", stem, f"{stem}es") if stem and name in names), "")
        columns.append(Column(column.name, column.type, column.required, column.unique, target))
    return Table(table.name, tuple(columns))
