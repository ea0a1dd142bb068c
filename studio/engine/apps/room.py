"""The application of a project: its folder, the kept bytes of its files, and its versions."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from studio.domain.build import AppVersion, Operation, VersionFile, VersionStatus
from studio.domain.errors import BadInput, Conflict, NotFound, Refused, StudioError
from studio.domain.ids import new_id
from studio.domain.text import one_line
from studio.domain.tooling import ChangeKind
from studio.engine.apps.undo_log import UndoLog
from studio.protocol.build_events import VersionChanged
from studio.store import executions, versions
from studio.store.database import Store
from studio.store.transaction import Tx
from studio.workspace.app_files import AppFiles, FileState
from studio.workspace.snapshots import Objects

if TYPE_CHECKING:
    pass

FOLDER = "app"
BY_HAND = "Changes made by hand"
Bump = Literal["major", "minor", "patch"]
Tree = Mapping[str, VersionFile]
_UNRECORDED = "Its end could not be recorded."
_CUT_OFF = "The program ended while this version was being made."
_TREES_KEPT = 4
_NAMED = 8
_REPLAYED = timedelta(seconds=45)
"""How long the work at a version took in a history that is replayed."""


class Finish(Struct, frozen=True, kw_only=True):
    """How a version ended. `asked`: models were, so that it may have cost something."""

    status: VersionStatus
    summary: str = ""
    changelog: str = ""
    error: str = ""
    asked: bool = True


class _Trees:
    """The files of versions that have ended, which never change: those of the last few that were committed are remembered."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Tree] = OrderedDict()
        self._lock = threading.Lock()

    def known(self, version_id: str | None) -> Tree | None:
        """What is remembered of it."""
        with self._lock:
            return self._known.get(version_id or "")

    def of(self, tx: Tx, version_id: str | None) -> Tree:
        """By path; none of no version."""
        if version_id is None:
            return {}
        if (known := self.known(version_id)) is not None:
            return known
        found = {one.path: one for one in versions.files(tx, version_id)}
        if tx.writes:
            return found
        with self._lock:
            self._known[version_id] = found
            while len(self._known) > _TREES_KEPT:
                self._known.popitem(last=False)
        return found


