"""Opening a project: lock, settings, store, recovery, mirror, in the order in which a failure does the least."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from studio.config.load import load
from studio.config.paths import packaged, refuse_odd_name, state_folder
from studio.domain.errors import StudioError
from studio.domain.job import JobStatus
from studio.engine.apps.room import AppRoom
from studio.engine.bus import EventBus
from studio.engine.canon_shelf import CanonShelf
from studio.engine.desk import Desk
from studio.engine.drafting import Drafting
from studio.engine.engine import Engine
from studio.engine.handlers.drafts import DRAFT_JOB
from studio.engine.live import LiveRuns
from studio.engine.manuscript import Manuscript
from studio.engine.model_room import ModelRoom
from studio.engine.open_project import OpenProject
from studio.engine.presence import Presence
from studio.engine.recovery import recover
from studio.engine.scheduler import Scheduler
from studio.engine.watching import Watching
from studio.protocol.events import AnyEvent, Notice
from studio.store import jobs, journal
from studio.store.database import Store
from studio.store.transaction import Tx
from studio.workflows import library
from studio.workspace import scaffold
from studio.workspace.lock import ProjectLock

if TYPE_CHECKING:
    from studio.engine.apps.builds import Builds

log = logging.getLogger(__name__)

DATABASE = "studio.duckdb"


async def open_engine(
    root: Path,
    *,
    overrides: Mapping[str, object] | None = None,
    env: Mapping[str, str] | None = None,
    watch: bool = True,
    lock: ProjectLock | None = None,
) -> Engine:
    """Open the project at `root` on the running loop.

    Raises ProjectBusy while another process holds it, BadInput for settings or a workflow that cannot be read, StorageError
    for a database that cannot be opened. `watch=False` is for a command that ends at once. `lock` is one that the caller
    holds already; it is released with the engine, and stays the caller's when the opening fails.
    """
    held = lock if lock is not None else await asyncio.to_thread(_claim, root)
    try:
        return await _open(root, held, overrides, env, watch=watch)
    except BaseException:
        if lock is None:
            held.release()
        raise


def _claim(root: Path) -> ProjectLock:
    refuse_odd_name(root)
    scaffold.ensure_state(root)
    return ProjectLock.acquire(root)


async def _open(
    root: Path,
    lock: ProjectLock,
    overrides: Mapping[str, object] | None,
    env: Mapping[str, str] | None,
    *,
    watch: bool,
) -> Engine:
    settings = await asyncio.to_thread(load, root, env, overrides)
    options = settings.workflow
    workflow = library.load(
        settings.project.workflow, root, auto_draft=options.auto_draft, auto_gates=options.auto_gates
    )
    store = await Store.open(state_folder(root) / DATABASE)
    try:
        live = LiveRuns()
        bus = EventBus(lambda after: _tail(store, after), live.snapshots)
        store.on_commit(bus.publish_threadsafe)
        models = ModelRoom(root, settings, store, env)
        canon = CanonShelf(root, store, bus.publish, lock.check_place)
        manuscript = Manuscript(root, store, workflow, bus.publish, lock.check_place)
        desk = Desk(root / "prompts", packaged("prompts"))
        project = OpenProject(
            root=root,
            settings=settings,
            workflow=workflow,
            store=store,
            bus=bus,
            live=live,
            scheduler=Scheduler(store),
            canon=canon,
            models=models,
            desk=desk,
            manuscript=manuscript,
            presence=Presence(bus.publish),
            app=AppRoom(root, store),
            check_place=lock.check_place,
            overrides=dict(overrides or {}),
            env=env,
        )
        desk.start(project)
        if workflow.writes_files:
            project.builds = _builds(project)
        await recover(project)
        if project.builds is not None:
            await project.builds.recover()
        await store.transact(_close_jobs)
        project.settling = asyncio.create_task(_read_files(project), name="reading files")
        if not watch:
            await project.settling
        return _started(project, lock, watch=watch)
    except BaseException:
        await store.aclose()
        raise


def _builds(project: OpenProject) -> Builds:
    """Imported where it is needed: tools and validators are nothing that a story pays for."""
    from studio.engine.apps.builds import Builds

    return Builds(project)


async def _read_files(project: OpenProject) -> None:
    """Canon and manuscript, while the first screen shows what the store holds. Other questions and all commands wait for it."""
    try:
        await project.canon.rescan()
        await project.manuscript.recover()
    except StudioError as error:
        project.bus.publish(Notice(level="warning", message=error.message, hint=error.hint))


def _started(project: OpenProject, lock: ProjectLock, *, watch: bool) -> Engine:
    project.scheduler.register(DRAFT_JOB, Drafting(project))
    project.scheduler.start()
    watching = Watching(project)
    if watch:
        watching.start()
    return Engine(project, lock, watching)


def _close_jobs(tx: Tx) -> None:
    """A job that a crash left claimed belongs to a run that recovery has settled: it is not worked on again."""
    for job in jobs.pending(tx):
        jobs.finish(tx, job.key, JobStatus.CANCELLED)


async def _tail(store: Store, after: int) -> list[AnyEvent]:
    """The journal after a sequence number, in pages, so that a long absence does not need it all at once."""
    found: list[AnyEvent] = []
    step = 5_000
    while batch := await store.read(lambda tx, since=after: journal.tail(tx, since, step)):  # type: ignore[misc]
        found += batch
        after = batch[-1].seq
        if len(batch) < step:
            break
    return found
