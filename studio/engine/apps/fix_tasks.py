"""Tasks that mend what a review found: one for each file with open findings, so that mending is parallel too."""

from __future__ import annotations

from collections.abc import Sequence

from studio.domain.build import PlannedTask
from studio.domain.finding import Finding
from studio.domain.page import Feedback
from studio.store import build_tasks, findings
from studio.store.transaction import Tx

FEEDBACK = "feedback"
"""With a number behind it, the key of the task that answers a person's feedback."""

_MOST = 8
_DESCRIPTION = 3_000


def add(tx: Tx, page_id: str, note: str, number: int) -> None:
    """Behind the newest plan's tasks; a page without a plan names itself. `number` is that of the return, `note` a person's words."""
    groups: dict[str, list[Finding]] = {}
    for one in findings.listing(tx, page_id, open_only=True):
        path = one.problem.path if len(groups) < _MOST or one.problem.path in groups else ""
        groups.setdefault(path, []).append(one)
    plan_revision = build_tasks.newest_plan(tx, page_id) or page_id
    if note or not groups:
        task = PlannedTask(f"return-{number}-note", "What the review asks for", "fix", note or "See the report.", 1)
        build_tasks.append(tx, page_id, plan_revision, task)
    for index, (path, found) in enumerate(groups.items(), 1):
        lines = [f"- {_line_of(one)}{one.problem.message} {one.problem.suggestion}".rstrip() for one in found]
        title = f"Mend {path}" if path else "Mend what the review found"
        task = PlannedTask(
            f"return-{number}-{index}", title[:120], "fix", "\n".join(dict.fromkeys(lines))[:_DESCRIPTION], 1
        )
        build_tasks.append(tx, page_id, plan_revision, task)


def answered(descriptions: Sequence[str], notes: Sequence[Feedback]) -> list[str]:
    """The ids of the notes that stand in the descriptions of tasks as whole items, each item counting for one note."""
    left, given = [f"\n{words}\n" for words in descriptions], []
    for note in notes:
        item = f"\n- {note.text}" + (f"\n  (about: {note.quote})" if note.quote else "") + "\n"
        for index, words in enumerate(left):
            at = _item_at(words, item)
            if at >= 0:
                given.append(note.id)
                left[index] = words[: at + 1] + words[at + len(item) :]
                break
    return given


def _item_at(words: str, item: str) -> int:
    """Where a whole item stands, behind which the next one begins or nothing; -1 for nowhere."""
    at = words.find(item)
    while at >= 0 and words[at + len(item) :] and not words.startswith("- ", at + len(item)):
        at = words.find(item, at + 1)
    return at


def _line_of(one: Finding) -> str:
    return f"line {one.problem.line}: " if one.problem.line else ""
