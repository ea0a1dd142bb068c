"""When an action applies: questions about the page on the screen and what the cursor is on. They decide, they do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.protocol.views import StageCell
from studio.tui.presenters.words import writes_files
from studio.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from studio.tui.app import StudioApp


def connected(app: StudioApp) -> bool:
    return app.session.connected


def has_page(app: StudioApp) -> bool:
    return app.session.page is not None


def is_app(app: StudioApp) -> bool:
    """The project's workflow makes an application."""
    return app.session.connected and writes_files(app.session.project)


def of_a_change(app: StudioApp) -> bool:
    """A change of an application is on the screen."""
    return is_app(app) and has_page(app)


def current_cell(app: StudioApp) -> StageCell | None:
    """The cell of the stage that the page stands at."""
    page = app.session.page
    return next((cell for cell in page.cells if cell.name == page.stage), None) if page else None


def drafting(app: StudioApp) -> bool:
    """A run is live on this page."""
    page = app.session.page
    return page is not None and app.session.live_on(page.id) is not None


def reviewing(app: StudioApp) -> bool:
    """A draft on this page waits for the person."""
    page = app.session.page
    return page is not None and page.phase == "user_reviewing" and not page.archived and not drafting(app)


def broken(app: StudioApp) -> bool:
    """The draft of this page failed or was interrupted."""
    page = app.session.page
    return page is not None and page.phase in ("failed", "interrupted") and not drafting(app)


def has_partial(app: StudioApp) -> bool:
    cell = current_cell(app)
    if not broken(app) or cell is None or cell.partial is None or cell.output == "code":
        return False  # what was written of an application is in its files; the text is a log
    return bool(cell.partial.text.strip())


def broken_work(app: StudioApp) -> bool:
    """Work on files broke off: what it wrote is in them, and it can be gone on with."""
    cell = current_cell(app)
    return broken(app) and cell is not None and cell.output == "code"


def can_draft(app: StudioApp) -> bool:
    """A draft can be asked for: the page has a brief, a stage, and no live run."""
    page = app.session.page
    return (
        page is not None
        and page.stage is not None
        and page.phase != "awaiting"
        and not page.archived
        and not drafting(app)
    )


def has_approval(app: StudioApp) -> bool:
    page = app.session.page
    return page is not None and any(cell.approved for cell in page.cells) and not drafting(app)


def in_lines(app: StudioApp) -> bool:
    """The focus is in a view of lines."""
    return isinstance(app.focused, LineView)


def asked(app: StudioApp) -> bool:
    """Something waits for a second key."""
    return app.pending is not None
