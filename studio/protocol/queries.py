"""Queries: what a front end may ask about. Each names its answer's type, so that a client's `query()` is typed."""

from __future__ import annotations

from typing import Literal

from studio.protocol import canon_views, views
from studio.protocol.build_queries import BuildQuery
from studio.protocol.tagged import Query as Query


class GetProject(Query[views.ProjectView], frozen=True, kw_only=True, tag="project"):
    archived: bool = False


class GetPage(Query[views.PageView], frozen=True, kw_only=True, tag="page"):
    page: str


class GetRevision(Query[views.RevisionView], frozen=True, kw_only=True, tag="revision"):
    """`revision` is an id, or `page@stage:number` such as `2/14@narration:3`."""

    revision: str


class GetHistory(Query[views.HistoryView], frozen=True, kw_only=True, tag="history"):
    page: str
    stage: str | None = None


class GetRun(Query[views.RunView], frozen=True, kw_only=True, tag="run"):
    run: str


class GetAsked(Query[views.ContextView], frozen=True, kw_only=True, tag="asked"):
    """The exact prompt that a past call was sent: of a run, or of the run that made a revision (`page@stage:number` or its id).
    The figures are those of the call, and no budget is named."""

    run: str = ""
    revision: str = ""


class GetContext(Query[views.ContextView], frozen=True, kw_only=True, tag="context"):
    """The exact prompt of the next call. `feedback` previews a revision, `goes_on` the continuing of a draft that broke off, `likely`
    what comes next: a revision of a draft under review, with the notes that wait for it, else a draft. `stage` defaults to where
    the page stands.

    Without `price` the answer names none: a price table costs 0.16 s and 20 MB the first time.
    """

    page: str
    stage: str | None = None
    model: str | None = None
    feedback: str | None = None
    goes_on: bool = False
    likely: bool = False
    price: bool = True


class GetCosts(Query[views.CostsView], frozen=True, kw_only=True, tag="costs"):
    by: Literal["page", "chapter", "model", "day", "stage", "role", "task"] = "page"
    page: str | None = None
    executions: bool = False


class Search(Query[views.SearchView], frozen=True, kw_only=True, tag="search"):
    text: str
    scope: Literal["all", "pages", "canon"] = "all"
    limit: int = 200


class GetCanon(Query[canon_views.CanonView], frozen=True, kw_only=True, tag="canon"):
    pass


class GetCanonText(Query[canon_views.CanonText], frozen=True, kw_only=True, tag="canon.text"):
    """`name` is a name, an alias or a path."""

    name: str


class GetTemplates(Query[views.TemplatesView], frozen=True, kw_only=True, tag="templates"):
    """`check` renders each with sample inputs, so that errors show before a draft meets them."""

    check: bool = False


class GetTemplate(Query[views.TemplateText], frozen=True, kw_only=True, tag="template"):
    name: str


class GetModels(Query[views.ModelsView], frozen=True, kw_only=True, tag="models"):
    """`check` asks each service whose key is present (lists models; generates nothing)."""

    check: bool = False


class GetDoctor(Query[views.DoctorView], frozen=True, kw_only=True, tag="doctor"):
    online: bool = False


class GetBook(Query[views.BookView], frozen=True, kw_only=True, tag="book"):
    chapter: str | None = None


class GetPlace(Query[views.PlaceView], frozen=True, kw_only=True, tag="place"):
    """Where the asker was last."""


class GetPresence(Query[views.PresenceView], frozen=True, kw_only=True, tag="presence"):
    """Who else works on the project now."""


AnyQuery = (
    GetProject
    | GetPage
    | GetRevision
    | GetHistory
    | GetRun
    | GetAsked
    | GetContext
    | GetCosts
    | Search
    | GetCanon
    | GetCanonText
    | GetTemplates
    | GetTemplate
    | GetModels
    | GetDoctor
    | GetBook
    | GetPlace
    | GetPresence
    | BuildQuery
)