class AppRoom:
    """Made for every project; a story never has the folder. `versioning` is held while a version is made or restored,
    `handing_in` while files of an agent outside become one, `publishing` while one goes out."""

    def __init__(self, root: Path, store: Store) -> None:
        self.root = root / FOLDER
        self.objects = Objects(root)
        self.files = AppFiles(self.root, self.objects)
        self.undo_log = UndoLog(self.files, store)
        self.versioning = asyncio.Lock()
        self.building = asyncio.Lock()
        self.handing_in = asyncio.Lock()
        self.hand_ins = 0  # how many have held it
        self.publishing = asyncio.Lock()
        self._store = store
        self._trees = _Trees()

    async def scan(self) -> dict[str, FileState]:
        return await asyncio.to_thread(self.files.scan)

    async def operation(self) -> Operation:
        """What a change is: an update where there are files, else a creation."""
        return Operation.UPDATE if await self.scan() else Operation.CREATE

    async def changed_by_person(self) -> tuple[str, ...]:
        """Paths that differ from the newest version's tree."""
        now = await self.scan()
        lying = await self._store.read(lambda tx: self._tree(tx, versions.newest(tx)))
        return tuple(sorted(_differences(lying, now)))

    async def tree_before(self, version: AppVersion) -> Tree:
        """What a version began with: the files of its parent."""
        known = self._trees.known(version.parent_id)
        return await self._store.read(lambda tx: self._trees.of(tx, version.parent_id)) if known is None else known

    def _tree(self, tx: Tx, version: AppVersion | None) -> Tree:
        return self._trees.of(tx, version.id if version else None)

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """Hold `versioning`. What an act left that was cut off, or could not be taken back at once, is undone first."""
        async with self.versioning:
            await self._undo_left()
            yield

    async def _undo_left(self, error: str = _UNRECORDED) -> None:
        if not await self.undo_log.undo():
            return
        # Of files that were handed in, which are back as they were.
        for version in await self._store.read(versions.open):
            await self._record_end(version, Finish(status=VersionStatus.FAILED, error=error), {})

    async def rest(self) -> None:
        """Wait for the end of an act on the files that is at work."""
        await self.undo_log.rest()
        async with self.versioning:
            pass

    # Making versions

    async def begin(
        self, page_id: str, run_id: str, operation: Operation, bump: Bump, *, files: Mapping[str, str] | None = None
    ) -> AppVersion:
        """A version for a run, whose caller holds `building`. What the person changed since the newest one becomes a version of
        its own first. One that is still open has no run any more: its end could not be recorded (a full disk).

        `files`, digests by path, are all that is to be written at once, by somebody who may not have seen that: Refused names
        those that a person changed meanwhile; asked for once more, it is allowed. They are recorded with the version, so that
        after a crash none of them stays.
        """
        async with self.turn():

            def read(tx: Tx) -> tuple[bool, AppVersion | None, Tree]:
                newest, at_work = versions.latest(tx)
                return bool(at_work), newest, self._tree(tx, newest)

            tree, (left, parent, lying) = await asyncio.gather(
                asyncio.to_thread(self.files.snapshot), self._store.read(read)
            )
            mine = _differences(lying, tree)
            if left or mine:
                await self._close_left()
                saved = await self.save_person(page_id)
                _refuse_unseen(saved, mine, files or {}, tree)
                parent = await self._store.read(versions.newest)

            def write(tx: Tx) -> AppVersion:
                version = _version(tx, "run", page_id, parent, bump, operation, run_id=run_id)
                versions.insert(tx, version)
                if files is not None:
                    self.undo_log.note(tx, files, tree)
                _tell(tx, version, "started")
                return version

            return await self._store.transact(write, actor="engine")

    async def finish(
        self, version: AppVersion, finish: Finish, written: Mapping[str, str | None] | None = None
    ) -> AppVersion:
        """`end` with the tree as it lies there, with the bytes of every file kept."""
        async with self.versioning:
            return await self._record_end(version, finish, written)

    async def _record_end(
        self, version: AppVersion, finish: Finish, written: Mapping[str, str | None] | None = None
    ) -> AppVersion:
        tree = await asyncio.to_thread(self.files.snapshot)
        return await self._store.transact(lambda tx: self.end(tx, version, finish, tree, written), actor="engine")

    def end(
        self,
        tx: Tx,
        version: AppVersion,
        finish: Finish,
        tree: Mapping[str, FileState],
        written: Mapping[str, str | None] | None = None,
    ) -> AppVersion:
        """Record the tree of a version that was begun.

        `written` is what the run itself last made of each file (None: removed it). A file that is neither that nor as it was when
        the version began is a person's: the version has it as it was, and one made by hand follows with what lies there.
        """
        own = tree if written is None else _own(self._trees.of(tx, version.parent_id), tree, written)
        ended = self._finish(tx, version, finish, own)
        if own != tree:
            self.lying(tx, version.page_id, BY_HAND, tree)
        return ended

    def _finish(self, tx: Tx, version: AppVersion, finish: Finish, tree: Mapping[str, FileState]) -> AppVersion:
        before = self._trees.of(tx, version.parent_id)
        asked = version.run_id if finish.asked else None
        cost, unknown = executions.spent(tx, run_id=asked) if asked else (0.0, 0)
        ended = versions.finish(
            tx,
            version.id,
            status=finish.status,
            summary=finish.summary,
            changelog=finish.changelog,
            error=finish.error,
            cost_usd=None if unknown else cost,
            files=_tree_rows(before, tree),
        )
        _tell(tx, ended, finish.status.value)
        return ended

    async def save(self, summary: str, actor: str, page_id: str | None = None) -> AppVersion | None:
        """A version of the files as the person left them; None when nothing differs from the newest one.

        Raises Refused while a run writes: what it has written until then is nobody's version.
        """
        async with self.turn():
            await self.refuse_working()
            return await self.save_person(page_id, summary or BY_HAND, actor)

    async def keep_by_hand(self, page_id: str, actor: str) -> AppVersion | None:
        """Make what the person changed a version of the page; None when there is nothing, or while a run writes: that has a
        version of its own, and what is the person's in it is told apart at its end."""
        async with self.turn():
            if await self._store.read(versions.open):
                if self.building.locked():
                    return None
                await self._close_left()
            return await self.save_person(page_id, actor=actor)

    async def save_person(
        self, page_id: str | None, summary: str = BY_HAND, actor: str = "person", origin: str = "person"
    ) -> AppVersion | None:
        tree = await asyncio.to_thread(self.files.snapshot)
        if not await self._store.read(lambda tx: self.differs(tx, tree)):
            return None
        return await self._store.transact(lambda tx: self.lying(tx, page_id, summary, tree, origin), actor=actor)

    def differs(self, tx: Tx, tree: Mapping[str, FileState]) -> bool:
        """Whether what lies there is another tree than the newest version's."""
        return bool(_differences(self._tree(tx, versions.newest(tx)), tree))

    def lying(
        self, tx: Tx, page_id: str | None, summary: str, tree: Mapping[str, FileState], origin: str = "person"
    ) -> AppVersion:
        """A version of what lies there, after the newest one."""
        parent = versions.newest(tx)
        operation = Operation.UPDATE if parent else Operation.CREATE
        version = _version(tx, origin if parent else "import", page_id, parent, "patch", operation)
        versions.insert(tx, version)
        return self._finish(tx, version, Finish(status=VersionStatus.COMPLETED, summary=summary), tree)

    def record(self, tx: Tx, page_id: str, number: str, finish: Finish, tree: Mapping[str, FileState]) -> AppVersion:
        """A version of a replayed history, whose bytes are kept already; `app/` is not looked at."""
        parent = versions.newest(tx)
        operation = Operation.UPDATE if parent else Operation.CREATE
        began = max(tx.now - _REPLAYED, parent.finished_at) if parent and parent.finished_at else tx.now - _REPLAYED
        made = replace(_version(tx, "import", page_id, parent, "minor", operation), number=number, started_at=began)
        versions.insert(tx, made)
        return self._finish(tx, made, finish, tree)

    # Going back

    async def restore(self, ref: str, *, anyway: bool, actor: str) -> AppVersion:
        """Make the folder what it was in a version, as a new version. Raises Conflict naming the person's changes unless `anyway`."""
        async with self.turn():
            wanted = await self._store.read(lambda tx: versions.resolve(tx, ref))
            if wanted.status is VersionStatus.IN_PROGRESS:
                raise Refused(f"Version {wanted.number} is still being made.", hint="Wait for it, or stop its run.")
            await self.refuse_working()
            changed = await self.changed_by_person()
            if changed and not anyway:
                raise _person_changed(changed)
            await self.save_person(None)
            return await self._restore(wanted, actor)

    async def undo(self, *, anyway: bool, actor: str) -> AppVersion:
        """Restore the version before the newest."""
        newest = await self._store.read(versions.newest)
        if newest is None or newest.parent_id is None:
            raise Refused("There is no earlier version to go back to.", hint="See `studio versions`.")
        return await self.restore(newest.parent_id, anyway=anyway, actor=actor)

    async def _restore(self, wanted: AppVersion, actor: str) -> AppVersion:
        tree = {one.path: one for one in await self._store.read(lambda tx: versions.files(tx, wanted.id))}
        seen = {path: state.digest for path, state in (await self.scan()).items()}
        async with self.undo_log.act():
            await self.undo_log.begin({**dict.fromkeys(seen), **tree})
            await self.undo_log.change(lambda: self.files.restore(tree, expected=seen))
            now = await asyncio.to_thread(self.files.snapshot)
            return await self._store.transact(lambda tx: self._restored(tx, wanted, now), actor=actor)

    def _restored(self, tx: Tx, wanted: AppVersion, tree: Mapping[str, FileState]) -> AppVersion:
        self.undo_log.end(tx)
        version = _version(
            tx, "restore", wanted.page_id, versions.newest(tx), "patch", Operation.UPDATE, restored_from=wanted.id
        )
        versions.insert(tx, version)
        summary = f"Restored version {wanted.number}"
        made = self._finish(tx, version, Finish(status=VersionStatus.COMPLETED, summary=summary), tree)
        if wanted.approved:  # the same files, which a person approved, and a person's act: it is what goes out next
            versions.approve(tx, made.id)
        return versions.get(tx, made.id)

    async def take(
        self, path: str, digest: str, *, seen: str | None, page_id: str | None, actor: str
    ) -> AppVersion | None:
        """Write kept bytes over what lies there, which becomes a version first; None when it has them already.

        `seen` is what the person saw there (empty: no file). Raises Conflict when it is something else, or changes at the last
        moment: what is replaced is in a version. Raises Refused while a run writes.
        """
        async with self.turn():
            await self.refuse_working()
            await self.save_person(page_id, actor=actor)
            lying = (await self._store.read(lambda tx: self._tree(tx, versions.newest(tx)))).get(path)
            expected = lying.digest if lying else None
            if seen is not None and (expected or "") != seen:
                raise Conflict(f"{path} has changed since you compared it.", hint="Compare again, then decide.")
            data = await asyncio.to_thread(self.objects.get, digest)
            await asyncio.to_thread(self.files.write, path, data, expected=expected)
            return await self.save_person(page_id, f"Took the worker's text of {path}", actor)

    async def refuse_working(self) -> None:
        working = await self._store.read(versions.open)
        if working and not self.building.locked():
            await self._close_left()
        elif working:
            raise Refused(
                f"Version {working[0].number} is being made right now.", hint="Wait for it, or stop its run first."
            )

    async def import_from(self, path: Path, actor: str) -> AppVersion:
        """Copy a code base into the empty folder, as the first version."""
        async with self.turn():
            if await self.scan():
                raise Refused("app/ holds files already.", hint="Import into a new project.")
            if not await asyncio.to_thread(path.is_dir):
                raise NotFound(f"There is no folder {path}.")
            copied = await asyncio.to_thread(_copy, self.files, path)
            made = await self.save_person(None, copied, actor)
        if made is None:
            raise BadInput(f"{path} holds no file that can be imported.")
        return made

    # After a crash

    async def recover(self) -> int:
        """Undo what a crash cut off before it was recorded, close versions that it left open, with the tree as it lies there; take away
        what was never a file."""
        await asyncio.to_thread(self.files.sweep)
        async with self.versioning:
            await self._undo_left(_CUT_OFF)
            return await self._close_left(_CUT_OFF)

    async def _close_left(self, error: str = _UNRECORDED) -> int:
        left = await self._store.read(versions.open)
        for version in left:
            before = await self.tree_before(version)
            written = await asyncio.to_thread(_kept_since, self.files, before)
            await self._record_end(version, Finish(status=VersionStatus.FAILED, error=error), written)
        return len(left)


