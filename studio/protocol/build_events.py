"""Events of the app workflow. All are durable: each has a journal sequence, so that a watcher resumes without a gap."""

from __future__ import annotations

from studio.protocol.tagged import Event


class BuildProgress(Event, frozen=True, kw_only=True, tag="build.progress"):
    """`stage` is the named stage (analyzing, planning, coding, reviewing, deploying); `percent` counts from 0 to 100 within the
    change as a whole; `status` is running, waiting, completed, failed or stopped."""

    page: str
    stage: str
    percent: int
    message: str
    status: str = "running"
    run: str | None = None
    task: str | None = None


class TaskChanged(Event, frozen=True, kw_only=True, tag="task.changed"):
    """`what` is planned, edited, dropped, moved, started, retried, done, failed, skipped or interrupted."""

    page: str
    task: str
    what: str
    status: str = ""
    actor: str = ""


class ToolUsed(Event, frozen=True, kw_only=True, tag="tool.used"):
    page: str
    run: str
    call: str
    name: str
    status: str
    line: str
    path: str | None = None
    task: str | None = None


class VersionChanged(Event, frozen=True, kw_only=True, tag="version.changed"):
    version: str
    number: str
    status: str
    what: str
    page: str | None = None
    actor: str = ""


class FindingChanged(Event, frozen=True, kw_only=True, tag="finding.changed"):
    """`finding` is empty when many changed at once. `state` is its new one, or words: what a person decided about was found again."""

    page: str
    finding: str
    state: str
    actor: str = ""


class HandedOff(Event, frozen=True, kw_only=True, tag="build.handoff"):
    page: str
    from_role: str
    to_role: str
    from_stage: str
    to_stage: str


class PublicationChanged(Event, frozen=True, kw_only=True, tag="publish.changed"):
    """`status` is running, done or failed; `step` is the step that ended last."""

    publication: str
    target: str
    status: str
    step: str = ""
    message: str = ""
    url: str = ""


BuildEvent = BuildProgress | TaskChanged | ToolUsed | VersionChanged | FindingChanged | HandedOff | PublicationChanged
