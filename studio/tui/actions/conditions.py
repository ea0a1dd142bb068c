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


def in_notes(app: StudioApp) -> bool:
    """The focus is in the inspector's notes, where keys are for the note under the cursor and for nothing larger."""
    bench = app.workbench
    return app.screen is bench and bench.pane_in_use() is bench.inspector and bench.inspector.tab == "notes"


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


def at_limit(app: StudioApp) -> bool:
    """The stage that the page stands at has had all revisions that models may make of it; a first draft is not one."""
    project, cell = app.session.project, current_cell(app)
    if project is None or cell is None or cell.head is None:
        return False
    return cell.model_revisions >= project.revisions_limit


def failed_on_text(app: StudioApp) -> bool:
    """A draft failed without a word that was to follow a text, which stands as it was."""
    cell, page = current_cell(app), app.session.page
    if page is None or cell is None or cell.head is None or cell.output == "code" or not broken(app):
        return False
    return page.phase == "failed" and not page.archived and not has_partial(app)


def failed_revision(app: StudioApp) -> bool:
    """What failed without a word was a revision, whose feedback can be sent again."""
    cell = current_cell(app)
    return failed_on_text(app) and cell is not None and cell.partial is not None and cell.partial.kind == "revise"


def decidable(app: StudioApp) -> bool:
    """A text waits for the person's word."""
    return reviewing(app) or failed_on_text(app)


def can_revise(app: StudioApp) -> bool:
    """A text waits for the person, and a model may revise it."""
    return decidable(app) and not at_limit(app)


def broken_work(app: StudioApp) -> bool:
    """Work on files broke off: what it wrote is in them, and it can be gone on with."""
    cell = current_cell(app)
    return broken(app) and cell is not None and cell.output == "code"


def can_draft(app: StudioApp) -> bool:
    """A draft can be asked for: the page has a brief, a stage, a revision left, and no live run."""
    page = app.session.page
    return (
        page is not None
        and not at_limit(app)
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
