"""What a project's canon looks like to a client: documents, standards, and one document's text."""

from __future__ import annotations

from studio.protocol.tagged import View as View
from studio.protocol.views import Warning as Warning


class CanonLine(View, frozen=True, kw_only=True):
    path: str
    name: str
    type: str
    aliases: tuple[str, ...]
    tags: tuple[str, ...]
    include: str
    priority: int
    tokens: int
    links: tuple[str, ...]
    missing_links: tuple[str, ...]


class StandardLine(View, frozen=True, kw_only=True):
    """A document that binds an application. `source` is `project` (canon/standards), `application` (such as AGENTS.md) or
    `packaged`; `path` is relative to the project, of a packaged one to the packaged canon. `rules` are the ids of those that hold."""

    path: str
    name: str
    source: str
    tokens: int
    rules: tuple[str, ...]


class CanonView(View, frozen=True, kw_only=True):
    """`standards` are those in force, where the workflow writes files."""

    documents: tuple[CanonLine, ...]
    warnings: tuple[Warning, ...]
    packaged: tuple[str, ...] = ()
    standards: tuple[StandardLine, ...] = ()


class CanonText(View, frozen=True, kw_only=True):
    line: CanonLine
    body: str
    versions: int
    text: str
