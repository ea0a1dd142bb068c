"""Publishing: the plan that a person is shown, carried out after their yes, step by step, resumed after a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from studio.config.allowed import AllowedCommands
from studio.domain import release as releases
from studio.domain.build import AppVersion, Publication, PublicationStatus, VersionStatus
from studio.domain.errors import BadInput, Conflict, NotFound, Refused, StudioError
from studio.domain.ids import new_id
from studio.domain.page import Revision
from studio.domain.text import one_line
from studio.domain.workflow import OutputKind
from studio.engine.apps import standing
from studio.engine.apps.publications import close_left
from studio.engine.handlers.app_versions import refuse_unfinished, unfinished
from studio.engine.open_project import Call, OpenProject
from studio.protocol import build_commands as b
from studio.protocol import build_queries as q
from studio.protocol import build_views as v
from studio.protocol.build_events import PublicationChanged
from studio.protocol.commands import Done
from studio.publishers.base import Published, Publisher, PublishPlan, Release, StepData, Target, planned
from studio.store import pages, publications, revisions, versions
from studio.store.transaction import Tx

_FOLLOW_UP_FILES = 400


@dataclass(frozen=True, slots=True)
class _Way:
    """A version and where it is to go."""

    version: AppVersion
    release: Release
    target: Target
    publisher: Publisher


async def get_publish_plan(project: OpenProject, query: q.GetPublishPlan, actor: str) -> v.PublishPlanView:
    way = await _way(project, query.target, query.version, actor)
    plan = await way.publisher.plan(way.release, way.target, project.models.key)
    found = await project.store.read(lambda tx: publications.unfinished(tx, query.target, way.version.id, plan.digest))
    done = found.steps if found else {}
    left = () if query.version else await _left_behind(project, way.version)
    return v.PublishPlanView(
        target=query.target,
        publisher=way.publisher.name,
        version=way.version.number,
        steps=tuple(
            v.StepView(id=one.id, title=one.title, detail=one.detail, done=one.id in done) for one in plan.steps
        ),
        summary=plan.summary,
        diff=plan.diff,
        digest=plan.digest,
        warnings=(*plan.warnings, *left),
    )


async def publish(project: OpenProject, command: b.Publish, call: Call) -> Done:
    """Carry a plan out that is still the one the person saw; raises Conflict when it is not, Refused while another is at work."""
    if project.app.publishing.locked():
        raise Refused("A version is being published right now.", hint="Wait until that has ended.")
    async with project.app.publishing:
        return await _publish(project, command, call)


async def _publish(project: OpenProject, command: b.Publish, call: Call) -> Done:
    way = await _way(project, command.target, command.version, call.actor)
    begun = await project.store.read(
        lambda tx: publications.unfinished(tx, command.target, way.version.id, command.plan)
    )
    plan = await _plan(project, way, command.plan, begun)
    if not plan.steps:  # nothing was published now, and nothing is recorded
        return await project.act(call, lambda tx: Done(seq=0, message=plan.summary, version=way.version.id))
    row = await project.store.transact(lambda tx: _begin(tx, way, plan, begun), actor=call.actor)
    try:
        done = await way.publisher.apply(
            way.release, plan, row.steps, _Reporter(project, row, call.actor), project.models.key
        )
    except StudioError as error:
        words, moved = project.models.redact(str(error)), isinstance(error, Conflict)
        await project.store.transact(lambda tx: _failed(tx, row, words, afresh=moved), actor=call.actor)
        raise
    except asyncio.CancelledError:
        await asyncio.shield(
            asyncio.ensure_future(project.store.transact(lambda tx: _failed(tx, row, "Stopped."), actor=call.actor))
        )
        raise

    def write(tx: Tx) -> Done:
        _ended(tx, row, done)
        message = f"Version {way.version.number} is published to {command.target}: {done.detail or done.url}"
        return Done(seq=0, message=message, version=way.version.id, publication=row.id)

    return await project.act(call, write)


async def _plan(project: OpenProject, way: _Way, digest: str, begun: Publication | None) -> PublishPlan:
    """The plan that was shown: the kept one when it was begun already, else made again and compared."""
    if begun is not None:
        plan = _as_planned(way.release, msgspec.json.decode(begun.plan, type=PublishPlan))
        await _refuse_strange_hosts(project, way.publisher, plan.target)
    else:
        plan = await way.publisher.plan(way.release, way.target, project.models.key)
        if not plan.steps:  # nothing would be done, whatever was looked at
            return plan
    if plan.digest != digest:
        raise Conflict(
            "What publishing would do has changed since you looked at it.",
            hint="Look at the new plan and decide again: `studio publish plan`.",
            data={"expected": digest, "actual": plan.digest},
        )
    return plan


def _as_planned(release: Release, kept: PublishPlan) -> PublishPlan:
    """A kept plan under the digest of what it really holds: a database that came with a project may say anything."""
    return planned(
        release, kept.target, kept.steps,
        summary=kept.summary, diff=kept.diff, warnings=kept.warnings, state=kept.state,
    )  # fmt: skip


class _Reporter:
    """Keeps each step as soon as it is done, so that another try goes on after it."""

    def __init__(self, project: OpenProject, row: Publication, actor: str) -> None:
        self._project, self._row, self._actor = project, row, actor
        self._steps: dict[str, Mapping[str, object]] = dict(row.steps)

    async def __call__(self, step: str, data: StepData) -> None:
        self._steps[step] = dict(data)
        steps = dict(self._steps)

        def write(tx: Tx) -> None:
            publications.update(tx, self._row.id, steps=steps)
            tx.emit(PublicationChanged(publication=self._row.id, target=self._row.target, status="running", step=step))

        await self._project.store.transact(write, actor=self._actor)


def _begin(tx: Tx, way: _Way, plan: PublishPlan, begun: Publication | None) -> Publication:
    close_left(tx, besides=begun.id if begun else "")
    if begun is not None:
        publications.update(tx, begun.id, status=PublicationStatus.RUNNING, error="")
        return publications.get(tx, begun.id)
    row = Publication(
        id=new_id(),
        version_id=way.version.id,
        target=way.target.name,
        publisher=way.publisher.name,
        plan=msgspec.json.encode(plan).decode(),
        plan_digest=plan.digest,
        status=PublicationStatus.RUNNING,
        actor=tx.actor,
        created_at=tx.now,
        updated_at=tx.now,
    )
    publications.insert(tx, row)
    tx.emit(PublicationChanged(publication=row.id, target=row.target, status="running"))
    return row


def _failed(tx: Tx, row: Publication, words: str, *, afresh: bool = False) -> None:
    """`afresh` forgets the steps that are done: what they stood on has changed, and another try looks at each anew."""
    forgotten: dict[str, object] = {"steps": {}} if afresh else {}
    publications.update(tx, row.id, status=PublicationStatus.FAILED, error=words, **forgotten)
    tx.emit(PublicationChanged(publication=row.id, target=row.target, status="failed", message=words))


def _ended(tx: Tx, row: Publication, done: Published) -> None:
    publications.update(tx, row.id, status=PublicationStatus.DONE, url=done.url, detail=done.detail, error="")
    tx.emit(PublicationChanged(publication=row.id, target=row.target, status="done", message=done.detail, url=done.url))


# What is published, and where


async def _way(project: OpenProject, name: str, ref: str | None, actor: str) -> _Way:
    project.needs_app()
    target = _target(project, name)
    publisher = _publisher(target.publisher)
    await _refuse_strange_hosts(project, publisher, target)
    version = await project.store.read(lambda tx: _approved(project, tx, ref))
    release = await _release(project, version, name, actor)
    return _Way(version, release, target, publisher)


def _target(project: OpenProject, name: str) -> Target:
    tables = project.settings.publish
    if name not in tables:
        known = ", ".join(sorted(tables)) or "none yet"
        raise NotFound(
            f"There is no publishing target {one_line(name, 60)!r}.",
            hint=f"Known are: {known}. Add a table [publish.{one_line(name, 60)}] with publisher = ... to studio.toml.",
        )
    table = dict(tables[name])
    kind = table.pop("publisher", "")
    if not isinstance(kind, str) or not kind:
        raise BadInput(
            f"[publish.{name}] in studio.toml names no publisher.", hint='Write publisher = "git", for instance.'
        )
    options = {key: value if isinstance(value, str | int | bool) else str(value) for key, value in table.items()}
    return Target(name, kind, options)


def _publisher(name: str) -> Publisher:
    from studio.publishers import registry

    return registry.publisher(name)


def sending(key: str, host: str) -> str:
    """The text of the person's yes to send a key to a host that the program does not itself bind it to."""
    return f"send {key} to {host}"


