"""The commands by name: which module holds each, and its line in `studio --help`. Nothing is imported here."""

from __future__ import annotations

FAMILIES: dict[str, tuple[str, str]] = {
    "new": ("new", "make a project in a folder"),
    "demo": ("demo", "copy an example project and open it"),
    "status": ("status", "the outline: what is done, what waits for you"),
    "chapter": ("chapter", "add, list, rename, move chapters"),
    "page": ("page", "add, list, show, brief, move, rename, archive pages"),
    "generate": ("generate", "draft the stage that a page stands at"),
    "revise": ("revise", "have the draft revised from your feedback"),
    "approve": ("approve", "approve the draft under review"),
    "reopen": ("reopen", "undo the latest approval of a page"),
    "resume": ("resume", "go on with, keep or discard an interrupted draft"),
    "edit": ("edit", "write a text yourself, in your editor or from a file"),
    "show": ("show", "the text of a page, approved or newest"),
    "history": ("history", "every revision, feedback and run of a page"),
    "diff": ("diff", "word by word, what changed between two revisions"),
    "restore": ("restore", "make an earlier revision the newest"),
    "search": ("search", "find words in pages and canon"),
    "context": ("context", "what the next draft would send, and its price"),
    "canon": ("canon", "list, show, check, copy reference documents"),
    "prompts": ("prompts", "list, show, check, edit, reset prompt templates"),
    "models": ("models", "which models there are, and which one is used"),
    "local": ("local", "set up, look at, remove the local model"),
    "costs": ("costs", "what was spent, by page, chapter, model, day or stage"),
    "export": ("export", "write the approved book to files"),
    "serve": ("serve", "serve the project to other programs and browsers"),
    "doctor": ("doctor", "check the project, the terminal and the models"),
    "config": ("config", "show settings, their files, and trust a project"),
    "completion": ("completion", "print a completion script for your shell"),
}
