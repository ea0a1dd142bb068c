"""Why a key does nothing now, in one sentence with the key that helps. No key is silent."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from studio.domain.text import counted
from studio.protocol.views import PageView
from studio.tui.actions.conditions import at_limit, current_cell, in_notes
from studio.tui.presenters.words import writes_files
from studio.tui.screens.base import StudioScreen

if TYPE_CHECKING:
    from studio.tui.app import StudioApp

_BOOK = frozenset(["page.new", "move.down", "move.up", "rename", "archive"])
"""Actions that need a chapter."""
_PAGE = frozenset(
    ["generate", "approve", "reopen", "resume.continue", "resume.keep", "resume.discard", "revise", "comment", "brief", "edit",
     "edit.outside", "diff", "history", "copy", "exact", "tab.context", "tab.notes", "tab.history", "tab.costs", "page.next",
     "page.previous"]
)  # fmt: skip
"""Actions that need a page."""
OF_AN_APP = frozenset(
    ["tasks", "files", "findings", "tools", "versions", "audit", "metrics", "publish", "check", "check.forbid", "send_back", "tab.build"]
)  # fmt: skip
"""Actions of a workflow that writes files."""
_WRITING = frozenset(["generate", "approve", "reopen", "revise", "comment", "edit", "edit.outside"])
"""Actions that wait for the end of a draft on the page, and are not for an archived one."""


def then(app: StudioApp, action_id: str, does: str) -> str:
    """`; b writes it`, empty where the key is unbound or may not be used."""
    key = app.keymap.shown(action_id)
    return f"; {key} {does}" if key and not app.only_looks(action_id) else ""


def no_key(app: StudioApp, typed: str) -> str:
    """About a letter that nothing is bound to here."""
    known = any(typed in row.keys for row in app.keymap.actions)
    return f"{typed} does nothing {'here' if known else 'anywhere'}{then(app, 'help', 'shows all keys')}."


def why_not(app: StudioApp, action_id: str) -> str:
    """Empty where there is nothing to say, as for moving in what does not move."""
    return app.words.put(_why_not(app, action_id))


def _why_not(app: StudioApp, action_id: str) -> str:
    session, page = app.session, app.session.page
    project = session.project
    if action_id in _NOTE:
        if page is not None and in_notes(app):
            return _no_note(app, page)
        action_id = _NOTE[action_id]
    if action_id.startswith(("cursor.", "pick.", "first.down", "first.up")):
        return ""
    if action_id in OF_AN_APP and project is not None and not writes_files(project):
        return (
            f"{app.keymap.by_id[action_id].label.capitalize()}: only an application has this; this project is a story."
        )
    if not session.connected and action_id in _BOOK | _PAGE:
        return "The book is still being opened."
    if project is not None and not project.chapters and action_id in _BOOK | _PAGE:
        return f"There is no chapter yet{then(app, 'chapter.new', 'makes the first one')}."
    if page is None and action_id in _PAGE | _BOOK:
        return f"There is no page here yet{then(app, 'page.new', 'makes one')}."
    if page is not None and action_id in _WRITING:
        if session.live_on(page.id) is not None:
            return f"A draft is being written here{then(app, 'stop', 'stops it')}."
        if page.archived:
            return f"This page is archived{then(app, 'archive', 'brings it back')}."
        if action_id in ("generate", "revise") and at_limit(app):
            return _no_revision_left(app)
    if isinstance(app.screen, StudioScreen) and (why := app.screen.why_not(action_id)):
        return why
    said = _SAID.get(action_id)
    if said is not None:
        return said(app)
    if page is not None and (about := _ABOUT.get(action_id)):
        return about(app, page)
    label = app.keymap.by_id[action_id].label
    return f"{label[:1].upper()}{label[1:]}: there is nothing to do it with here and now."


def _no_revision_left(app: StudioApp) -> str:
    """Said before a price or a word, as the engine would say it after both."""
    project, cell = app.session.project, current_cell(app)
    assert project is not None
    assert cell is not None
    by_hand = then(app, "edit", "changes it by hand, which is never limited")
    return (
        f"{cell.label} has had its {project.revisions_limit} model revisions{by_hand}. "
        "`[limits] revisions` in studio.toml allows more."
    )


def _undrafted(app: StudioApp, page: PageView) -> str:
    """What a page without a text for the key waits for."""
    if page.phase == "awaiting":
        return f"This page has no brief yet{then(app, 'brief', 'writes it')}."
    return f"There is no draft here yet{then(app, 'generate', 'drafts one')}."


def _no_verdict(app: StudioApp, page: PageView) -> str:
    if page.phase == "approved":
        return f"Every stage of this page is approved{then(app, 'reopen', 'takes the last approval back')}."
    if page.phase in ("failed", "interrupted"):
        return f"The draft broke off{then(app, 'generate', 'drafts again')}{then(app, 'resume.keep', 'keeps what is there')}."
    return _undrafted(app, page)


def _no_prompt(app: StudioApp, page: PageView) -> str:
    """Why there is no exact prompt to be shown."""
    if page.stage is None:
        return "Every stage of this page is approved: no call comes next whose prompt could be shown."
    if page.phase == "awaiting":
        return _undrafted(app, page)
    return f"The exact prompt belongs to the context{then(app, 'tab.context', 'shows it')}."


def _no_price(app: StudioApp, page: PageView) -> str:
    return _no_verdict(app, page) if page.phase in ("approved", "awaiting") else "There is nothing to draft here now."


def _no_note(app: StudioApp, page: PageView) -> str:
    """Why a key does nothing to the note under the cursor."""
    note = app.workbench.inspector.note()
    if note is None:
        some = any(cell.notes for cell in page.cells)
        return (
            f"No note is under the cursor{then(app, 'cursor.down', 'goes to one')}."
            if some
            else "There are no notes here."
        )
    if note.kind != "note":
        return "This is what a revision was asked for, and stays as it was asked."
    if note.state == "used":
        return "A draft has been given this note; it stays as it was given."
    if note.state == "dismissed":
        return f"This note is dismissed{then(app, 'note.reopen', 'takes that back')}."
    return f"This note is open{then(app, 'note.dismiss', 'dismisses it')}."


_NOTE = {"note.edit": "edit", "note.dismiss": "archive", "note.reopen": "reopen"}
"""Actions on a note, with what their keys do elsewhere."""


def _nothing_to_keep(app: StudioApp, page: PageView) -> str:
    at = next((cell for cell in page.cells if cell.name == page.stage), None)
    if page.phase in ("failed", "interrupted") and at is not None and at.output == "code":
        go_on, discard = then(app, "resume.continue", "goes on"), then(app, "resume.discard", "discards it")
        return f"What broke off is work on files, which hold what it wrote: there are no words to keep{go_on}{discard}."
    return "No draft of this page broke off with words to keep."


def _no_return(app: StudioApp) -> str:
    page, build, project = app.session.page, app.board.build, app.session.project
    reviews = [stage.name for stage in project.stages if stage.output == "review"] if project is not None else []
    waits = page is not None and page.phase == "user_reviewing" and page.stage in reviews[-1:]
    if waits and build is not None and build.returns >= build.returns_limit:
        settle, approve = then(app, "findings", "settles the findings"), then(app, "approve", "approves all the same")
        return f"This change was sent back {counted(build.returns, 'time')}, which is the limit{settle}{approve}."
    return "Nothing waits here that could be sent back: a report of the overseer can."


_ABOUT: dict[str, Callable[[StudioApp, PageView], str]] = {
    "generate": _no_price,
    "approve": _no_verdict,
    "revise": _no_verdict,
    "comment": _undrafted,
    "edit": _undrafted,
    "edit.outside": _undrafted,
    "diff": _undrafted,
    "copy": _undrafted,
    "reopen": lambda app, page: "Nothing on this page is approved.",
    "resume.continue": lambda app, page: "No draft of this page broke off.",
    "resume.keep": _nothing_to_keep,
    "resume.discard": lambda app, page: "No draft of this page broke off.",
    "page.next": lambda app, page: "This is the last page.",
    "page.previous": lambda app, page: "This is the first page.",
    "exact": lambda app, page: _no_prompt(app, page),
}
_SAID: dict[str, Callable[[StudioApp], str]] = {
    "stop": lambda app: "No draft is being written.",
    "search.next": lambda app: f"Nothing was searched for yet{then(app, 'search', 'searches')}.",
    "search.previous": lambda app: f"Nothing was searched for yet{then(app, 'search', 'searches')}.",
    "open": lambda app: f"This opens what the outline's cursor is on{then(app, 'pane.previous', 'goes there')}.",
    "composer.discard": lambda app: "Nothing was typed here that could be thrown away.",
    "composer.last": lambda app: "No feedback was given here before.",
    "first.back": lambda app: f"Nothing is written yet{then(app, 'quit', 'leaves')}.",
    "edit.leftover": lambda app: "No editor left anything behind.",
    "interrupt": lambda app: "",
    "send_back": _no_return,
    "archive": lambda app: (
        "Only pages are archived. A chapter stays: its pages can be archived or moved, and it can be renamed or moved itself."
    ),
    "check.forbid": lambda app: "No check command is allowed here.",
}