def _version(
    tx: Tx,
    origin: str,
    page_id: str | None,
    parent: AppVersion | None,
    bump: Bump,
    operation: Operation,
    *,
    run_id: str | None = None,
    restored_from: str | None = None,
) -> AppVersion:
    return AppVersion(
        id=new_id(),
        page_id=page_id,
        number=versions.next_number(tx, bump),
        status=VersionStatus.IN_PROGRESS,
        origin=origin,
        started_at=tx.now,
        run_id=run_id,
        parent_id=parent.id if parent else None,
        operation=operation,
        restored_from=restored_from,
    )


def _tell(tx: Tx, version: AppVersion, what: str) -> None:
    tx.emit(
        VersionChanged(
            version=version.id,
            number=version.number,
            status=version.status.value,
            what=what,
            page=version.page_id,
            actor=tx.actor,
        )
    )


def _copy(files: AppFiles, source: Path) -> str:
    """What was copied and what was left out, in words."""
    inner = AppFiles(source, files.objects)
    found = inner.snapshot()
    try:
        files.restore(found)
    except StudioError:
        # A full disk: what was copied is taken away again, so that the next try finds the folder empty.
        for path, state in found.items():
            with suppress(StudioError):
                files.delete(path, expected=state.digest)
        raise
    left = [*sorted(inner.passed_over()), *(f"{one.path} ({one.problem})" for one in inner.left_out())]
    more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
    without = f"; left out: {', '.join(one_line(one, 100) for one in left[:_NAMED])}{more}" if left else ""
    return f"Imported {len(found)} file{'s' if len(found) != 1 else ''} from {source.name}{without}"


