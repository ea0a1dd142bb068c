"""A run (one working of a stage) and its executions (single model calls): status, usage, outcome. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class RunKind(StrEnum):
    DRAFT = "draft"
    REVISE = "revise"
    CONTINUE = "continue"


class RunStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    STOPPED = "stopped"  # by a person
    FAILED = "failed"
    INTERRUPTED = "interrupted"  # the engine ended under it

    @property
    def live(self) -> bool:
        return self in (RunStatus.QUEUED, RunStatus.RUNNING)


class Outcome(StrEnum):
    """How a text came to its end. Only `COMPLETE` may be approved without a second word from the person."""

    COMPLETE = "complete"
    CUT_OFF = "cut_off"  # the output limit was reached
    UNPROVEN = "unproven"  # the stream ended without the provider's word that it was finished
    EMPTY = "empty"
    REFUSED = "refused"  # the model declined
    FILTERED = "filtered"  # the provider's content filter stopped it
    INCOMPLETE = "incomplete"  # a part of the work failed; the rest stands
    UNPARSED = "unparsed"  # structured output was asked for and could not be read; kept verbatim
    STOPPED = "stopped"  # the person stopped it
    INTERRUPTED = "interrupted"  # a crash or a broken line

    @property
    def approvable(self) -> bool:
        return self is Outcome.COMPLETE


NOT_WHOLE = {
    "cut_off": "cut off",
    "unproven": "end not proven",
    "empty": "empty",
    "refused": "refused by the model",
    "filtered": "filtered",
    "incomplete": "not every task done",
    "unparsed": "not readable as lines",
    "stopped": "stopped",
    "interrupted": "interrupted",
}
"""What a text is called beside its number, by its outcome; nothing for a complete one."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one model call. `input_tokens` counts all input, cached or not; `None` in a count means the provider did not say.

    `cost_usd` is the provider's own figure where it gives one (OpenRouter). `estimated` is set when the stream broke before the
    provider reported and the counts are ours.
    """

    input_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None
    estimated: bool = False
    raw: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """`partial` is the text received so far (also after a failure); `job_key` makes a redelivered job harmless."""

    id: str
    page_id: str
    stage: str
    kind: RunKind
    job_key: str
    status: RunStatus
    model: str
    started_at: datetime
    base_revision: str | None = None
    feedback_id: str | None = None
    template_digest: str | None = None
    prompt_digest: str | None = None
    revision_id: str | None = None
    partial: str = ""
    outcome: Outcome | None = None
    error_code: str | None = None
    error_message: str | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Execution:
    """One request to a model's service, as it is kept in `agent_execution_log`. Times in milliseconds, money in US dollars.

    `cost_usd` is None when no price is known; `cost_source` is `provider`, `price_table`, `local` or `unknown`.
    """

    id: str
    run_id: str
    attempt: int
    role: str
    provider: str
    model: str
    started_at: datetime
    status: str
    prompt_digest: str | None = None
    template_digest: str | None = None
    usage: Usage = field(default_factory=Usage)
    cost_usd: float | None = None
    cost_source: str = "unknown"
    price_version: str | None = None
    latency_ms: float = 0.0
    first_token_ms: float | None = None
    finish_reason: str | None = None
    error_code: str | None = None
    error_message: str | None = None
