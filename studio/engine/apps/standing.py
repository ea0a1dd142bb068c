"""Which version of the application a change stands at: the one that the text of its implementation names, once that is approved."""

from __future__ import annotations

import json
from collections.abc import Iterable

from studio.domain.build import AppVersion, VersionStatus
from studio.domain.errors import NotFound
from studio.domain.page import Origin, Page, Revision
from studio.domain.workflow import OutputKind, Workflow
from studio.engine.texts import add_revision
from studio.store import pages, revisions, versions
from studio.store.transaction import Tx

_LOOKED_BACK = 50
_SHOWN = 40


def version_of(tx: Tx, workflow: Workflow, page_id: str) -> AppVersion | None:
    """The version that roles and people speak of: the one whose text is approved, before that the newest completed one."""
    heads = pages.heads(tx, page_id)
    last_first = [
        heads[one.name] for one in reversed(workflow.stages) if one.output is OutputKind.CODE and one.name in heads
    ]
    if (found := _first_named(tx, [one.approved_id for one in last_first])) is not None:
        return found
    newest = next((one for one in versions.listing(tx, page_id) if one.status is VersionStatus.COMPLETED), None)
    told = _first_named(tx, [one.revision_id for one in last_first]) if newest else None
    return told if told and newest and alike(tx, told, newest) else newest


def _first_named(tx: Tx, revision_ids: Iterable[str | None]) -> AppVersion | None:
    named_by = (named(tx, revisions.get(tx, one)) for one in revision_ids if one)
    return next((found for found in named_by if found is not None), None)


def named(tx: Tx, revision: Revision) -> AppVersion | None:
    """The completed version that a text of a stage that writes files speaks of; an edit of the text says what its parent says."""
    version_id = _named_id(tx, revision)
    try:
        version = versions.get(tx, version_id) if version_id else None
    except NotFound:
        return None
    return version if version and version.status is VersionStatus.COMPLETED else None


def _named_id(tx: Tx, revision: Revision) -> str:
    found: Revision | None = revision
    for _ in range(_LOOKED_BACK):
        if found is None:
            return ""
        if version_id := _version_in(found.data):
            return version_id
        found = revisions.get(tx, found.parent_id) if found.parent_id else None
    return ""


def agreed(tx: Tx, page: Page, revision: Revision) -> Revision:
    """The text to approve: `revision` where it speaks of the files as they lie, else a new one that says which version they are.

    The caller has made a version of what the person changed. A version of another change's run is not this one's.
    """
    newest = versions.newest(tx)
    if newest is None or newest.status is not VersionStatus.COMPLETED or newest.id == _named_id(tx, revision):
        return revision
    told = named(tx, revision)
    if told and alike(tx, told, newest):
        return revision
    if newest.origin == "run" and newest.page_id != page.id:
        return revision
    return add_revision(
        tx, page.id, revision.stage, _text(tx, page.id, told, newest, revision.text), origin=Origin.PERSON, parent=revision,
        data=json.dumps({"version": newest.id, "number": newest.number}), outcome=revision.outcome,
        run_id=revision.run_id, note=f"names version {newest.number}, which is what lies in app/",
    )  # fmt: skip


def _begun_with(tx: Tx, page_id: str) -> AppVersion | None:
    """The version that lay there when the change's first one began."""
    mine = versions.listing(tx, page_id)
    return versions.get(tx, mine[-1].parent_id) if mine and mine[-1].parent_id else None


def _version_in(data: str | None) -> str:
    try:
        found = json.loads(data or "{}")
    except ValueError:
        return ""
    version = found.get("version") if isinstance(found, dict) else None
    return version if isinstance(version, str) else ""


def alike(tx: Tx, one: AppVersion, other: AppVersion) -> bool:
    """Whether two versions hold the same files."""
    return one.id == other.id or _tree(tx, one) == _tree(tx, other)


def _tree(tx: Tx, version: AppVersion | None) -> dict[str, tuple[str, int]]:
    return {file.path: (file.digest, file.mode) for file in versions.files(tx, version.id)} if version else {}


def _text(tx: Tx, page_id: str, told: AppVersion | None, newest: AppVersion, text: str) -> str:
    told = told or _begun_with(tx, page_id)
    before, now = _tree(tx, told), _tree(tx, newest)
    changed = sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))
    verbs = (("removed" if path not in now else "changed" if path in before else "added", path) for path in changed)
    listed = [f"- {verb} {path}" for verb, path in verbs][:_SHOWN]
    more = [f"- and {len(changed) - _SHOWN} more"] if len(changed) > _SHOWN else []
    since = f" since version {told.number}" if told else ""
    return "\n".join(
        [f"Version {newest.number}. {newest.summary}", "", f"## Changed{since}", "", *listed, *more, "", text]
    )
