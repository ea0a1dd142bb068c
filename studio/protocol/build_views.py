"""Views of the app workflow: builds, tasks, findings, tool calls, versions, files, publishing. Plain values and ready words."""

from __future__ import annotations

from datetime import datetime

from studio.protocol.tagged import View
from studio.protocol.views import SpendView


class PhaseLine(View, frozen=True, kw_only=True):
    """A stage as the workflow API names it: `phase` is its name in capitals; `status` is done, current or later."""

    phase: str
    stage: str
    label: str
    role: str
    status: str
    gate: str
    progress: str
    model: str = ""


class TaskView(View, frozen=True, kw_only=True):
    """`needs` are keys. `live` says that a worker is at it; `activity` is what it did last. Money in US dollars, time in seconds."""

    id: str
    page: str
    key: str
    position: int
    title: str
    type: str
    description: str
    priority: int
    needs: tuple[str, ...]
    status: str
    attempts: int
    model: str
    summary: str
    error: str
    elapsed: float | None
    live: bool = False
    activity: str = ""
    calls: int = 0
    cost_usd: float | None = None
    edited_by: str = ""


class TasksView(View, frozen=True, kw_only=True):
    """`spend` is the project's, as the workers' calls have it come to by now. `differs` says how the tasks differ from the plan that
    they come from: `1 edited, 1 dropped, 1 added`."""

    page: str
    tasks: tuple[TaskView, ...]
    editable: bool
    types: dict[str, str]
    workers: int
    spend: SpendView | None = None
    differs: str = ""
    build_id: str = ""


class FindingView(View, frozen=True, kw_only=True):
    """`change` names the one that it is from as a person would: `1/2`; `title` is its title."""

    id: str
    page: str
    source: str
    rule: str
    path: str
    line: int
    message: str
    severity: str
    suggestion: str
    quote: str
    state: str
    stage: str
    task: str
    version: str | None
    by: str
    reason: str
    created_at: datetime
    change: str = ""
    title: str = ""
    build_id: str = ""


class FindingsView(View, frozen=True, kw_only=True):
    findings: tuple[FindingView, ...]
    open: int


class ToolCallView(View, frozen=True, kw_only=True):
    id: str
    page: str
    run: str
    task: str
    role: str
    iteration: int
    name: str
    arguments: str
    arguments_digest: str
    status: str
    path: str
    line: str
    result: str
    elapsed_ms: float
    created_at: datetime


class ToolLogView(View, frozen=True, kw_only=True):
    """Newest last. `total` counts all, also those past the limit."""

    calls: tuple[ToolCallView, ...]
    total: int


class HandoffView(View, frozen=True, kw_only=True):
    from_role: str
    to_role: str
    from_stage: str
    to_stage: str
    note: str
    created_at: datetime


class AuditLine(View, frozen=True, kw_only=True):
    """`kind` is transition, handoff, message, result, tool, finding or version; `who` a role or a person."""

    seq: int
    created_at: datetime
    kind: str
    who: str
    stage: str
    line: str
    detail: str = ""


class AuditView(View, frozen=True, kw_only=True):
    """Oldest first; `left_out` counts older lines that are not in it."""

    page: str
    lines: tuple[AuditLine, ...]
    left_out: int = 0


class VersionView(View, frozen=True, kw_only=True):
    """`files` counts the tree, the others what changed against the version before.

    `reason` says of a failed one that nothing went wrong: a person `stopped` its run, or it was `interrupted` with the engine.
    """

    id: str
    number: str
    status: str
    origin: str
    page: str
    title: str
    operation: str
    summary: str
    changelog: str
    error: str
    approved: bool
    started_at: datetime
    finished_at: datetime | None
    cost_usd: float | None
    files: int
    added: int
    modified: int
    deleted: int
    parent: str
    restored_from: str = ""
    newest: bool = False
    reason: str = ""
    build_id: str = ""


class VersionsView(View, frozen=True, kw_only=True):
    """Newest first. `changed` are files that the person changed since the newest version."""

    versions: tuple[VersionView, ...]
    changed: tuple[str, ...] = ()


class FileDiff(View, frozen=True, kw_only=True):
    """`before` and `after` are whole texts (None: no such file, or not text); `unified` is a unified diff of lines."""

    path: str
    change: str
    before: str | None
    after: str | None
    unified: str
    added: int
    removed: int
    renamed_from: str = ""


class VersionDiffView(View, frozen=True, kw_only=True):
    base: str
    version: str
    files: tuple[FileDiff, ...]


class FileLine(View, frozen=True, kw_only=True):
    """`mark` is A added, M modified, D deleted, R renamed, ! changed by the person since the newest version, or empty."""

    path: str
    size: int
    mark: str
    findings: int = 0


