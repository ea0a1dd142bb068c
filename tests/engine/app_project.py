"""A project of the app workflow, opened without a model, and rows put into it as a run would put them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from studio.domain.build import AppVersion, BuildTask, PlannedTask, VersionFile, VersionStatus
from studio.domain.finding import Finding, FindingSource, FindingState, Problem, Severity
from studio.domain.ids import new_id
from studio.domain.page import Page
from studio.domain.run import Run, RunKind, RunStatus
from studio.domain.tooling import ChangeKind
from studio.engine.apps import kept
from studio.engine.apps.gate import Place, finding
from studio.engine.engine import Engine
from studio.engine.handlers import book
from studio.engine.open_project import Call, OpenProject
from studio.engine.opening import open_engine
from studio.protocol import commands as c
from studio.store import build_tasks, findings, pages, runs, versions
from studio.store.transaction import Tx
from tests.fakes.project import make_project
from tests.store import app_rows

ANA = Call("ana")


@asynccontextmanager
async def app_project(tmp_path: Path) -> AsyncIterator[OpenProject]:
    root = make_project(tmp_path, "shop", title="Shop", workflow="app")
    folders = {name: str(tmp_path / name) for name in ("STUDIO_CONFIG_HOME", "STUDIO_STATE_HOME", "STUDIO_CACHE_HOME")}
    async with reopened(root, {**folders, "STUDIO_MODELS_DIR": str(tmp_path / "models")}) as project:
        yield project


@asynccontextmanager
async def reopened(root: Path, env: Mapping[str, str]) -> AsyncIterator[OpenProject]:
    engine: Engine = await open_engine(root, env=env, watch=False)
    try:
        yield engine._project
    finally:
        await engine.aclose()


async def add_change(project: OpenProject, brief: str = "A shop with a basket.", title: str = "Basket") -> Page:
    listed = await project.store.read(lambda tx: pages.listing(tx))
    if not listed:
        await book.add_chapter(project, c.AddChapter(title="First"), ANA)
    done = await book.add_page(project, c.AddPage(chapter="1", title=title, brief=brief), ANA)
    return await project.store.read(lambda tx: pages.get(tx, done.page or ""))


async def stand_at(project: OpenProject, page: Page, state: str) -> Page:
    """Put the page where it stands as if everything before had happened."""

    def work(tx: Tx) -> Page:
        return project.move_to(tx, pages.get(tx, page.id), project.workflow.parse_state(state), "approve")

    return await project.store.transact(work, actor="ana")


async def plan(project: OpenProject, page: Page, *tasks: PlannedTask, revision: str = "plan-1") -> list[BuildTask]:
    made = tasks or (
        app_rows.planned("layout"),
        app_rows.planned("basket", "layout"),
        app_rows.planned("tests", "basket"),
    )
    return await project.store.transact(lambda tx: build_tasks.plan(tx, page.id, revision, made))


async def add_run(project: OpenProject, page: Page, stage: str, status: RunStatus = RunStatus.RUNNING) -> Run:
    def work(tx: Tx) -> Run:
        run = Run(new_id(), page.id, stage, RunKind.DRAFT, new_id(), status, "openai:gpt-6", tx.now)
        runs.insert(tx, run)
        return run

    return await project.store.transact(work)


def write(project: OpenProject, path: str, data: str | bytes) -> None:
    """A file of the application, as a person would write it."""
    place = project.app.root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data if isinstance(data, bytes) else data.encode())


async def record(
    project: OpenProject, number: str, page: Page | None = None, *, status: VersionStatus = VersionStatus.COMPLETED
) -> AppVersion:
    """A version of the files as they lie."""
    tree = project.app.files.snapshot()

    def work(tx: Tx) -> AppVersion:
        parent = versions.newest(tx)
        before = {file.path: file for file in versions.files(tx, parent.id)} if parent else {}
        made = app_rows.version(
            number, page_id=page.id if page else None, parent_id=parent.id if parent else None, started_at=tx.now
        )
        versions.insert(tx, made)
        files = [
            VersionFile(path, state.digest, state.size, state.mode, _change(before.get(path), state.digest))
            for path, state in tree.items()
        ]
        gone = [
            VersionFile(path, file.digest, 0, file.mode, ChangeKind.DELETED)
            for path, file in before.items()
            if path not in tree
        ]
        versions.finish(
            tx, made.id, status=status, summary=f"Version {number}", changelog="- it", files=[*files, *gone]
        )
        return versions.get(tx, made.id)

    return await project.store.transact(work, actor="engine")


async def add_conflict(project: OpenProject, page: Page, path: str, text: str) -> Finding:
    """A worker's text that was kept because a person had changed the file."""
    digest = project.app.objects.put(text.encode())
    problem = Problem(
        "person-changed-it", path, 0, f"{path} was changed.", Severity.WARNING, kept.advice(path, digest), digest
    )
    one = finding(Place(page.id, "implementation", "run-1", ""), problem, FindingSource.CONFLICT, FindingState.OPEN)
    await project.store.transact(lambda tx: findings.insert(tx, [one]))
    return one


def _change(before: VersionFile | None, digest: str) -> ChangeKind | None:
    if before is None:
        return ChangeKind.ADDED
    return None if before.digest == digest else ChangeKind.MODIFIED
