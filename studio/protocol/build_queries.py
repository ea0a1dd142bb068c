"""Queries of the app workflow. `page` is a reference as everywhere; `version` an id, a number (`1.2.0`) or `newest`."""

from __future__ import annotations

from studio.protocol import build_views as views
from studio.protocol.tagged import Query


class GetBuild(Query[views.BuildView], frozen=True, kw_only=True, tag="build"):
    """`page` may also be the sender's own build id."""

    page: str


class GetTurn(Query[views.TurnView], frozen=True, kw_only=True, tag="build.turn"):
    """The state and the phases of a change alone, a tenth of `GetBuild`'s work. `page` may also be the sender's own build id."""

    page: str


class GetBuildPrompt(Query[views.BuildPromptView], frozen=True, kw_only=True, tag="build.prompt"):
    """What the role whose turn it is would be asked: system with the state, then that role's history."""

    page: str


class GetTasks(Query[views.TasksView], frozen=True, kw_only=True, tag="tasks"):
    page: str


class GetFindings(Query[views.FindingsView], frozen=True, kw_only=True, tag="findings"):
    page: str | None = None
    open_only: bool = False


class GetToolLog(Query[views.ToolLogView], frozen=True, kw_only=True, tag="tools.log"):
    page: str | None = None
    run: str | None = None
    limit: int = 500


class GetAudit(Query[views.AuditView], frozen=True, kw_only=True, tag="audit"):
    """Every transition, message, handoff and phase result of a change, oldest first."""

    page: str


class GetVersions(Query[views.VersionsView], frozen=True, kw_only=True, tag="versions"):
    page: str | None = None


class GetVersionDiff(Query[views.VersionDiffView], frozen=True, kw_only=True, tag="version.diff"):
    """From `base` (None: the version before; `change`: what there was before the version's change) to `version`; `files` are the
    files as they lie in `app/`. `path` narrows it to one file."""

    version: str = "newest"
    base: str | None = None
    path: str | None = None


class GetFiles(Query[views.FilesView], frozen=True, kw_only=True, tag="files"):
    """The tree of `app/`, or of a version, with status marks against `base` (None: what there was before the change of the newest
    version, or the version before the one that is named)."""

    version: str | None = None
    base: str | None = None


class GetFile(Query[views.FileView], frozen=True, kw_only=True, tag="file"):
    path: str
    version: str | None = None


class GetKept(Query[views.KeptView], frozen=True, kw_only=True, tag="file.kept"):
    """The worker's text that a conflict about `path` kept; `kept` is how its digest begins (empty: of the newest open conflict)."""

    path: str
    kept: str = ""


class GetPublishPlan(Query[views.PublishPlanView], frozen=True, kw_only=True, tag="publish.plan"):
    """What publishing would do, with its diff; nothing is written anywhere."""

    target: str
    version: str | None = None


class GetPublications(Query[views.PublicationsView], frozen=True, kw_only=True, tag="publications"):
    """Targets of the project, what was published, and follow-ups that are offered."""


class GetMetrics(Query[views.MetricsView], frozen=True, kw_only=True, tag="metrics"):
    pass


BuildQuery = (
    GetBuild
    | GetTurn
    | GetBuildPrompt
    | GetTasks
    | GetFindings
    | GetToolLog
    | GetAudit
    | GetVersions
    | GetVersionDiff
    | GetFiles
    | GetFile
    | GetKept
    | GetPublishPlan
    | GetPublications
    | GetMetrics
)
