"""Feedback rows: a note or a request, tied to a revision and, where given, to a passage that stands in it."""

from __future__ import annotations

from studio.domain.errors import BadInput
from studio.domain.ids import new_id
from studio.domain.page import Feedback, FeedbackKind, Revision
from studio.domain.text import clean
from studio.protocol.events import FeedbackChanged
from studio.store import feedback
from studio.store.transaction import Tx


def quoted_passage(quote: str | None, revision: Revision) -> str | None:
    """The passage as it stands in the revision; raises BadInput when it does not."""
    wanted = clean(quote or "").strip()
    if not wanted:
        return None
    if wanted in revision.text:
        return wanted
    raise BadInput(
        f"The quoted passage does not stand in revision {revision.number} of the {revision.stage}.",
        hint="Quote it exactly as it is written, or leave the quote out.",
    )


def add_feedback(tx: Tx, revision: Revision, kind: FeedbackKind, text: str, quote: str | None) -> Feedback:
    note = Feedback(
        id=new_id(),
        page_id=revision.page_id,
        stage=revision.stage,
        revision_id=revision.id,
        kind=kind,
        text=text,
        author=tx.actor,
        created_at=tx.now,
        quote=quoted_passage(quote, revision),
    )
    feedback.insert(tx, note)
    tx.emit(FeedbackChanged(page=revision.page_id, feedback=note.id, actor=tx.actor))
    return note
