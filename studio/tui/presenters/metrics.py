"""How the changes of an application went, as figures in words: for the command line and for the workbench. No Textual."""

from __future__ import annotations

from collections.abc import Iterator

from studio.domain.text import counted
from studio.protocol.build_views import MetricsView
from studio.tui.presenters.ages import lasted


def figures(found: MetricsView) -> list[tuple[str, str]]:
    """What is counted and its figure, `-` where nothing was counted."""
    rated = counted(found.versions_rated, "version")
    rate = "-" if found.success_rate is None else f"{found.success_rate:.0%} of {rated} of complete changes"
    left = found.changes - found.completed
    kept = ", ".join(f"{count} {state}" for state, count in sorted(found.findings.items())) or "none"
    unknown = f", {counted(found.cost_unknown, 'call')} of unknown price" if found.cost_unknown else ""
    tasks = f"{found.tasks}: {found.tasks_done} done, {found.tasks_failed} failed, {found.tasks_retried} tried again"
    cut_short = ((found.versions_stopped, "stopped"), (found.versions_interrupted, "interrupted"))
    others = "".join(f", {count} {word}" for count, word in cut_short if count)
    return [
        ("changes", f"{found.completed} of {found.changes} complete" + (f", {left} open" if left else "")),
        (
            "versions by workers",
            f"{found.versions}: {found.versions_completed} completed, {found.versions_failed} failed{others}",
        ),
        ("success", rate),
        ("work per complete change", lasted(found.mean_seconds)),
        ("files per complete change", _mean(found.mean_files)),
        ("versions per complete change", _mean(found.mean_versions)),
        ("tasks", tasks),
        ("model answers per task", _mean(found.mean_iterations)),
        ("findings", kept),
        ("cost", f"${found.cost_usd:.4f}{unknown}"),
    ]


def report(found: MetricsView) -> str:
    """The same as a text to read, with the tools and what follows what."""
    return "\n".join(_report(found))


def _report(found: MetricsView) -> Iterator[str]:
    yield from (f"- {name}: {figure}" for name, figure in figures(found))
    if found.tools:
        yield from ("", "## Tools", "")
    for one in found.tools:
        made = f"{counted(one.calls, 'call')}, {counted(one.errors, 'error')}, {one.refused} refused"
        yield f"- {one.name}: {made}, {one.mean_ms:.0f} ms each"
    if found.patterns:
        yield from ("", "## What follows what", "")
        yield from (f"- {words}: {counted(times, 'time')}" for words, times in found.patterns)


def _mean(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