def _kept_since(files: AppFiles, before: Tree) -> dict[str, str | None]:
    """Files that are not as they were and whose bytes are kept, as those of every write of a worker are; None for removed ones."""
    now = files.scan()
    gone = dict.fromkeys(before.keys() - now.keys())
    changed = _differences(before, now) & now.keys()
    return gone | {path: now[path].digest for path in changed if files.objects.has(now[path].digest)}


def _refuse_unseen(
    saved: AppVersion | None, mine: Collection[str], files: Mapping[str, str], tree: Mapping[str, FileState]
) -> None:
    met = [path for path in sorted(files) if path in mine and (path not in tree or tree[path].digest != files[path])]
    if saved is None or not met:
        return
    shown = ", ".join(one_line(path, 100) for path in met[:_NAMED]) + (" and more" if len(met) > _NAMED else "")
    raise Refused(
        f"Nothing was written: a person changed {shown} since the version before.",
        hint=f"Their text is version {saved.number}. Take it in, then send the phase again.",
        data={"paths": met, "version": saved.number},
    )


def _own(
    before: Mapping[str, VersionFile], tree: Mapping[str, FileState], written: Mapping[str, str | None]
) -> dict[str, FileState]:
    """The tree as a run left it: its own files as they lie there, those that a person changed as they were before."""
    own = {}
    for path in before.keys() | tree.keys():
        old, now = before.get(path), tree.get(path)
        left = written.get(path, old.digest if old else None)
        if (now.digest if now else None) != left:
            now = FileState(old.digest, old.size, old.mode) if old else None
        if now is not None:
            own[path] = now
    return own


def _differences(before: Mapping[str, VersionFile], now: Mapping[str, FileState]) -> set[str]:
    same = {path for path, state in now.items() if path in before and before[path].digest == state.digest}
    return (set(before) | set(now)) - same


def _tree_rows(before: Mapping[str, VersionFile], tree: Mapping[str, FileState]) -> list[VersionFile]:
    rows = []
    for path, state in sorted(tree.items()):
        old = before.get(path)
        change = ChangeKind.ADDED if old is None else ChangeKind.MODIFIED if old.digest != state.digest else None
        rows.append(VersionFile(path, state.digest, state.size, state.mode, change))
    gone = [path for path in before if path not in tree]
    return rows + [VersionFile(path, before[path].digest, 0, before[path].mode, ChangeKind.DELETED) for path in gone]


def _person_changed(paths: Sequence[str]) -> Conflict:
    shown = ", ".join(paths[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")
    return Conflict(
        f"Changed by hand since the newest version: {shown}.",
        hint="Go on all the same, and your changes become a version of their own first.",
        data={"anyway": True, "paths": list(paths)},
    )
