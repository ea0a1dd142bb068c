"""Versions as views: the list, what changed between two, the tree with its marks, one file."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from studio.domain.build import AppVersion, VersionStatus
from studio.domain.errors import NotFound, StudioError
from studio.domain.text import one_line
from studio.domain.tooling import ChangeKind
from studio.engine.open_project import OpenProject
from studio.engine.views import trees
from studio.protocol import build_queries as q
from studio.protocol import build_views as v
from studio.store import builds, findings, pages, versions
from studio.store.naming import nearby
from studio.store.transaction import Tx

if TYPE_CHECKING:
    from studio.workspace.app_files import AppFiles
    from studio.workspace.snapshots import Objects

AS_THEY_LIE = "files"
"""Names the files of `app/` themselves where a version is asked for."""

BEFORE_CHANGE = "change"
"""Names what there was before the change that a version belongs to, where something to compare with is asked for."""

_OF_A_CHANGE = ("run", "person")
_MARKS = {ChangeKind.ADDED: "A", ChangeKind.MODIFIED: "M", ChangeKind.DELETED: "D", ChangeKind.RENAMED: "R"}
_BY_HAND = "!"


@dataclass(frozen=True, slots=True)
class Lists:
    """What the rows of versions are shown with: titles of pages, numbers of versions, counts of files, why they failed."""

    titles: Mapping[str, str]
    numbers: Mapping[str, str]
    counts: Mapping[str, Mapping[str, int]]
    reasons: Mapping[str, str]
    builds: Mapping[str, str]
    newest: str


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A tree that was asked for: of a version, of the files as they lie (`lying`; a version at work is these too), or of nothing."""

    version: AppVersion | None
    tree: trees.Tree
    lying: bool = False


async def get_versions(project: OpenProject, query: q.GetVersions, actor: str) -> v.VersionsView:
    def read(tx: Tx) -> tuple[tuple[v.VersionView, ...], bool]:
        page = pages.resolve(tx, query.page, final_state=project.workflow.final_state).id if query.page else None
        return version_views(tx, page), bool(versions.open(tx))

    found, working = await project.store.read(read)
    # While a run writes, what differs from the newest version is the run's.
    changed = () if working else await project.app.changed_by_person()
    return v.VersionsView(versions=found, changed=changed)


def version_views(tx: Tx, page_id: str | None = None) -> tuple[v.VersionView, ...]:
    """Newest first."""
    every = versions.listing(tx)
    shown = [one for one in every if page_id in (None, one.page_id)]
    if not shown:
        return ()
    newest = next((one.id for one in every if one.finished_at is not None), "")
    lists = Lists(
        titles=_titles(tx, {one.page_id for one in shown if one.page_id}),
        numbers={version.id: version.number for version in every},
        counts=versions.counts(tx, page_id),
        reasons=versions.cut_short(tx) if any(one.status is VersionStatus.FAILED for one in shown) else {},
        builds=builds.outside_ids(tx),
        newest=newest,
    )
    return tuple(version_view(one, lists) for one in shown)


def _titles(tx: Tx, page_ids: set[str]) -> dict[str, str]:
    """Of one page it alone is read: a project may have ten thousand."""
    if len(page_ids) == 1:
        (page_id,) = page_ids
        return {page_id: pages.get(tx, page_id).title}
    return {page.id: page.title for page in pages.listing(tx, archived=True)} if page_ids else {}


def version_view(version: AppVersion, lists: Lists) -> v.VersionView:
    """`parent` and `restored_from` are numbers."""
    counts = lists.counts.get(version.id, {})
    return v.VersionView(
        id=version.id,
        number=version.number,
        status=version.status.value,
        reason=lists.reasons.get(version.id, ""),
        origin=version.origin,
        page=version.page_id or "",
        build_id=lists.builds.get(version.page_id or "", ""),
        title=lists.titles.get(version.page_id or "", ""),
        operation=version.operation.value,
        summary=version.summary,
        changelog=version.changelog,
        error=version.error,
        approved=version.approved,
        started_at=version.started_at,
        finished_at=version.finished_at,
        cost_usd=version.cost_usd,
        files=counts.get("files", 0),
        added=counts.get(ChangeKind.ADDED, 0),
        modified=counts.get(ChangeKind.MODIFIED, 0) + counts.get(ChangeKind.RENAMED, 0),
        deleted=counts.get(ChangeKind.DELETED, 0),
        parent=lists.numbers.get(version.parent_id or "", ""),
        restored_from=lists.numbers.get(version.restored_from or "", ""),
        newest=version.id == lists.newest,
    )


async def get_version_diff(project: OpenProject, query: q.GetVersionDiff, actor: str) -> v.VersionDiffView:
    lying = await project.app.scan()

    def read(tx: Tx) -> tuple[_Wanted, _Wanted]:
        wanted = _wanted(tx, query.version, lying)
        return _base(tx, query.base, wanted, lying), wanted

    base, wanted = await project.store.read(read)
    if query.path is not None and query.path not in base.tree and query.path not in wanted.tree:
        raise _no_file(query.path, [*base.tree, *wanted.tree])
    sides = [_side(one, project.app.files, project.app.objects) for one in (base, wanted)]
    found = await asyncio.to_thread(lambda: tuple(trees.diffs(sides[0], sides[1], query.path)))
    return v.VersionDiffView(base=_name(base), version=_name(wanted), files=found)


