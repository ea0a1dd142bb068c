"""Sample inputs that every template is tried with before it is used: first draft, revision, fresh try and continuation."""

from __future__ import annotations

from collections.abc import Mapping

from studio.prompts.source import Source

PREFIX = "_prefix"
PRIOR_PAGE = "_prior_page"
MENTIONED = "_mentioned"
SHARED = (PREFIX, PRIOR_PAGE, MENTIONED)
"""The files of a workflow's folder that come before every stage's own messages, in this order."""

KNOWN = frozenset(
    {"project", "chapter", "page", "canon", "prior_page", "prior_pages", "summaries", "brief"}
    | {"stages", "draft", "feedback", "continue_from", "target_words", "app"}
)
"""Every name that a template may count on."""

Data = dict[str, object]

_LAMP: Data = {"name": "The Lamp", "type": "object", "text": "A lamp that is never lit."}
_ILSE: Data = {"name": "Ilse Vane", "type": "character", "text": "She mends clocks."}
_PRIOR: Data = {
    "chapter_number": 1,
    "number": 1,
    "title": "Closing time",
    "brief": "A boy brings a clock.",
    "sections": [
        {"stage": "narration", "label": "Narration", "text": "The shutters were half down."},
        {"stage": "dialogue", "label": "Dialogue", "text": "ILSE (speech): We're shut."},
    ],
}

_TASK: Data = {"id": "list", "title": "The list", "type": "ui", "status": "done", "summary": "Shows entries."}
_APP: Data = {
    "operation": "update",
    "type": "web",
    "tree": "index.html (1,204 bytes): #app\nsrc/list.js (802 bytes): draw",
    "files": [{"path": "src/list.js", "text": "export function draw() {}\n", "cut": False}],
    "handoff": {"from_role": "q_assistant", "note": "The list comes first."},
    "plan": "One module.",
    "task": {
        "id": "form",
        "title": "The form",
        "type": "ui",
        "description": "A field and a button.",
        "priority": 1,
        "needs": ["list"],
    },
    "tasks": [_TASK],
    "done": [{"title": "The list", "summary": "Shows entries."}],
    "findings": [
        {
            "severity": "error",
            "path": "src/list.js",
            "line": 3,
            "rule": "labels",
            "message": "The field has no label.",
            "suggestion": "",
            "state": "open",
        }
    ],
    "checks": "1 error in src/list.js",
    "changes": "--- a/src/list.js\n+++ b/src/list.js\n@@ -1 +1 @@\n-old\n+new",
    "version": "1.2.0",
    "state": "generating_implementation",
    "returns": "1 of 2",
    "tools": ["read_file", "create_file", "finish_app"],
}
_NEW_APP: Data = {
    **dict.fromkeys(("tree", "plan", "checks", "changes", "version"), ""),
    **{key: [] for key in ("files", "tasks", "done", "findings", "tools")},
    "operation": "create",
    "type": "other",
    "handoff": None,
    "task": None,
    "state": "generating_discovery",
    "returns": "0 of 2",
}


def page_data(
    *, full: bool, draft: str | None = None, feedback: bool = False, continue_from: str | None = None
) -> Data:
    """What a stage's template is given; `full` has canon, prior pages and summaries, else those lists are empty."""
    notes: list[Data] = [{"text": "Slower.", "quote": None}, {"text": "Name the lamp.", "quote": "a light"}]
    return {
        "project": {"title": "The Salt Clock", "language": "English" if full else ""},
        "chapter": {"number": 1, "title": "Low water"},
        "page": {"number": 2, "title": "The letter"},
        "canon": {"always": [_LAMP] if full else [], "mentioned": [_ILSE] if full else []},
        "prior_pages": [_PRIOR] if full else [],
        "summaries": [{"title": "Before", "text": "The harbour closed."}] if full else [],
        "brief": "Ilse reads the letter.",
        "stages": {"narration": "She holds it to the lamp."} if full else {},
        "draft": draft,
        "feedback": notes if feedback else [],
        "continue_from": continue_from,
        "target_words": 150,
        "app": _APP if full else _NEW_APP,
    }


def sample_data(source: Source) -> list[Mapping[str, object]]:
    """The sample inputs for one template, by what kind of file it is."""
    stem = source.name.rpartition("/")[2].partition(".")[0]
    if stem == PREFIX:
        both = [page_data(full=True), page_data(full=False)]
        cases = [{"project": data["project"], "canon": _only(data["canon"], "always")} for data in both]
    elif stem == MENTIONED:
        whole = page_data(full=True)
        cases = [{"project": whole["project"], "canon": whole["canon"]}]
    elif stem == PRIOR_PAGE:
        project = page_data(full=True)["project"]
        priors = [_PRIOR, _PRIOR | {"brief": "", "sections": []}]
        cases = [{"project": project, "prior_page": prior} for prior in priors]
    else:
        cases = [
            page_data(full=True),
            page_data(full=False),
            page_data(full=True, draft="She opens it.", feedback=True),
            page_data(full=False, draft="She opens it.", feedback=True),
            page_data(full=True, draft="She opens it."),
            page_data(full=True, continue_from="She holds it to"),
            page_data(full=False, draft="She opens it.", feedback=True, continue_from="She holds it to"),
        ]
    return [{**source.front.defaults, **case} for case in cases]


def _only(canon: object, key: str) -> Data:
    return {key: canon[key]} if isinstance(canon, dict) else {}
