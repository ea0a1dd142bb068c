"""Pages of the book: rows, order, heads and approvals. Naming a page by other than its id is in `page_refs`."""

from __future__ import annotations

from collections.abc import Sequence

from studio.domain.errors import Conflict, NotFound
from studio.domain.page import Page, StageHead
from studio.store import sql
from studio.store import state as states
from studio.store.naming import free_slug, shown
from studio.store.ordering import whole_order
from studio.store.page_refs import resolve
from studio.store.transaction import Tx

__all__ = [
    "get",
    "heads",
    "insert",
    "listing",
    "move",
    "order",
    "reorder",
    "resolve",
    "set_approved",
    "set_head",
    "slugs",
    "some",
    "unique_slug",
    "update",
]

COLUMNS = "id chapter_id slug position title state version created_at updated_at archived"
_INSERT = sql.insert("story_pages", COLUMNS)
_SELECT = f"SELECT {sql.names(COLUMNS, 'p')} FROM story_pages p"
_MOVE = (
    "UPDATE story_pages SET state = $2, version = version + 1, updated_at = $3 WHERE id = $1 "
    f"RETURNING {sql.names(COLUMNS)}"
)


def insert(tx: Tx, page: Page, workflow: str = "", stage: str | None = None) -> None:
    """Add the page and its orchestrator row; `stage` is that of its state. Raises Conflict for an id that is there already."""
    tx.run(
        _INSERT,
        page.id,
        page.chapter_id,
        page.slug,
        page.position,
        page.title,
        page.state,
        page.version,
        page.created_at,
        page.updated_at,
        page.archived,
    )
    states.begin(tx, page.id, workflow, page.state, stage)


def get(tx: Tx, page_id: str) -> Page:
    row = tx.one(f"{_SELECT} WHERE p.id = $1", page_id)
    if row is None:
        raise NotFound(f"There is no page {shown(page_id)!r}.")
    return Page(*row)


def listing(tx: Tx, chapter_id: str | None = None, archived: bool = False) -> list[Page]:
    """In book order; `archived` adds the archived ones. A page's number is its place among its chapter's unarchived pages."""
    rows = tx.all(
        f"{_SELECT} JOIN chapters c ON c.id = p.chapter_id "
        "WHERE ($1::text IS NULL OR p.chapter_id = $1) AND ($2 OR NOT p.archived) "
        "ORDER BY c.position, c.id, p.position, p.id",
        chapter_id,
        archived,
    )
    return [Page(*row) for row in rows]


def some(tx: Tx, page_ids: Sequence[str]) -> dict[str, Page]:
    """Those of the ids that there are, by id."""
    if not page_ids:
        return {}
    condition, args = sql.among("p.id", page_ids)
    rows = tx.all(f"{_SELECT} WHERE {condition}", *args)
    return {row[0]: Page(*row) for row in rows}


def order(tx: Tx) -> list[tuple[str, str]]:
    """(page, chapter) of every page that is not archived, in book order: what a page's number and neighbours are read from."""
    return tx.all(
        "SELECT p.id, p.chapter_id FROM story_pages p JOIN chapters c ON c.id = p.chapter_id "
        "WHERE NOT p.archived ORDER BY c.position, c.id, p.position, p.id"
    )


def update(
    tx: Tx,
    page_id: str,
    *,
    state: str | None = None,
    title: str | None = None,
    archived: bool | None = None,
    position: int | None = None,
    chapter_id: str | None = None,
    slug: str | None = None,
    expected_version: int | None = None,
) -> Page:
    """Change what is given; the version grows by one. A new state is mirrored into `orchestrator_state`.

    Raises NotFound, and Conflict (`expected`, `actual` are versions) when the page is not at `expected_version`.
    """
    wanted = {
        "state": state,
        "title": title,
        "archived": archived,
        "position": position,
        "chapter_id": chapter_id,
        "slug": slug,
    }
    given = {column: value for column, value in wanted.items() if value is not None}
    changes = "".join(f"{column} = ${number}, " for number, column in enumerate(given, 4))
    row = tx.one(
        f"UPDATE story_pages SET {changes}version = version + 1, updated_at = $2 "
        f"WHERE id = $1 AND ($3::integer IS NULL OR version = $3) RETURNING {sql.names(COLUMNS)}",
        page_id,
        tx.now,
        expected_version,
        *given.values(),
    )
    if row is None:
        actual = get(tx, page_id).version
        raise Conflict(
            "The page has changed meanwhile.",
            hint="Look at it again and repeat.",
            data={"expected": expected_version, "actual": actual},
        )
    if state is not None:
        states.mirror(tx, page_id, state)
    return Page(*row)


def move(tx: Tx, page_id: str, state: str, *, workflow: str, stage: str | None, run: str | None) -> Page:
    """Write a state, on the page and in its orchestrator row; also where it stays: the version grows. Raises NotFound."""
    row = tx.one(_MOVE, page_id, state, tx.now)
    if row is None:
        raise NotFound(f"There is no page {shown(page_id)!r}.")
    states.save(tx, page_id, workflow, state, stage, run)
    return Page(*row)


def reorder(tx: Tx, chapter_id: str, ids: Sequence[str]) -> None:
    """Put the chapter's pages in the order of `ids`; any not named keep their order behind them. Raises BadInput for a stranger."""
    order = whole_order(ids, [page.id for page in listing(tx, chapter_id, archived=True)], "page")
    tx.run(sql.reposition("story_pages"), order, list(range(1, len(order) + 1)))


def unique_slug(tx: Tx, chapter_id: str, wanted: str) -> str:
    """A slug for a new page, free in its chapter."""
    return free_slug(wanted, set(slugs(tx, chapter_id)), "page")


def slugs(tx: Tx, chapter_id: str) -> list[str]:
    """Those of all the chapter's pages, archived ones too."""
    return [row[0] for row in tx.all("SELECT slug FROM story_pages WHERE chapter_id = $1", chapter_id)]


def heads(tx: Tx, page_id: str) -> dict[str, StageHead]:
    """By stage; a stage without any revision has no entry."""
    rows = tx.all("SELECT page_id, stage, revision_id, approved_id FROM page_stages WHERE page_id = $1", page_id)
    return {row[1]: StageHead(*row) for row in rows}


def set_head(tx: Tx, page_id: str, stage: str, revision_id: str) -> None:
    """Make `revision_id` the newest of the stage; what is approved stays."""
    _set(tx, "revision_id", page_id, stage, revision_id)


def set_approved(tx: Tx, page_id: str, stage: str, revision_id: str | None) -> None:
    """Approve a revision of the stage; None takes the approval back."""
    _set(tx, "approved_id", page_id, stage, revision_id)


def _set(tx: Tx, column: str, page_id: str, stage: str, revision_id: str | None) -> None:
    """An update, then an insert where there was no row: 0.5 ms for a stage that has one, against 1.2 for ON CONFLICT."""
    where = "WHERE page_id = $1 AND stage = $2 RETURNING page_id"
    if tx.one(f"UPDATE page_stages SET {column} = $3 {where}", page_id, stage, revision_id) is None:
        tx.run(f"INSERT INTO page_stages (page_id, stage, {column}) VALUES ($1, $2, $3)", page_id, stage, revision_id)
