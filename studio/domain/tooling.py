"""What a model may do, as plain data: a tool's description, a call of one, and what came of it. No tool is here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model is told of it. `parameters` is a JSON Schema of type object (draft 2020-12, the strict subset)."""

    name: str
    description: str
    parameters: Mapping[str, object]
    writes: bool = False


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A complete call. `id` is the provider's; `arguments` is the decoded JSON object, not yet checked against the tool."""

    id: str
    name: str
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class BrokenCall:
    """A call that cannot be carried out: cut off, no JSON, no object. `raw` is what came; `reason` says what is wrong with it."""

    id: str
    name: str
    raw: str
    reason: str


class CallStatus(StrEnum):
    OK = "ok"
    ERROR = "error"  # it was tried and did not work (no such file, no such passage)
    REFUSED = "refused"  # it may not be done (outside the folder, protected, over a cap, a blocking rule)


class ChangeKind(StrEnum):
    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"
    RENAMED = "renamed"


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file that a call changed. Digests are SHA-256 of the bytes, None where there is no file; `renamed_from` for a rename."""

    path: str
    kind: ChangeKind
    before: str | None = None
    after: str | None = None
    renamed_from: str | None = None


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What came of a call. `text` are the words for the model; `line` is one short line for a person; `finished` ends the task."""

    call_id: str
    name: str
    status: CallStatus
    text: str
    line: str = ""
    path: str | None = None
    changes: tuple[FileChange, ...] = ()
    finished: bool = False
    data: Mapping[str, object] = field(default_factory=dict)