class FilesView(View, frozen=True, kw_only=True):
    """`version` is None as long as there is none."""

    version: str | None
    files: tuple[FileLine, ...]


class FileView(View, frozen=True, kw_only=True):
    """`text` is None for a file that is not text."""

    path: str
    text: str | None
    size: int
    digest: str
    language: str = ""


class KeptView(View, frozen=True, kw_only=True):
    """A worker's text that was kept because a person had changed the file, under the finding that says so.

    `lying` is the digest of the file as it lies in `app/`, empty where there is none; `diff` goes from that to the kept text (None:
    they are the same).
    """

    finding: str
    path: str
    state: str
    digest: str
    text: str | None
    size: int
    lying: str
    diff: FileDiff | None


class StepView(View, frozen=True, kw_only=True):
    id: str
    title: str
    detail: str
    done: bool = False


class PublishPlanView(View, frozen=True, kw_only=True):
    target: str
    publisher: str
    version: str
    steps: tuple[StepView, ...]
    summary: str
    diff: str
    digest: str
    warnings: tuple[str, ...] = ()


class PublicationView(View, frozen=True, kw_only=True):
    id: str
    version: str
    target: str
    publisher: str
    status: str
    url: str
    detail: str
    error: str
    actor: str
    created_at: datetime
    steps_done: int
    steps: int


class TargetView(View, frozen=True, kw_only=True):
    name: str
    publisher: str
    detail: str
    problem: str = ""


class FollowUpView(View, frozen=True, kw_only=True):
    id: str
    title: str
    why: str
    action: str


class PublicationsView(View, frozen=True, kw_only=True):
    targets: tuple[TargetView, ...]
    publications: tuple[PublicationView, ...]
    follow_ups: tuple[FollowUpView, ...]


class CheckView(View, frozen=True, kw_only=True):
    """The project's check command. `allowed` is the person's recorded yes to exactly this command."""

    command: str
    allowed: bool


class TurnView(View, frozen=True, kw_only=True):
    """Where a change stands in its workflow. `state` is the page's state, `phase` as the workflow API names it (`COMPLETE` at the
    end); the models of `phases` are told by `BuildView` alone."""

    page: str
    state: str
    phase: str
    phases: tuple[PhaseLine, ...]
    complete: bool


class BuildView(TurnView, frozen=True, kw_only=True):
    """A change as a build, with where it stands.

    `version` is the number of the version that its texts speak of: the one that is approved with them. `seq` is the journal
    sequence that the view was made at: events after it are not in it.
    """

    title: str
    operation: str
    detected: str
    progress: int
    progress_stage: str
    message: str
    role: str
    next_action: str
    returns: int
    returns_limit: int
    handoffs: tuple[HandoffView, ...]
    tasks_total: int
    tasks_done: int
    tasks_failed: int
    findings_open: int
    versions: tuple[VersionView, ...]
    check: CheckView
    version: str | None = None
    project_id: str = ""
    build_id: str = ""
    user_id: str = ""
    model: str = ""
    requirements: str = ""
    seq: int = 0


class PromptMessageView(View, frozen=True, kw_only=True):
    role: str
    content: str


class BuildPromptView(View, frozen=True, kw_only=True):
    """`system_prompt` is the first message's text."""

    page: str
    phase: str
    role: str
    model: str
    messages: tuple[PromptMessageView, ...]
    max_tokens: int
    temperature: float | None
    tools: tuple[str, ...]
    system_prompt: str


class ToolPattern(View, frozen=True, kw_only=True):
    name: str
    calls: int
    errors: int
    refused: int
    mean_ms: float


class MetricsView(View, frozen=True, kw_only=True):
    """Rates from 0 to 1, times in seconds, money in US dollars (`cost_unknown` calls have no price); None where nothing was counted.

    The counts are of everything that is not archived. `success_rate` and the means of a change are of complete ones alone: the rate is
    the part that completed of the `versions_rated` that their runs made, without those that were stopped or interrupted.
    """

    changes: int
    completed: int
    versions: int
    versions_completed: int
    versions_failed: int
    versions_stopped: int
    versions_interrupted: int
    versions_rated: int
    success_rate: float | None
    tasks: int
    tasks_done: int
    tasks_failed: int
    tasks_retried: int
    mean_seconds: float | None
    mean_files: float | None
    mean_versions: float | None
    mean_iterations: float | None
    cost_usd: float
    cost_unknown: int
    tools: tuple[ToolPattern, ...]
    patterns: tuple[tuple[str, int], ...]
    findings: dict[str, int]