async def _refuse_strange_hosts(project: OpenProject, publisher: Publisher, target: Target) -> None:
    allowed = AllowedCommands(env=project.env)
    for use in publisher.keys(target):
        text = sending(use.key, use.host)
        if use.usual or await asyncio.to_thread(allowed.allows, project.root, text):
            continue
        raise Refused(
            f"[publish.{target.name}] would send {use.key} to {use.host}, which you have not allowed.",
            hint=f"If that is right: `studio publish allow {target.name}`.",
            data={"allow": text},
        )


def _approved(project: OpenProject, tx: Tx, ref: str | None) -> AppVersion:
    if ref is not None:
        version = versions.resolve(tx, ref)
    else:
        found = _newest_approved(versions.listing(tx))
        if found is None:
            raise Refused(
                "No version is approved yet.", hint="Take a change through all its stages, or name a version you want."
            )
        version = found
    if version.status is not VersionStatus.COMPLETED:
        raise Refused(
            f"Version {version.number} is {version.status.value}.", hint="Only a completed version is published."
        )
    if not version.approved:
        refuse_unfinished(project, tx, version)
        raise Refused(
            f"Version {version.number} is not approved.",
            hint=f"Approve it: `studio versions approve {version.number}`.",
        )
    return version


def _newest_approved(newest_first: Sequence[AppVersion]) -> AppVersion | None:
    """What goes out when no version is named: never one that was taken back since. A restoring leads to what it brought back."""
    led_to = ""
    for one in newest_first:
        if led_to and one.id != led_to:
            continue
        if one.approved:
            return one
        led_to = one.restored_from or ""
    return None


