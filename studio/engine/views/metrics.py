"""Figures about the project's changes: success, time, files and versions per change, how tools are used."""

from __future__ import annotations

from studio.engine.open_project import OpenProject
from studio.protocol import build_queries as q
from studio.protocol import build_views as v
from studio.store import metrics


async def get_metrics(project: OpenProject, query: q.GetMetrics, actor: str) -> v.MetricsView:
    final = project.workflow.final_state
    return metrics_view(await project.store.read(lambda tx: metrics.figures(tx, final)))


def metrics_view(found: metrics.Figures) -> v.MetricsView:
    return v.MetricsView(
        changes=found.changes,
        completed=found.completed,
        versions=found.versions,
        versions_completed=found.versions_completed,
        versions_failed=found.versions_failed,
        versions_stopped=found.versions_stopped,
        versions_interrupted=found.versions_interrupted,
        versions_rated=found.rated,
        success_rate=found.rated_completed / found.rated if found.rated else None,
        tasks=found.tasks,
        tasks_done=found.tasks_done,
        tasks_failed=found.tasks_failed,
        tasks_retried=found.tasks_retried,
        mean_seconds=found.seconds,
        mean_files=found.files,
        mean_versions=found.versions_each,
        mean_iterations=found.iterations,
        cost_usd=found.cost_usd,
        cost_unknown=found.cost_unknown,
        tools=tuple(
            v.ToolPattern(name=one.name, calls=one.calls, errors=one.errors, refused=one.refused, mean_ms=one.mean_ms)
            for one in found.tools
        ),
        patterns=tuple((f"{first} > {second}", times) for first, second, times in found.pairs),
        findings=found.findings,
    )