async def get_files(project: OpenProject, query: q.GetFiles, actor: str) -> v.FilesView:
    lying = await project.app.scan()

    def read(tx: Tx) -> v.FilesView:
        if query.version is not None:
            wanted = _wanted(tx, query.version, lying)
            return files_view(wanted, _base(tx, query.base, wanted, lying).tree, findings.open_paths(tx))
        now = _Wanted(None, lying, lying=True)
        newest, at_work = versions.latest(tx)
        if at_work or newest is None:  # what a run has changed so far, else everything is new
            base = _base(tx, query.base or BEFORE_CHANGE, now, lying).tree
            return files_view(now, base, findings.open_paths(tx))
        recorded = _Wanted(newest, _tree(tx, newest.id))
        base = _base(tx, query.base or BEFORE_CHANGE, recorded, lying).tree
        return files_view(now, base, findings.open_paths(tx), recorded=recorded.tree)

    return await project.store.read(read)


def files_view(
    wanted: _Wanted, base: trees.Tree, problems: Mapping[str, int], *, recorded: trees.Tree | None = None
) -> v.FilesView:
    """The tree by path, with what is gone from it. What differs from `recorded` was changed by the person."""
    # The old name of a renamed file is no line of its own.
    marks = {one.path: _MARKS[one.kind] for one in trees.compare(base, wanted.tree)}
    if recorded is not None:
        by_hand = trees.compare(recorded, wanted.tree)
        marks.update((path, _BY_HAND) for one in by_hand for path in (one.path, one.renamed_from) if path)
    gone = {path: 0 for path, mark in marks.items() if path not in wanted.tree and mark in ("D", _BY_HAND)}
    sizes = gone | {path: leaf.size for path, leaf in wanted.tree.items()}
    lines = tuple(
        v.FileLine(path=path, size=size, mark=marks.get(path, ""), findings=problems.get(path, 0))
        for path, size in sorted(sizes.items())
    )
    return v.FilesView(version=None if wanted.version is None else wanted.version.number, files=lines)


async def get_file(project: OpenProject, query: q.GetFile, actor: str) -> v.FileView:
    lying = await project.app.scan()
    wanted = await project.store.read(lambda tx: _wanted(tx, query.version or AS_THEY_LIE, lying))
    leaf = wanted.tree.get(query.path)
    if leaf is None:
        raise _no_file(query.path, list(wanted.tree))
    side = _side(wanted, project.app.files, project.app.objects)
    data = await asyncio.to_thread(side.read, query.path, leaf.digest)
    return v.FileView(
        path=query.path,
        text=trees.text_of(data),
        size=leaf.size,
        digest=leaf.digest,
        language=trees.language(query.path),
    )


# The trees that a question names


def _wanted(tx: Tx, ref: str, lying: trees.Tree) -> _Wanted:
    if ref == AS_THEY_LIE:
        return _Wanted(None, lying, lying=True)
    version = versions.resolve(tx, ref)
    if version.status is VersionStatus.IN_PROGRESS:
        return _Wanted(version, lying, lying=True)
    return _Wanted(version, _tree(tx, version.id))


def _base(tx: Tx, ref: str | None, wanted: _Wanted, lying: trees.Tree) -> _Wanted:
    """What a tree is compared with: the version named, else the one before it (before the files as they lie: the newest)."""
    if ref == BEFORE_CHANGE:
        wanted = replace(wanted, version=_first_of_change(tx, wanted.version))
    elif ref is not None:
        return _wanted(tx, ref, lying)
    if wanted.version is None:
        before = versions.newest(tx)
    else:
        before = versions.get(tx, wanted.version.parent_id) if wanted.version.parent_id else None
    return _Wanted(before, _tree(tx, before.id if before else None))


def _first_of_change(tx: Tx, version: AppVersion | None) -> AppVersion | None:
    """The first of the versions that runs and people made of one change, one right after the other."""
    if version is None:
        newest, at_work = versions.latest(tx)
        version = at_work[0] if at_work else newest
    first = version
    while first is not None and first.page_id and first.parent_id and first.origin in _OF_A_CHANGE:
        before = versions.get(tx, first.parent_id)
        if before.page_id != first.page_id or before.origin not in _OF_A_CHANGE:
            break
        first = before
    return first


def _tree(tx: Tx, version_id: str | None) -> trees.Tree:
    return {file.path: file for file in versions.files(tx, version_id)} if version_id else {}


def _side(wanted: _Wanted, files: AppFiles, objects: Objects) -> trees.Side:
    def from_folder(path: str, digest: str) -> bytes | None:
        try:
            return files.read(path)
        except StudioError:
            return None

    def from_kept(path: str, digest: str) -> bytes | None:
        try:
            return objects.get(digest)
        except StudioError:
            return None

    return trees.Side(wanted.tree, from_folder if wanted.lying else from_kept)


def _name(wanted: _Wanted) -> str:
    if wanted.version is not None:
        return wanted.version.number
    return AS_THEY_LIE if wanted.lying else ""


def _no_file(path: str, known: Sequence[str]) -> NotFound:
    return NotFound(
        f"There is no file {one_line(path, 120)!r} there.",
        hint=nearby(path, known, "`studio files` lists them." if known else "There are no files yet."),
    )