async def _left_behind(project: OpenProject, goes: AppVersion) -> tuple[str, ...]:
    """What lies in `app/` or is a newer version, and does not go out."""

    def read(tx: Tx) -> tuple[AppVersion | None, bool, bool]:
        newest = next((one for one in versions.listing(tx) if one.status is VersionStatus.COMPLETED), None)
        if newest is not None and standing.alike(tx, newest, goes):
            newest = None
        own = newest is not None and unfinished(project, tx, newest.page_id) is None
        return newest, own, bool(versions.open(tx))

    newest, own, working = await project.store.read(read)
    found = []
    if newest is not None and not newest.approved:
        then = f" Approve it: studio versions approve {newest.number}" if own else " It belongs to a change at work."
        found.append(f"The newest version is {newest.number}, which is not approved and does not go out.{then}")
    changed = () if working else await project.app.changed_by_person()
    if changed:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        shown = ", ".join(one_line(path, 80) for path in changed[:3])
        found.append(
            f"app/ holds changes that are in no version and do not go out: {shown}{more} (studio versions save)"
        )
    return tuple(found)


async def _release(project: OpenProject, version: AppVersion, target: str, actor: str) -> Release:
    name, email = await _who(project, actor)

    def read(tx: Tx) -> tuple[Release, Revision | None, AppVersion]:
        worded = _origin(tx, version)  # whose words they are: a restored version has none of its own
        page = pages.get(tx, worded.page_id) if worded.page_id and worded.restored_from is None else None
        last = project.workflow.stages[-1]
        words = revisions.head(tx, page.id, last.name) if page and last.output is OutputKind.RELEASE else None
        before = [
            one for one in publications.listing(tx) if one.target == target and one.status is PublicationStatus.DONE
        ]
        numbers = {one.id: one.number for one in versions.listing(tx)}
        previous = next((numbers[one.version_id] for one in before if one.version_id in numbers), None)
        title = page.title if page and page.title else worded.summary
        return (
            Release(
                version=version.number,
                version_id=version.id,
                title=one_line(title, 120) or f"Version {version.number}",
                message=worded.summary,
                changelog=version.changelog or worded.changelog,
                author_name=name,
                author_email=email,
                app=project.app.root,
                files=tuple(versions.files(tx, version.id)),
                previous=previous,
                read=project.app.objects.get,
                approved_at=version.finished_at or version.started_at,
            ),
            words,
            worded,
        )

    release, words, worded = await project.store.read(read)
    release = _worded(release, words)
    return release if worded.id == version.id else _as_restored(release, version, worded)


