"""The ledger of one prompt: a row for everything that went in and for everything that was considered and left out.

`path` of a row is the canon document's path, the prior page's id, or the template's file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from studio.domain.canon import EntryKind, LedgerEntry, Reason
from studio.domain.text import digest, one_line
from studio.prompts.catalog import Template
from studio.prompts.material import Material, Request
from studio.prompts.selection import MISSING, Pick, Selection

BUDGET = "budget"


class KeptIndexes(Protocol):
    """What went in, as `context.Kept` holds it."""

    @property
    def always(self) -> tuple[int, ...]: ...
    @property
    def mentioned(self) -> tuple[int, ...]: ...
    @property
    def prior(self) -> tuple[int, ...]: ...
    @property
    def summaries(self) -> tuple[int, ...]: ...


Count = Callable[[str], int]


def ledger(
    template: Template,
    request: Request,
    material: Material,
    chosen: Selection,
    kept: KeptIndexes,
    *,
    count: Count,
    tokens: int,
) -> tuple[LedgerEntry, ...]:
    """Rows in the order of the prompt. The template's row holds what no other row does, so that the rows that went in add up to
    `tokens` (unless a template leaves parts of the request unsaid)."""
    rows = [
        *_canon(chosen.always, kept.always, count),
        *_prior(material, kept, count),
        *_canon(chosen.mentioned, kept.mentioned, count),
        *_summaries(material, kept, count),
        *_request(request, count),
    ]
    rest = max(0, tokens - sum(row.tokens for row in rows if row.included))
    first = LedgerEntry(
        EntryKind.TEMPLATE, template.name, Reason.REQUEST, rest, digest=template.digest, path=str(template.path)
    )
    left = [_canon_row(pick, pick.left_out, count) for pick in chosen.left_out]
    left += [
        LedgerEntry(EntryKind.CANON, path, Reason.BY_HAND, 0, left_out=MISSING, path=path) for path in chosen.unknown
    ]
    return (first, *rows, *left)


def _canon(picks: Sequence[Pick], kept: Sequence[int], count: Count) -> Iterator[LedgerEntry]:
    inside = set(kept)
    for index, pick in enumerate(picks):
        yield _canon_row(pick, "" if index in inside else BUDGET, count)


def _canon_row(pick: Pick, left_out: str, count: Count) -> LedgerEntry:
    item = pick.document
    return LedgerEntry(
        EntryKind.CANON,
        item.name,
        pick.reason,
        count(item.body),
        digest=item.digest,
        detail=pick.detail,
        left_out=left_out,
        path=item.path,
    )


def _prior(material: Material, kept: KeptIndexes, count: Count) -> Iterator[LedgerEntry]:
    inside = set(kept.prior)
    for index, page in enumerate(material.prior_pages):
        yield LedgerEntry(
            EntryKind.PRIOR_PAGE,
            one_line(f"{page.chapter_number}/{page.number} {page.title}", 120),
            Reason.PRIOR,
            count(page.text),
            digest=digest(page.text),
            path=page.id,
            left_out="" if index in inside else BUDGET,
        )


def _summaries(material: Material, kept: KeptIndexes, count: Count) -> Iterator[LedgerEntry]:
    """Summaries are considered only for chapters of which a page was left out."""
    inside, prior = set(kept.summaries), set(kept.prior)
    gone = {page.chapter_number for index, page in enumerate(material.prior_pages) if index not in prior}
    for index, item in enumerate(material.summaries):
        if index in inside or item.chapter_number in gone:
            yield LedgerEntry(
                EntryKind.SUMMARY,
                one_line(item.title, 120),
                Reason.PRIOR,
                count(item.text),
                digest=digest(item.text),
                left_out="" if index in inside else BUDGET,
            )


def _request(request: Request, count: Count) -> Iterator[LedgerEntry]:
    parts = [(EntryKind.BRIEF, "brief", request.brief, "")]
    parts += [(EntryKind.STAGE, stage, text, "") for stage, text in request.stages.items()]
    parts.append((EntryKind.DRAFT, "draft", request.draft or "", "the text under revision"))
    parts.append((EntryKind.DRAFT, "partial", request.continue_from or "", "what arrived before the interruption"))
    for number, note in enumerate(request.feedback, 1):
        about = f'about "{one_line(note.quote, 60)}"' if note.quote else ""
        parts.append((EntryKind.FEEDBACK, f"note {number}", f"{note.quote or ''}\n{note.text}".strip(), about))
    for kind, name, text, detail in parts:
        if text:
            yield LedgerEntry(kind, name, Reason.REQUEST, count(text), digest=digest(text), detail=detail)
