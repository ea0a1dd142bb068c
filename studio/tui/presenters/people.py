"""Who else is here, in words: for the header, beside the pages of the outline, and when they change the page on the screen. No Textual."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from studio.domain.text import one_line
from studio.protocol.events import PageChanged
from studio.protocol.views import PresentPerson, ProjectView
from studio.tui.glyphs import Glyphs
from studio.tui.presenters.lines import fit

_NAME = 12
"""Cells of a name in the header."""
_MOST = 3
_DID = {
    "approve": "approved the {stage}",
    "reopen": "undid the approval of the {stage}",
    "edit": "edited the {stage}",
    "restore": "put back an earlier {stage}",
    "brief": "changed the brief",
}


def page_labels(project: ProjectView | None) -> dict[str, str]:
    """What a page is called in short (`2/14`), by its id."""
    chapters = project.chapters if project else ()
    return {
        page.id: f"{chapter.number}/{page.number}" if page.number else f"{chapter.number}/-"
        for chapter in chapters
        for page in chapter.pages
    }


def present(
    others: Sequence[PresentPerson], project: ProjectView | None, glyphs: Glyphs, *, room: int, most: int = _MOST
) -> str:
    """`▹ ben 1/3, cleo 2/1` in at most `room` cells, else how many they are; empty when nobody else is here."""
    if not others:
        return ""
    labels = page_labels(project)
    mine = project.author if project else ""
    words = [f"{_called(one, mine, glyphs)} {labels.get(one.page or '', '')}".rstrip() for one in others]
    more = f" +{len(words) - most}" if len(words) > most else ""
    named = f"{glyphs.other} {', '.join(words[:most])}{more}"
    return named if cell_len(named) <= room else f"{glyphs.other} {len(words)}"


def _called(person: PresentPerson, mine: str, glyphs: Glyphs) -> str:
    return "you" if person.who == mine else fit(one_line(person.who), _NAME, glyphs.more)


def on_pages(others: Sequence[PresentPerson]) -> frozenset[str]:
    """The pages that somebody else looks at."""
    return frozenset(one.page for one in others if one.page)


def done_by_another(event: PageChanged, mine: str) -> str:
    """What somebody else did to a page, as a sentence; empty for one's own acts and for those that show by themselves."""
    did = _DID.get(event.what)
    if did is None or event.actor in ("", mine):
        return ""
    return f"{fit(one_line(event.actor), 40)} {did.format(stage=event.stage or 'text')} of this page."


def drafts_go_on(pages: Sequence[str], project: ProjectView | None) -> str:
    """What is said on leaving while drafts run in an engine that stays; empty without any."""
    labels = page_labels(project)
    named = list(dict.fromkeys(labels.get(page, "another page") for page in pages))
    if not named:
        return ""
    if len(pages) == 1:
        return f"The draft of {named[0]} goes on; studio shows it again."
    return f"{len(pages)} drafts go on ({', '.join(named)}); studio shows them again."
