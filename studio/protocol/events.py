"""Events: what the engine says happened. Durable ones carry a journal sequence; deltas and figures are transient (seq 0)."""

from __future__ import annotations

from studio.protocol.build_events import BuildEvent
from studio.protocol.tagged import Event as Event


class BookChanged(Event, frozen=True, kw_only=True, tag="book.changed"):
    """Chapters or pages were added, renamed, moved or archived."""

    chapter: str | None = None
    page: str | None = None
    what: str = ""


class PageChanged(Event, frozen=True, kw_only=True, tag="page.changed"):
    """The state or the texts of a page changed. `what` is the action (draft_ready, approve, edit, brief, ...)."""

    page: str
    state: str
    what: str
    stage: str | None = None
    revision: str | None = None
    actor: str = ""


class FeedbackChanged(Event, frozen=True, kw_only=True, tag="feedback.changed"):
    """`what` is add, edit, dismiss or reopen; `before` is what an edited note said until now."""

    page: str
    feedback: str
    actor: str = ""
    what: str = "add"
    before: str = ""


class RunStarted(Event, frozen=True, kw_only=True, tag="run.started"):
    run: str
    page: str
    stage: str
    kind: str
    model: str


class RunEnded(Event, frozen=True, kw_only=True, tag="run.ended"):
    """`status` and `outcome` as in `domain.run`; money in US dollars, time in seconds. `same_as` is the number of the revision it
    was made from, where the new one has the same text."""

    run: str
    page: str
    stage: str
    status: str
    outcome: str | None = None
    revision: str | None = None
    error_code: str | None = None
    error: str | None = None
    hint: str = ""
    cost_usd: float | None = None
    output_tokens: int | None = None
    elapsed: float = 0.0
    same_as: int | None = None


class SettingsChanged(Event, frozen=True, kw_only=True, tag="settings.changed"):
    what: str


class MirrorConflict(Event, frozen=True, kw_only=True, tag="mirror.conflict"):
    """The plain-text file and the page both changed; both texts are kept. `kept` is the file that holds the other one."""

    page: str
    path: str
    kept: str
    message: str


class Delta(Event, frozen=True, kw_only=True, tag="delta"):
    """Text of a run: `offset` is where in the run's text it belongs, in characters."""

    run: str
    page: str
    stage: str
    offset: int
    text: str


class RunProgress(Event, frozen=True, kw_only=True, tag="run.progress"):
    """About twice a second while a run lasts. `waiting` says what for (loading local model, retry in 4 s)."""

    run: str
    page: str
    stage: str
    elapsed: float
    output_tokens: int
    cost_usd: float | None = None
    waiting: str = ""


class RunSnapshot(Event, frozen=True, kw_only=True, tag="run.snapshot"):
    """Sent to a new subscriber once per live run: all text so far."""

    run: str
    page: str
    stage: str
    kind: str
    model: str
    text: str
    elapsed: float
    output_tokens: int


class TemplateReloaded(Event, frozen=True, kw_only=True, tag="template.reloaded"):
    """`error` is empty when the new version is in use; else the last good one is, and `line` says where the file is broken."""

    name: str
    path: str
    error: str = ""
    line: int = 0


class CanonReloaded(Event, frozen=True, kw_only=True, tag="canon.reloaded"):
    documents: int
    warnings: int
    changed: tuple[str, ...] = ()


class Notice(Event, frozen=True, kw_only=True, tag="notice"):
    """A sentence for the person. `level` is info, warning or error."""

    level: str
    message: str
    hint: str = ""


class PresenceChanged(Event, frozen=True, kw_only=True, tag="presence.changed"):
    """Somebody came, went, or looks at another page; ask `GetPresence` for all."""

    who: str
    page: str | None = None
    here: bool = True


class Lagged(Event, frozen=True, kw_only=True, tag="lagged"):
    """The subscriber was too slow and was cut off; subscribe again after `seq`."""


AnyEvent = (
    BookChanged
    | PageChanged
    | FeedbackChanged
    | RunStarted
    | RunEnded
    | SettingsChanged
    | MirrorConflict
    | Delta
    | RunProgress
    | RunSnapshot
    | TemplateReloaded
    | CanonReloaded
    | Notice
    | PresenceChanged
    | Lagged
    | BuildEvent
)
