"""The doctor: compares mirror, store and journal, and looks at what drafting needs. It reads, and mends nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from studio.domain.errors import StudioError
from studio.domain.text import counted, digest
from studio.engine.open_project import OpenProject
from studio.protocol.views import Check
from studio.store import journal, pages, revisions, state
from studio.store.transaction import Tx

_NAMED = 5


async def examine(project: OpenProject, *, online: bool) -> tuple[Check, ...]:
    """All checks, in the order in which a person would mend them."""
    found = [
        *await project.store.read(lambda tx: _store_checks(project, tx)),
        *await _mirror_checks(project),
        await _canon_check(project),
        await _template_check(project),
        _model_check(project),
    ]
    if online:
        found += await _service_checks(project)
    return tuple(found)


def _store_checks(project: OpenProject, tx: Tx) -> list[Check]:
    everything = pages.listing(tx, archived=True)
    return [_texts(tx, [page.id for page in everything]), _states(project, tx), _journal(tx)]


def _texts(tx: Tx, page_ids: list[str]) -> Check:
    """Every revision's text against the digest that was kept when it was written."""
    bad: list[str] = []
    count = 0
    for page_id in page_ids:
        for revision in revisions.listing(tx, page_id):
            count += 1
            if digest(revision.text) != revision.digest:
                bad.append(f"{revision.stage} r{revision.number} of {page_id}")
    if bad:
        return Check(
            name="texts", ok=False, message=f"{len(bad)} of {count} revisions differ from their digest: {_some(bad)}.",
            hint="Compare with manuscript/ and with .studio/studio.duckdb.before-*.",
        )  # fmt: skip
    return Check(name="texts", ok=True, message=f"{count} revisions, each as it was written.")


def _states(project: OpenProject, tx: Tx) -> Check:
    """The page's mirrored state against the orchestrator's row, and against what its revisions allow."""
    wrong: list[str] = []
    everything = pages.listing(tx, archived=True)
    for page in everything:
        try:
            row = state.get(tx, page.id)
            project.state_of(page)
        except StudioError as error:
            wrong.append(f"{page.slug}: {error.message}")
            continue
        if row.state != page.state:
            wrong.append(f"{page.slug}: the page says {page.state}, its state row {row.state}")
    if wrong:
        return Check(
            name="states", ok=False, message=f"{counted(len(wrong), 'page')}: {_some(wrong)}.", hint="Report this."
        )
    return Check(
        name="states", ok=True, message=f"{counted(len(everything), 'page')}, each in a state of its workflow."
    )


def _journal(tx: Tx) -> Check:
    head, count = journal.head(tx), journal.count(tx)
    if head != count:
        return Check(
            name="journal", ok=False, message=f"The journal ends at {head} but holds {count} entries.",
            hint="Entries were lost outside the program; the texts above are what counts.",
        )  # fmt: skip
    return Check(name="journal", ok=True, message=f"{counted(count, 'entry', 'entries')} without a gap.")


async def _mirror_checks(project: OpenProject) -> list[Check]:
    differences = await project.manuscript.differences()
    if differences:
        return [
            Check(
                name="manuscript", ok=False, message=f"{len(differences)} differ: {_some(differences)}.",
                hint="Open the project in the studio: edits are read back, and missing files are written.",
            )
        ]  # fmt: skip
    return [Check(name="manuscript", ok=True, message="The files hold the approved texts.")]


async def _canon_check(project: OpenProject) -> Check:
    count = len(project.canon.documents)
    broken = [f"{one.path}:{one.line} {one.message}" for one in project.canon.warnings]
    if project.builds is not None:
        broken += [f"{one.path}:{one.line} {one.message}" for one in (await project.builds.standards()).warnings]
    if broken:
        return Check(
            name="canon", ok=False, message=f"{counted(count, 'document')}, {len(broken)} with a problem: {_some(broken)}",
            hint="See `studio canon check`.",
        )  # fmt: skip
    return Check(name="canon", ok=True, message=f"{counted(count, 'document')}.")


async def _template_check(project: OpenProject) -> Check:
    found = await project.desk.templates(check=True)
    broken = [f"{one.path}:{one.error_line} {one.error}" for one in found if one.error]
    if broken:
        return Check(
            name="templates", ok=False, message=f"{len(broken)} broken: {_some(broken)}",
            hint="The last good version of each is in use until it is mended.",
        )  # fmt: skip
    return Check(name="templates", ok=True, message=f"{counted(len(found), 'template')}.")


def _model_check(project: OpenProject) -> Check:
    try:
        ref = project.models.ref_for(project.workflow.stages[0].role)
    except StudioError as error:
        return Check(name="model", ok=False, message=error.message, hint=error.hint)
    key = project.models.registry.key_source(ref.provider)
    return Check(name="model", ok=True, message=f"{ref}" + (f", key from {key}." if key else "."))


async def _service_checks(project: OpenProject) -> list[Check]:
    registry = project.models.registry
    names = [name for name in registry.names() if registry.key_source(name)]
    return list(await asyncio.gather(*(_service(project, name) for name in names)))


async def _service(project: OpenProject, name: str) -> Check:
    try:
        found = await project.models.registry.check(name)
    except StudioError as error:
        return Check(name=name, ok=False, message=error.message, hint=error.hint)
    return Check(name=name, ok=True, message=f"{len(found.models)} models, answered in {found.elapsed_ms:.0f} ms.")


def _some(found: Iterable[str]) -> str:
    names = list(found)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return "; ".join(names[:_NAMED]) + more
