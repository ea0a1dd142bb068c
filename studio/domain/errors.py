"""Every error a person can meet: one tree, a stable code and a hint each. Exit codes and toasts are made at the edges.

StudioError
├── BadInput            what was given is not usable (name, file, flag, workflow, template)
├── NotFound            no such chapter, page, revision, document, model
├── Refused             a gate says no
│   ├── LimitReached    a count ran out (model revisions per stage)
│   └── BudgetExceeded  money ran out ([limits])
├── Conflict            decided on something that has changed since; carries both sides
├── ProjectBusy         another process owns the project; carries its pid
├── StorageError        the project's database or a file could not be read or written
├── Interrupted         stopped by the person or a signal
└── ProviderError       a model's service did not deliver
    ├── MissingModel / MissingKey      nothing is set up to answer
    ├── AuthenticationFailed           401, 403
    ├── RequestRejected                400, 404, 413, 422 (ContextTooLong among them)
    ├── RateLimited / Overloaded       429 / 5xx, 529: worth another try
    ├── ConnectionFailed / TimedOut    no bytes, or no more bytes
    └── BadReply                       bytes that are not the protocol (HTML, broken JSON, an error frame)
"""

from __future__ import annotations

from typing import ClassVar


class StudioError(Exception):
    """Root of the tree.

    `message` is one sentence for a person saying what is wrong and where; `hint` says what to do next; `data` is plain JSON.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "", data: dict[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.data: dict[str, object] = dict(data or {})

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class BadInput(StudioError):
    code = "bad_input"


class NotFound(StudioError):
    code = "not_found"


class Refused(StudioError):
    code = "refused"


class LimitReached(Refused):
    code = "limit_reached"


class BudgetExceeded(Refused):
    code = "budget_exceeded"


class Conflict(StudioError):
    """`data` holds `expected`, `actual` (revision ids) and, where texts differ, `theirs`."""

    code = "conflict"


class ProjectBusy(StudioError):
    """`data` holds `pid` (int, 0 when unknown) and `host`."""

    code = "project_busy"


class StorageError(StudioError):
    code = "storage"


class Interrupted(StudioError):
    code = "interrupted"


class ProviderError(StudioError):
    """`retryable` says whether another try may help; `retry_after` is the wait asked for, in seconds."""

    code = "provider"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        data: dict[str, object] | None = None,
        retry_after: float | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message, hint=hint, data=data)
        self.retry_after = retry_after
        self.status = status


class MissingModel(ProviderError):
    code = "missing_model"


class MissingKey(ProviderError):
    code = "missing_key"


class AuthenticationFailed(ProviderError):
    code = "authentication_failed"


class RequestRejected(ProviderError):
    code = "request_rejected"


class ContextTooLong(RequestRejected):
    code = "context_too_long"


class RateLimited(ProviderError):
    code = "rate_limited"
    retryable = True


class Overloaded(ProviderError):
    code = "overloaded"
    retryable = True


class ConnectionFailed(ProviderError):
    code = "connection_failed"
    retryable = True


class TimedOut(ProviderError):
    code = "timed_out"
    retryable = True


class BadReply(ProviderError):
    code = "bad_reply"


def _tree(root: type[StudioError]) -> dict[str, type[StudioError]]:
    found = {root.code: root}
    for child in root.__subclasses__():
        found |= _tree(child)
    return found


ERRORS: dict[str, type[StudioError]] = _tree(StudioError)
"""Class by code: how an error that crossed a process is raised again."""
