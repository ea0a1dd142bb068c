"""Who carries out each command and answers each question of the app workflow; publishers are imported at their first use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from studio.engine.handlers import app_versions, board, builds, phases, publishing
from studio.engine.views import audit, build_prompt, findings, kept, metrics, tool_log, versions
from studio.engine.views import board as board_views
from studio.engine.views import builds as build_views
from studio.protocol import build_commands as b
from studio.protocol import build_queries as q
from studio.protocol.commands import Done
from studio.protocol.tagged import Command, Query

# `Any` as in `engine.engine`: a handler takes its own command, which the dispatch test holds against its annotation.
HANDLERS: Mapping[type[Command], Callable[[Any, Any, Any], Awaitable[Done]]] = {
    b.StartBuild: builds.start_build,
    b.CompletePhase: phases.complete_phase,
    b.SendBack: builds.send_back,
    b.AllowCheck: builds.allow_check,
    b.RunCheck: builds.run_check,
    b.EditTask: board.edit_task,
    b.AddTask: board.add_task,
    b.DropTask: board.drop_task,
    b.MoveTask: board.move_task,
    b.SettleFinding: board.settle_finding,
    b.RestoreVersion: app_versions.restore_version,
    b.UndoVersion: app_versions.undo_version,
    b.SaveVersion: app_versions.save_version,
    b.ApproveVersion: app_versions.approve_version,
    b.TakeKept: app_versions.take_kept,
    b.ImportApp: app_versions.import_app,
    b.Publish: publishing.publish,
}

ANSWERS: Mapping[type[Query[Any]], Callable[[Any, Any, str], Awaitable[Any]]] = {
    q.GetBuild: build_views.get_build,
    q.GetTurn: build_views.get_turn,
    q.GetBuildPrompt: build_prompt.get_build_prompt,
    q.GetTasks: board_views.get_tasks,
    q.GetFindings: findings.get_findings,
    q.GetToolLog: tool_log.get_tool_log,
    q.GetAudit: audit.get_audit,
    q.GetVersions: versions.get_versions,
    q.GetVersionDiff: versions.get_version_diff,
    q.GetFiles: versions.get_files,
    q.GetFile: versions.get_file,
    q.GetKept: kept.get_kept,
    q.GetPublishPlan: publishing.get_publish_plan,
    q.GetPublications: publishing.get_publications,
    q.GetMetrics: metrics.get_metrics,
}
