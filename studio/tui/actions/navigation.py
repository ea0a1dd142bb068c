"""Moving: the cursor, panes, folds, from page to page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.tui.actions.conditions import has_page, in_lines, of_a_change
from studio.tui.actions.registry import action
from studio.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from studio.tui.app import StudioApp


def _view(app: StudioApp) -> LineView:
    focused = app.focused
    return focused if isinstance(focused, LineView) else app.workbench.page_view


@action("cursor.down", when=in_lines)
def down(app: StudioApp) -> None:
    _view(app).move(1)


@action("cursor.up", when=in_lines)
def up(app: StudioApp) -> None:
    _view(app).move(-1)


@action("cursor.page_down", when=in_lines)
def page_down(app: StudioApp) -> None:
    _view(app).turn(1)


@action("cursor.page_up", when=in_lines)
def page_up(app: StudioApp) -> None:
    _view(app).turn(-1)


@action("cursor.top", when=in_lines)
def top(app: StudioApp) -> None:
    _view(app).to_top()


@action("cursor.end", when=in_lines)
def end(app: StudioApp) -> None:
    _view(app).to_end()


def _fold(app: StudioApp, close: bool) -> None:
    bench = app.workbench
    if app.focused is bench.outline:
        bench.outline.fold(close)
    else:
        bench.page_view.fold(close)


@action("fold")
def fold(app: StudioApp) -> None:
    _fold(app, close=True)


@action("unfold")
def unfold(app: StudioApp) -> None:
    _fold(app, close=False)


@action("pane.next")
def next_pane(app: StudioApp) -> None:
    app.workbench.cycle(1)


@action("pane.previous")
def previous_pane(app: StudioApp) -> None:
    app.workbench.cycle(-1)


@action("back")
def back(app: StudioApp) -> None:
    bench = app.workbench
    bench.to_pane(bench.page_view)


def _opens(app: StudioApp) -> bool:
    return app.pending is not None or app.focused is app.workbench.outline


@action("open", when=_opens, inline=True)
async def open_under_cursor(app: StudioApp) -> None:
    outline = app.workbench.outline
    line = outline.page_line()
    if line is not None:
        await app.session.open_page(line.id)
        app.workbench.to_pane(app.workbench.page_view)
        return
    chapter = outline.chapter_line()
    if chapter is not None:
        outline.fold(close=chapter.id not in outline.folded)


def _has_next(app: StudioApp) -> bool:
    page = app.session.page
    return page is not None and page.next is not None


def _has_previous(app: StudioApp) -> bool:
    page = app.session.page
    return page is not None and page.previous is not None


@action("page.next", when=_has_next, inline=True)
async def next_page(app: StudioApp) -> None:
    page = app.session.page
    if page is not None and page.next is not None:
        await app.session.open_page(page.next)


@action("page.previous", when=_has_previous, inline=True)
async def previous_page(app: StudioApp) -> None:
    page = app.session.page
    if page is not None and page.previous is not None:
        await app.session.open_page(page.previous)


def _tab(app: StudioApp, name: str) -> None:
    bench = app.workbench
    if not bench.inspector.display:
        bench.to_pane(bench.inspector)
    bench.inspector.open_tab(name)
    bench.show_footer()


@action("tab.context", when=has_page)
def tab_context(app: StudioApp) -> None:
    _tab(app, "context")


@action("tab.notes", when=has_page)
def tab_notes(app: StudioApp) -> None:
    _tab(app, "notes")


@action("tab.history", when=has_page)
def tab_history(app: StudioApp) -> None:
    _tab(app, "history")


@action("tab.build", when=of_a_change)
def tab_build(app: StudioApp) -> None:
    _tab(app, "progress")


@action("tab.costs", when=has_page)
def tab_costs(app: StudioApp) -> None:
    _tab(app, "costs")
