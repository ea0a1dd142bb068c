"""What a broken run did to the files, taken back when the person discards it; what somebody changed since stays as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from studio.domain.build import AppVersion, TaskStatus, VersionFile, VersionStatus
from studio.domain.text import one_line
from studio.protocol.build_events import TaskChanged
from studio.store import build_tasks, tool_uses, versions
from studio.store.transaction import Tx
from studio.tools.base import sides

if TYPE_CHECKING:
    from studio.engine.open_project import Call, OpenProject
    from studio.protocol.commands import Done

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Broken:
    """Runs of a page that broke off one after the other. `before` is what each file was before them (None: it was not there), `written`
    what they last made of it, `tasks` the files of each task."""

    numbers: tuple[str, ...] = ()
    before: Mapping[str, VersionFile | None] = field(default_factory=dict)
    written: Mapping[str, str | None] = field(default_factory=dict)
    tasks: Mapping[str, frozenset[str]] = field(default_factory=dict)
    runs: frozenset[str] = frozenset()

    @property
    def summary(self) -> str:
        return f"Took back what version {' and '.join(self.numbers)} changed"


@dataclass(frozen=True, slots=True)
class TakenBack:
    """`version` is what was made of it, None when no file had to be changed; `kept` are files that are not as the runs wrote them."""

    broken: Broken
    version: AppVersion | None
    kept: tuple[str, ...]

    @property
    def words(self) -> str:
        made = f" Its changes to the files are taken back, as version {self.version.number}." if self.version else ""
        if not self.kept:
            return made
        more = f" and {len(self.kept) - _NAMED} more" if len(self.kept) > _NAMED else ""
        shown = ", ".join(one_line(path, 120) for path in self.kept[:_NAMED])
        return f"{made} Left as they are, because they are not as the run wrote them: {shown}{more}."


async def take_back(
    project: OpenProject,
    page_id: str,
    call: Call,
    settle: Callable[[Tx, TakenBack], Done],
    refuse: Callable[[Tx], object] = lambda _: None,
) -> Done:
    """Put the files back that the page's broken runs changed, and carry out `settle`, whose transaction has the new version and the
    tasks that are open again: all of it or nothing. Raises Refused while another run writes, and what `refuse` raises at first."""

    def find(tx: Tx) -> Broken:
        refuse(tx)
        return broken(tx, page_id)

    room = project.app
    async with room.turn():
        await project.store.read(refuse)
        await room.refuse_working()
        await room.save_person(page_id, actor=call.actor)
        found = await project.store.read(find)
        async with room.undo_log.act():
            await room.undo_log.begin(found.before)
            kept = await room.undo_log.change(lambda: room.files.put_back(found.before, written=found.written))
            tree = await asyncio.to_thread(room.files.snapshot)

            def work(tx: Tx) -> Done:
                refuse(tx)
                room.undo_log.end(tx)
                changed = bool(found.numbers) and room.differs(tx, tree)
                taken = TakenBack(
                    found, room.lying(tx, page_id, found.summary, tree, "restore") if changed else None, kept
                )
                open_again(tx, page_id, taken)
                return settle(tx, taken)

            return await project.act(call, work)


def broken(tx: Tx, page_id: str) -> Broken:
    """The page's newest versions as far as they are failed ones of runs: a run that went on with another's work breaks off with it."""
    mine: list[AppVersion] = []
    between: list[AppVersion] = []
    since: list[AppVersion] = []
    for one in versions.listing(tx):
        if one.page_id == page_id and one.origin == "run" and one.status is VersionStatus.FAILED:
            between += since if mine else []
            since = []
            mine.append(one)
        elif one.page_id == page_id and one.origin != "person":
            break
        else:
            since.append(one)
    if not mine:
        return Broken()
    written, tasks = _written(tx, [one.run_id for one in mine if one.run_id])
    first = mine[-1].parent_id
    before = {one.path: one for one in versions.files(tx, first)} if first else {}
    # What others made of a file between two of the runs is what it was before the later one.
    for one in reversed(between):
        lay = {file.path: file for file in versions.files(tx, one.id)}
        for change in versions.changes(tx, one.id):
            _put(before, change.path, lay.get(change.path))
    # A write that a kill cut off from its record is in the version only: the file is named, and stays.
    paths = {*written, *(file.path for one in mine for file in versions.changes(tx, one.id))}
    return Broken(
        tuple(one.number for one in reversed(mine)), {path: before.get(path) for path in paths}, written, tasks,
        frozenset(one.run_id for one in mine if one.run_id),
    )  # fmt: skip


def _put(before: dict[str, VersionFile], path: str, file: VersionFile | None) -> None:
    if file is None:
        before.pop(path, None)
    else:
        before[path] = file


def _written(tx: Tx, run_ids: list[str]) -> tuple[dict[str, str | None], dict[str, frozenset[str]]]:
    written: dict[str, str | None] = {}
    tasks: dict[str, frozenset[str]] = {}
    for task, change in tool_uses.changes_of_runs(tx, run_ids):
        for path, _, after in sides(change):
            written[path] = after
            if task:
                tasks[task] = tasks.get(task, frozenset()) | {path}
    return written, tasks


def open_again(tx: Tx, page_id: str, taken: TakenBack) -> None:
    """The tasks whose files were taken back are to be done again, and those that came to nothing in these runs."""
    kept = frozenset(taken.kept)
    again = {build_tasks.get(tx, task).key for task, paths in taken.broken.tasks.items() if paths - kept}
    for task in build_tasks.listing(tx, page_id):
        nothing = task.status.came_to_nothing and task.run_id in taken.broken.runs
        if task.status is TaskStatus.DROPPED or not (task.key in again or nothing):
            continue
        build_tasks.update(
            tx, task.id, status=TaskStatus.PLANNED, attempts=0, summary="", error="", started_at=None, ended_at=None
        )
        tx.emit(
            TaskChanged(
                page=task.page_id, task=task.id, what="planned", status=TaskStatus.PLANNED.value, actor=tx.actor
            )
        )
