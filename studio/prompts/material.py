"""What a prompt is made from, as plain data: the page and its request, prior pages, summaries; and the names templates see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from studio.domain.canon import CanonDocument
from studio.prompts.selection import Canon, Pick, Pin, Selection

Data = dict[str, object]


@dataclass(frozen=True, slots=True)
class Section:
    """The approved text of one stage of a page."""

    stage: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class PriorPage:
    """An approved page before this one."""

    id: str
    chapter_number: int
    number: int
    title: str
    brief: str
    sections: tuple[Section, ...]

    @property
    def text(self) -> str:
        return "\n\n".join([self.brief, *(section.text for section in self.sections)])


@dataclass(frozen=True, slots=True)
class Summary:
    """A chapter told short, for when its pages no longer fit."""

    chapter_number: int
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """One piece of feedback; `quote` is the passage it concerns."""

    text: str
    quote: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """The page in hand and what is asked of it. `stages` holds approved texts of earlier stages in order, by stage name.

    `app` is what a workflow that writes files tells its stages' templates beside: plain JSON, under the name `app`. It is part of
    the request, so nothing of it is left out by the budget: whoever makes it cuts it.
    """

    project_title: str
    chapter_number: int
    chapter_title: str
    page_number: int
    page_title: str
    brief: str
    language: str = ""
    stages: Mapping[str, str] = field(default_factory=dict)
    draft: str | None = None
    feedback: tuple[Note, ...] = ()
    continue_from: str | None = None
    target_words: int = 150
    app: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Material:
    """Everything that may go into the prompt beside the request. `prior_pages` in book order, oldest first."""

    documents: Sequence[CanonDocument] = ()
    pins: Mapping[str, Pin] = field(default_factory=dict)
    prior_pages: tuple[PriorPage, ...] = ()
    summaries: tuple[Summary, ...] = ()


@dataclass(frozen=True, slots=True)
class Placed:
    """The canon of a prompt with the place of each mentioned document.

    A document enters where it was first named and stays there for the pages that follow, so that the beginning of the prompt
    only grows. `places[i]` belongs to `chosen.mentioned[i]`: (prior page's index that it stands before, step). The index one past
    the last prior page is the page in hand. Steps: `AFTER_TEXT` (named by the text of the page before), `IN_BRIEF`, `LATER`.
    """

    chosen: Selection
    places: tuple[tuple[int, int], ...]


AFTER_TEXT, IN_BRIEF, LATER = 0, 1, 2


def place(request: Request, material: Material, start: int = 0) -> Placed:
    """Canon for the page, when the prior pages before `start` are left out."""
    here = len(material.prior_pages)
    canon = Canon(material.documents)
    picks: dict[str, Pick] = {}
    places: dict[str, tuple[int, int]] = {}
    left_out: dict[str, Pick] = {}

    def take(found: Selection, where: tuple[int, int]) -> None:
        for pick in found.mentioned:
            if pick.document.path not in picks:
                picks[pick.document.path], places[pick.document.path] = pick, where
        left_out.update({pick.document.path: pick for pick in found.left_out if pick.document.path not in left_out})

    earlier: dict[str, Pin] = {path: mode for path, mode in material.pins.items() if mode == "out"}
    for index in range(start, here):
        page = material.prior_pages[index]
        number = f"page {page.chapter_number}/{page.number}"
        take(canon.select([(f"brief of {number}", page.brief)], earlier), (index, IN_BRIEF))
        take(
            canon.select([(f"text of {number}", section.text) for section in page.sections], earlier),
            (index + 1, AFTER_TEXT),
        )
    in_brief = canon.select([("brief", request.brief)], earlier)
    take(in_brief, (here, IN_BRIEF))
    everything = canon.select(_later_sources(request), material.pins)
    take(everything, (here, LATER))
    order = sorted(picks, key=lambda path: places[path])
    return Placed(
        Selection(
            always=everything.always,
            mentioned=tuple(picks[path] for path in order),
            left_out=tuple(pick for path, pick in left_out.items() if path not in picks),
            unknown=everything.unknown,
        ),
        tuple(places[path] for path in order),
    )


def _later_sources(request: Request) -> list[tuple[str, str]]:
    """Texts that a later stage or a revision adds."""
    sources = list(request.stages.items())
    sources += [("draft", request.draft or ""), ("draft", request.continue_from or "")]
    return sources + [("feedback", f"{note.quote or ''}\n{note.text}") for note in request.feedback]


def project_data(request: Request) -> Data:
    return {"title": request.project_title, "language": request.language}


def document_data(documents: Sequence[CanonDocument]) -> list[Data]:
    return [{"name": item.name, "type": item.type, "text": item.body} for item in documents]


def prior_data(page: PriorPage) -> Data:
    return {
        "chapter_number": page.chapter_number,
        "number": page.number,
        "title": page.title,
        "brief": page.brief,
        "sections": [{"stage": item.stage, "label": item.label, "text": item.text} for item in page.sections],
    }


def stage_data(
    request: Request,
    always: Sequence[CanonDocument],
    mentioned: Sequence[CanonDocument],
    prior: Sequence[PriorPage],
    summaries: Sequence[Summary],
) -> Data:
    """The variables of a stage's template."""
    return {
        "project": project_data(request),
        "chapter": {"number": request.chapter_number, "title": request.chapter_title},
        "page": {"number": request.page_number, "title": request.page_title},
        "canon": {"always": document_data(always), "mentioned": document_data(mentioned)},
        "prior_pages": [prior_data(page) for page in prior],
        "summaries": [{"title": item.title, "text": item.text} for item in summaries],
        "brief": request.brief,
        "stages": dict(request.stages),
        "draft": request.draft,
        "feedback": [{"text": note.text, "quote": note.quote} for note in request.feedback],
        "continue_from": request.continue_from,
        "target_words": request.target_words,
        "app": dict(request.app) if request.app is not None else None,
    }
