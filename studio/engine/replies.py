"""Checks on a finished reply: what it is, and in which form it becomes a revision. The reply itself is never changed or lost."""

from __future__ import annotations

import re
from dataclasses import dataclass

from studio.domain.errors import BadInput
from studio.domain.run import Outcome
from studio.domain.workflow import Stage
from studio.engine.forms import FORMS, Form
from studio.providers.base import FinishReason

_WHOLE_FENCE = re.compile(r"\A\s*```[\w-]*[ \t]*\n(?P<body>.*)\n[ \t]*```\s*\Z", re.S)

_OUTCOMES = {
    FinishReason.COMPLETE: Outcome.COMPLETE,
    FinishReason.LENGTH: Outcome.CUT_OFF,
    FinishReason.REFUSAL: Outcome.REFUSED,
    FinishReason.FILTERED: Outcome.FILTERED,
    FinishReason.TOOL_USE: Outcome.UNPARSED,
    FinishReason.UNPROVEN: Outcome.UNPROVEN,
}


@dataclass(frozen=True, slots=True)
class Reply:
    """`text` is readable; `data` is JSON for a structured stage; `outcome` says whether it may be approved as it is.

    `notes` are sentences about what was mended in it or keeps it from being used.
    """

    text: str
    data: str | None
    outcome: Outcome
    notes: tuple[str, ...] = ()


def read_reply(stage: Stage, raw: str, reason: FinishReason) -> Reply:
    """What a reply is worth. A structured one that cannot be read stays verbatim, one that cannot be used stays readable; both
    are named `UNPARSED`."""
    outcome = _OUTCOMES[reason]
    if not raw.strip():
        return Reply("", None, Outcome.EMPTY if outcome in (Outcome.COMPLETE, Outcome.UNPROVEN) else outcome)
    form = FORMS.get(stage.output)
    if form is None:
        return Reply(_prose(raw), None, outcome)
    if outcome in (Outcome.REFUSED, Outcome.FILTERED):
        return Reply(raw, None, outcome)
    try:
        read = form.from_model(raw)
    except BadInput:
        return _unread(form, raw, outcome)
    if read.errors:
        return Reply(read.text, None, Outcome.UNPARSED if outcome is Outcome.COMPLETE else outcome, read.errors)
    return Reply(read.text, read.data, outcome, read.mended)


def _unread(form: Form, raw: str, outcome: Outcome) -> Reply:
    """Of a reply that was cut off, what is whole in it; any other stays as it came."""
    if outcome is Outcome.COMPLETE:
        return Reply(raw, None, Outcome.UNPARSED)
    read = form.from_partial(raw)
    return Reply(read.text, read.data, outcome) if read else Reply(raw, None, outcome)


def _prose(raw: str) -> str:
    fenced = _WHOLE_FENCE.match(raw)
    return (fenced["body"] if fenced else raw).strip()


def read_partial(stage: Stage, raw: str) -> Reply:
    """What stands there when a draft broke off: of a structured one what is whole, else the text as it came. The run keeps all
    of it."""
    form = FORMS.get(stage.output)
    read = form.from_partial(raw) if form else None
    if read is None:
        return Reply(raw, None, Outcome.INTERRUPTED)
    return Reply(read.text, read.data, Outcome.INTERRUPTED)


def seam(before: str, after: str) -> str:
    """The space that a model leaves out when it goes on from `before` with `after`; empty where none belongs.

    Between a letter and a small letter nothing is put: the break may be in the middle of a word.
    """
    if not before or not after or before[-1].isspace() or after[0].isspace():
        return ""
    opens = after[0].isupper() or after[0].isdigit() or after[0] in '"“‘(—'
    if before[-1].isalnum():
        return " " if opens and not before[-1].isdigit() else ""
    return " " if before[-1] in '.!?…,;:”’")' and (opens or after[0].isalpha()) else ""
