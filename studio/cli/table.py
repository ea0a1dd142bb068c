"""The commands by name: which module holds each, and its line in `studio --help`. Nothing is imported here."""

from __future__ import annotations

Rows = dict[str, tuple[str, str]]

GROUPS: dict[str, Rows] = {
    "project": {
        "new": ("new", "make a project: a story, or an application"),
        "demo": ("demo", "copy an example project and open it"),
        "status": ("status", "the outline: what is done, what waits for you"),
        "chapter": ("chapter", "add, list, rename, move chapters (releases)"),
        "page": ("page", "add, list, show, brief, move pages (changes)"),
    },
    "drafts and reviews": {
        "generate": ("generate", "draft the stage that a page stands at"),
        "revise": ("revise", "have the draft revised from your feedback"),
        "stop": ("stop", "end a running draft from any terminal"),
        "note": ("note", "notes about a draft: list, add, edit, dismiss them"),
        "approve": ("approve", "approve the draft under review"),
        "reopen": ("reopen", "undo the latest approval of a page"),
        "resume": ("resume", "go on with, keep or discard a draft that broke off"),
    },
    "texts": {
        "edit": ("edit", "write a text yourself, in your editor or from a file"),
        "show": ("show", "the text of a page, approved or newest"),
        "history": ("history", "every revision, feedback and run of a page"),
        "diff": ("diff", "word by word, what changed between two revisions"),
        "restore": ("restore", "make an earlier revision the newest"),
        "search": ("search", "find words in pages and canon"),
        "export": ("export", "write the approved book to files"),
    },
    "applications": {
        "change": ("change", "describe what the application should do"),
        "return": ("send_back", "send a change back from a review"),
        "tasks": ("tasks", "the tasks of a change: list, add, edit, drop, move"),
        "findings": ("findings", "what reviewers and checks found; settle it"),
        "tools": ("tools", "each tool call of workers and reviewers"),
        "audit": ("audit", "who did what with a change, from its request on"),
        "versions": ("versions", "list, show, compare, restore, save, approve them"),
        "files": ("files", "the files of the application, and one of them"),
        "check": ("check", "check the files, and allow the project's command"),
        "publish": ("publish", "what publishing would do, and doing it"),
        "follow-ups": ("follow_ups", "what may be worth doing next"),
        "metrics": ("metrics", "success, time, files and versions, use of tools"),
    },
    "models and prompts": {
        "context": ("context", "what the next draft would send, and its price"),
        "canon": ("canon", "list, show, check, copy reference documents"),
        "prompts": ("prompts", "list, show, check, edit, reset prompt templates"),
        "models": ("models", "which models there are, and which one is used"),
        "local": ("local", "set up, look at, remove the local model"),
        "costs": ("costs", "what was spent, by page, chapter, model, day, stage, role or type of task"),
    },
    "the program": {
        "engine": ("engine", "the background process: status, start, stop, log"),
        "serve": ("serve", "serve the project to other programs and browsers"),
        "doctor": ("doctor", "check the project, the terminal and the models"),
        "config": ("config", "show settings, their files, and trust a project"),
        "completion": ("completion", "print a completion script for your shell"),
    },
}
"""The headings of `studio --help` with the commands under each."""

FAMILIES: Rows = {name: row for rows in GROUPS.values() for name, row in rows.items()}
