"""Rows of the app workflow for tests, each with only what the test cares about."""

from __future__ import annotations

from dataclasses import replace

from studio.domain.build import (
    AppVersion,
    Build,
    Handoff,
    Operation,
    PlannedTask,
    Publication,
    PublicationStatus,
    ToolUse,
    VersionFile,
    VersionStatus,
)
from studio.domain.finding import Finding, FindingSource, FindingState, Problem
from studio.domain.ids import new_id
from studio.domain.text import digest
from studio.domain.tooling import CallStatus
from tests.store.book import AT, later


def build(page_id: str, **changes: object) -> Build:
    return replace(Build(page_id, Operation.CREATE, 0, AT, AT), **changes)  # type: ignore[arg-type]


def handoff(page_id: str, second: int = 0, **changes: object) -> Handoff:
    made = Handoff(
        new_id(), page_id, "q_assistant", "code_writer", "planning", "implementation", "Do it so.", later(second)
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def planned(key: str, *needs: str, **changes: object) -> PlannedTask:
    made = PlannedTask(key, key.title(), "logic", f"Make {key}.", needs=needs)
    return replace(made, **changes)  # type: ignore[arg-type]


def use(page_id: str, second: float = 0, **changes: object) -> ToolUse:
    made = ToolUse(
        new_id(), page_id, "r1", "code_writer", 1, "create_file", digest("{}"), CallStatus.OK, "created index.html",
        "Created.", 3.5, later(second),
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def version(number: str = "1.0.0", **changes: object) -> AppVersion:
    made = AppVersion(new_id(), None, number, VersionStatus.IN_PROGRESS, "run", AT)
    return replace(made, **changes)  # type: ignore[arg-type]


def file(path: str, text: str = "x\n", **changes: object) -> VersionFile:
    return replace(VersionFile(path, digest(text), len(text.encode())), **changes)  # type: ignore[arg-type]


def finding(page_id: str, path: str = "index.html", second: float = 0, **changes: object) -> Finding:
    problem = Problem("html.unbalanced", path, 3, "A div is not closed.", suggestion="Close it.", quote="<div>")
    made = Finding(new_id(), page_id, FindingSource.VALIDATOR, problem, FindingState.OPEN, later(second))
    return replace(made, **changes)  # type: ignore[arg-type]


def publication(version_id: str, second: float = 0, **changes: object) -> Publication:
    made = Publication(
        new_id(), version_id, "site", "folder", "{}", "d1", PublicationStatus.RUNNING, "ana", later(second), AT
    )
    return replace(made, **changes)  # type: ignore[arg-type]
