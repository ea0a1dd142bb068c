"""The app workflow's part of a history that is replayed: versions from folders, tasks that are done, findings that were settled."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from studio.domain.build import Build, Operation, TaskStatus, VersionStatus
from studio.domain.errors import BadInput
from studio.domain.finding import FindingState
from studio.domain.page import Page
from studio.domain.text import clean, one_line
from studio.engine.apps import progress
from studio.engine.apps.room import Finish
from studio.protocol.build_events import FindingChanged, TaskChanged
from studio.store import build_tasks, builds, conversations, findings, versions
from studio.store.transaction import Tx
from studio.workspace.app_files import FileState
from studio.workspace.app_paths import ignored, protected, usable
from studio.workspace.jail import Jail
from studio.workspace.snapshots import OBJECT_LIMIT

if TYPE_CHECKING:
    from studio.engine.book_outline import VersionStep
    from studio.engine.open_project import OpenProject

Tree = Mapping[str, FileState]


def read_trees(project: OpenProject, folders: Iterable[str]) -> dict[str, Tree]:
    """The files below each folder of the project, their bytes kept. Raises BadInput for a folder that is outside or empty."""
    project.needs_app()
    return {folder: _tree(project, folder) for folder in dict.fromkeys(folders)}


def _tree(project: OpenProject, folder: str) -> Tree:
    found: dict[str, FileState] = {}
    with Jail(project.root) as jail:
        for entry in jail.walk(folder, "", skip=lambda name: ignored(name) or protected(name)):
            if entry.problem:
                raise BadInput(f"{one_line(entry.path)} {entry.problem}.")
            data = jail.read_bytes(entry.path, OBJECT_LIMIT)
            path = usable(entry.path.removeprefix(f"{folder.strip('/')}/"))
            found[path] = FileState(project.app.objects.put(data), len(data), 0o755 if entry.mode & 0o100 else 0o644)
    if not found:
        raise BadInput(
            f"There are no files in {one_line(folder)}.", hint="A version's files lie in a folder of its own."
        )
    return found


def begun(project: OpenProject, tx: Tx, page: Page) -> None:
    """The change's own row; what came before it says whether it creates or updates."""
    operation = Operation.UPDATE if versions.newest(tx) else Operation.CREATE
    builds.save(tx, Build(page.id, operation, returns=0, created_at=tx.now, updated_at=tx.now))
    progress.begun(tx, project.workflow, page.id, operation)


def said(project: OpenProject, tx: Tx, page: Page, stage: str, text: str) -> None:
    """What the role answered, in its conversation."""
    conversations.append(tx, page.id, project.workflow.stage(stage).role, "assistant", text)


def version(project: OpenProject, tx: Tx, page: Page, step: VersionStep, tree: Tree) -> str:
    """Record a version with this tree and settle the plan's tasks; the JSON that goes with the stage's text."""
    summary = one_line(clean(step.summary))
    finish = Finish(status=VersionStatus.COMPLETED, summary=summary, changelog=clean(step.changelog).strip())
    made = project.app.record(tx, page.id, step.number, finish, tree)
    for task in build_tasks.listing(tx, page.id):
        words = one_line(clean(step.done.get(task.key, "")))
        status = TaskStatus.DONE if words else TaskStatus.DROPPED
        build_tasks.update(
            tx, task.id, status=status, summary=words, attempts=1 if words else 0,
            started_at=made.started_at, ended_at=tx.now,
        )  # fmt: skip
        tx.emit(TaskChanged(page=page.id, task=task.id, what=status.value, status=status.value, actor=tx.actor))
    unknown = set(step.done) - {one.key for one in build_tasks.listing(tx, page.id)}
    if unknown:
        raise BadInput(f"{page.title!r}: the plan has no task {', '.join(sorted(unknown))}.")
    return json.dumps({"version": made.id, "number": made.number})


def settle(tx: Tx, page: Page, rule: str, state: str, by: str, reason: str) -> None:
    """Settle the page's open findings of a rule. Raises BadInput when there is none."""
    open_ones = [one for one in findings.listing(tx, page.id, open_only=True) if one.problem.rule == rule]
    if not open_ones:
        raise BadInput(f"{page.title!r}: there is no open finding {one_line(rule)!r} to settle.")
    for one in open_ones:
        findings.settle(tx, one.id, FindingState(state), by, clean(reason).strip())
        tx.emit(FindingChanged(page=page.id, finding=one.id, state=state, actor=tx.actor))
