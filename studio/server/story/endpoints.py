"""The table of the Story API's routes."""

from __future__ import annotations

from functools import partial

from studio.server.asked import Endpoint, Handler
from studio.server.story import acts, answers
from studio.server.story import shapes as s

TAG = "story"
BASE = "/api/orchestrator"


def endpoints() -> tuple[Endpoint, ...]:
    return (*_acts(), *_answers())


def _acts() -> tuple[Endpoint, ...]:
    start = Endpoint(
        "POST", f"{BASE}/start-page", "start-page", "A new page at the end of a chapter, and its first draft.",
        acts.start_page, s.Written, TAG, body=s.StartPage, parameters=s.Drafting,
    )  # fmt: skip
    narration, dialogue = acts.NARRATION, acts.DIALOGUE
    return (
        start,
        _act("narration", "Hand in a narration; it waits for a review.", acts.deliver_narration, s.Narration),
        _decision(f"approve-{narration}", "Approve the narration; the dialogue is drafted.", acts.approve, narration),
        _decision(f"revise-{narration}", "Have the narration revised from feedback.", acts.revise, narration),
        _act("dialogue", "Hand in a dialogue; it waits for a review.", acts.deliver_dialogue, s.DialogueBody),
        _decision(f"approve-{dialogue}", "Approve the dialogue; the page is approved.", acts.approve, dialogue),
        _decision(f"revise-{dialogue}", "Have the dialogue revised from feedback.", acts.revise, dialogue),
        _act("stop", "Stop the page's draft; its text so far is kept.", acts.stop, s.NoBody, required=False),
        _act("restore", "Make an earlier revision the newest, as a new one.", acts.restore, s.Restoring),
    )


def _act(name: str, summary: str, handler: Handler, body: type[s.Body], *, required: bool = True) -> Endpoint:
    return Endpoint(
        "POST", f"{BASE}/page/{{id}}/{name}", name, summary, handler, s.Written, TAG, body=body, body_required=required
    )


def _decision(name: str, summary: str, handler: acts.Decision, stage: str) -> Endpoint:
    approval = handler is acts.approve
    return Endpoint(
        "POST", f"{BASE}/page/{{id}}/{name}", name, summary, partial(handler, stage=stage), s.Written, TAG,
        body=s.Approval if approval else s.Revision, body_required=not approval, parameters=s.Drafting,
    )  # fmt: skip


def _answers() -> tuple[Endpoint, ...]:
    page = f"{BASE}/page/{{id}}"
    return (
        Endpoint("GET", f"{page}/status", "status", "Where a page stands.", answers.status, s.Status, TAG),
        Endpoint("GET", f"{page}/history", "history", "Revisions and feedback.", answers.history, s.History, TAG),
        Endpoint(
            "GET", f"{page}/context", "context", "What an agent would see.", answers.context, s.Context, TAG,
            parameters=s.PreviewOf,
        ),
        Endpoint(
            "GET", f"{page}/findings", "findings", "What should be looked at.", answers.findings, s.Findings, TAG
        ),
        Endpoint("GET", f"{page}/costs", "page-costs", "What the page cost.", answers.page_costs, s.Costs, TAG),
        Endpoint("GET", f"{BASE}/chapters", "chapters", "Chapters with progress.", answers.chapters, s.Chapters, TAG),
        Endpoint(
            "GET", f"{BASE}/chapter/{{id}}/pages", "pages", "The pages of a chapter.", answers.chapter_pages, s.Pages,
            TAG,
        ),
        Endpoint(
            "GET", f"{BASE}/costs", "costs", "What the book cost.", answers.book_costs, s.Costs, TAG,
            parameters=s.CostsBy,
        ),
    )  # fmt: skip