def _origin(tx: Tx, version: AppVersion) -> AppVersion:
    """The approved version whose files this one brought back, through every restoring; the version itself where there is none."""
    found, seen = version, {version.id}
    while found.restored_from and found.restored_from not in seen:
        seen.add(found.restored_from)
        before = versions.get(tx, found.restored_from)
        if not before.approved:
            break
        found = before
    return found


def _as_restored(release: Release, version: AppVersion, origin: AppVersion) -> Release:
    """A subject that tells it is a restoring, the words that were approved, and whose they are."""
    parts = (version.summary, release.message, f"Restored from version {origin.number}.")
    message = "\n\n".join(part for part in parts if part.strip())
    return replace(release, title=one_line(f"{version.summary}: {release.title}", 120), message=message)


async def _who(project: OpenProject, actor: str) -> tuple[str, str]:
    """Name and address of the commit's author: git's own for the person whose engine this is, else what the sender is called."""
    from studio.publishers.identity import own_identity

    name, email = await own_identity() if actor == project.settings.author else ("", "")
    return name or actor, email or f"{actor}@localhost"


def _worded(release: Release, words: Revision | None) -> Release:
    """With the title and message that the release manager wrote."""
    try:
        found = releases.from_json(words.data or "") if words else None
    except BadInput:
        found = None
    if found is None:
        return release
    message = found.commit_message or found.summary or release.message
    return replace(release, title=found.title or release.title, message=message)


# What there is


async def get_publications(project: OpenProject, query: q.GetPublications, actor: str) -> v.PublicationsView:
    def read(tx: Tx) -> tuple[list[Publication], dict[str, str], Revision | None, Revision | None]:
        rows = publications.listing(tx)
        made = versions.listing(tx)
        newest = next((one.page_id for one in made if one.page_id), None)
        plan = _newest(project, tx, newest, OutputKind.PLAN)
        return rows, {one.id: one.number for one in made}, plan, _newest(project, tx, newest, OutputKind.RELEASE)

    from studio.publishers import follow_ups

    rows, numbers, plan, release = await project.store.read(read)
    tree = await project.app.scan()
    texts = await asyncio.to_thread(project.builds_open.facts.texts, tree)
    offered = await asyncio.to_thread(
        follow_ups.suggest,
        dict(list(texts.items())[:_FOLLOW_UP_FILES]),
        plan.text if plan else "",
        publishers={str(one.get("publisher", "")) for one in project.settings.publish.values()},
        said=_proposals(release),
    )
    return v.PublicationsView(
        targets=tuple(_target_view(project, name) for name in sorted(project.settings.publish)),
        publications=tuple(_publication_view(one, numbers) for one in rows),
        follow_ups=tuple(v.FollowUpView(id=one.id, title=one.title, why=one.why, action=one.action) for one in offered),
    )


def _newest(project: OpenProject, tx: Tx, page_id: str | None, output: OutputKind) -> Revision | None:
    """The newest text of a change at the stage that makes `output`."""
    stage = next((one.name for one in project.workflow.stages if one.output is output), None)
    return revisions.head(tx, page_id, stage) if page_id and stage else None


def _proposals(release: Revision | None) -> tuple[releases.FollowUp, ...]:
    try:
        return releases.from_json(release.data or "").follow_ups if release else ()
    except BadInput:
        return ()


def _target_view(project: OpenProject, name: str) -> v.TargetView:
    try:
        target = _target(project, name)
        _publisher(target.publisher)
    except StudioError as error:
        return v.TargetView(name=name, publisher="", detail="", problem=error.message)
    detail = ", ".join(f"{key} = {value}" for key, value in sorted(target.options.items()))
    return v.TargetView(name=name, publisher=target.publisher, detail=detail)


def _publication_view(one: Publication, numbers: Mapping[str, str]) -> v.PublicationView:
    plan = msgspec.json.decode(one.plan, type=PublishPlan)
    return v.PublicationView(
        id=one.id,
        version=numbers.get(one.version_id, ""),
        target=one.target,
        publisher=one.publisher,
        status=one.status.value,
        url=one.url,
        detail=one.detail,
        error=one.error,
        actor=one.actor,
        created_at=one.created_at,
        steps_done=len(one.steps),
        steps=len(plan.steps),
    )
