"""Canon documents, and the ledger of what went into a prompt. Selection rules live in `studio.prompts`, files in `studio.workspace`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Include(StrEnum):
    ALWAYS = "always"
    MENTION = "mention"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class CanonDocument:
    """One Markdown file below `canon/`. `path` is relative to it (`characters/ilse-vane.md`); higher `priority` wins a tight budget.

    `digest` covers the whole file; `extra` keeps front-matter keys that are not ours; `links` are the targets of `[[links]]`.
    """

    path: str
    name: str
    type: str
    body: str
    digest: str
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    include: Include = Include.MENTION
    priority: int = 0
    links: tuple[str, ...] = ()
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CanonWarning:
    """Something in a canon file that a person should mend; the file's text is used all the same where that is possible.

    `message` does not repeat path and line.
    """

    path: str
    line: int
    message: str


class EntryKind(StrEnum):
    CANON = "canon"
    PRIOR_PAGE = "prior_page"
    SUMMARY = "summary"
    TEMPLATE = "template"
    BRIEF = "brief"
    STAGE = "stage"
    DRAFT = "draft"
    FEEDBACK = "feedback"


class Reason(StrEnum):
    """Why an entry was considered."""

    ALWAYS = "always"
    NAMED = "named"
    ALIAS = "alias"
    LINK = "link"
    BY_HAND = "by hand"
    PRIOR = "prior"
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One decision about context. `left_out` is empty for what went in, else why not (`budget`, `never`, `excluded by hand`).

    `detail` says where the match was (`"Ilse" in the brief`); `tokens` is the estimate; `digest` names the exact version.
    """

    kind: EntryKind
    name: str
    reason: Reason
    tokens: int
    digest: str = ""
    detail: str = ""
    left_out: str = ""
    path: str = ""

    @property
    def included(self) -> bool:
        return not self.left_out
