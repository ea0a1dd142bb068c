"""Findings as views, with the change, the task and the version that each belongs to by the names that people use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from studio.domain.finding import Finding, FindingState
from studio.domain.text import clean, one_line
from studio.engine.open_project import OpenProject
from studio.protocol import build_queries as q
from studio.protocol import build_views as v
from studio.store import build_tasks, builds, findings, page_refs, pages, versions
from studio.store.transaction import Tx


@dataclass(frozen=True, slots=True)
class Known:
    """Names by id: `1/2`, titles and outside ids of changes, keys of tasks, numbers of versions."""

    changes: Mapping[str, str]
    titles: Mapping[str, str]
    builds: Mapping[str, str]
    keys: Mapping[str, str]
    numbers: Mapping[str, str]


async def get_findings(project: OpenProject, query: q.GetFindings, actor: str) -> v.FindingsView:
    def read(tx: Tx) -> v.FindingsView:
        page = pages.resolve(tx, query.page, final_state=project.workflow.final_state).id if query.page else None
        found = findings.listing(tx, page, open_only=query.open_only)
        known = Known(
            changes=page_refs.names(tx),
            titles={one.id: one.title for one in pages.some(tx, list({one.page_id for one in found})).values()},
            builds=builds.outside_ids(tx),
            keys=build_tasks.keys(tx, page),
            numbers={version.id: version.number for version in versions.listing(tx)},
        )
        return v.FindingsView(
            findings=tuple(finding_view(one, known) for one in found),
            open=sum(1 for one in found if one.state is FindingState.OPEN),
        )

    return await project.store.read(read)


def finding_view(finding: Finding, known: Known) -> v.FindingView:
    problem = finding.problem
    return v.FindingView(
        id=finding.id,
        page=finding.page_id,
        change=known.changes.get(finding.page_id, ""),
        title=known.titles.get(finding.page_id, ""),
        build_id=known.builds.get(finding.page_id, ""),
        source=finding.source.value,
        rule=problem.rule,
        path=one_line(problem.path, 400),
        line=problem.line,
        message=clean(problem.message),
        severity=problem.severity.value,
        suggestion=clean(problem.suggestion),
        quote=clean(problem.quote),
        state=finding.state.value,
        stage=finding.stage or "",
        task=known.keys.get(finding.task_id or "", ""),
        version=known.numbers.get(finding.version_id or ""),
        by=finding.by,
        reason=finding.reason,
        created_at=finding.created_at,
    )
