"""The kept text of a conflict as a view, beside what lies in `app/`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from studio.domain.finding import Finding
from studio.engine.apps import kept
from studio.engine.open_project import OpenProject
from studio.engine.views import trees
from studio.protocol import build_queries as q
from studio.protocol import build_views as v
from studio.workspace.app_files import FileState
from studio.workspace.snapshots import digest_of

if TYPE_CHECKING:
    from studio.engine.apps.room import AppRoom


async def get_kept(project: OpenProject, query: q.GetKept, actor: str) -> v.KeptView:
    finding = await project.store.read(lambda tx: kept.find(tx, query.path, query.kept))
    return await asyncio.to_thread(_view, project.app, finding)


def _view(app: AppRoom, finding: Finding) -> v.KeptView:
    path, digest = finding.problem.path, finding.problem.quote
    data, lying = app.objects.get(digest), app.files.current(path)
    ours = {path: FileState(digest, len(data), 0o644)}
    theirs = {} if lying is None else {path: FileState(digest_of(lying), len(lying), 0o644)}
    sides = trees.Side(theirs, lambda *_: lying), trees.Side(ours, lambda *_: data)
    return v.KeptView(
        finding=finding.id,
        path=path,
        state=finding.state.value,
        digest=digest,
        text=trees.text_of(data),
        size=len(data),
        lying="" if lying is None else digest_of(lying),
        diff=next(trees.diffs(*sides), None),
    )
