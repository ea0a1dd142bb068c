"""The files of an application: read, written and compared inside `app/`, with every replaced byte kept first. No tool is here."""

from __future__ import annotations

import contextlib
import stat
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Protocol

from studio.config import modes
from studio.domain.errors import BadInput, Conflict, NotFound, Refused, StorageError
from studio.domain.text import one_line
from studio.domain.tooling import ChangeKind, FileChange
from studio.workspace.app_paths import fold, ignored, protected, reason_against, usable
from studio.workspace.files import decode, storage_error
from studio.workspace.jail import Entry, Jail
from studio.workspace.snapshots import OBJECT_LIMIT, Objects, digest_of

# A file that changes twice within one tick of the disk's clock keeps its time; younger files are read again by each scan.
_SETTLED_NS = 2_000_000_000

_KEEPERS = 4


class FileState(NamedTuple):
    """A file as a scan found it. `digest` is the SHA-256 of its bytes; `mode` is 0o755 or 0o644."""

    digest: str
    size: int
    mode: int


class Listed(NamedTuple):
    path: str
    size: int


class Wanted(Protocol):
    """What `restore` needs to know of a file: `FileState` and `domain.build.VersionFile` have it."""

    @property
    def digest(self) -> str: ...

    @property
    def mode(self) -> int: ...


class AppFiles:
    """An application's folder. Every method may be called from any thread; each opens the folder anew and follows no link.

    Paths are relative, with `/`, and pass `app_paths.usable`. Raises Refused (a path that may not be used), NotFound, Conflict
    (another file than was expected; its `data` holds path, expected, actual and `ours`, the digest under which the text that
    was not written is kept), BadInput (a link, a folder, too large) or StorageError.
    """

    def __init__(self, root: Path, objects: Objects) -> None:
        """`root` is the application's own folder; it is made when the first file is written."""
        self.root = root
        self.objects = objects
        self._known: dict[str, tuple[Entry, FileState]] = {}
        self._scanning = threading.Lock()
        self._odd: tuple[Entry, ...] = ()
        self._passed: frozenset[str] = frozenset()

    def read(self, path: str, limit: int = OBJECT_LIMIT) -> bytes:
        path = usable(path)
        with self._jail() as jail:
            return jail.read_bytes(path, limit)

    def read_text(self, path: str, limit: int = OBJECT_LIMIT) -> tuple[str, str]:
        """The text without a byte order mark and the digest of its bytes. Raises BadInput when it is no UTF-8 text."""
        data = self.read(path, limit)
        return decode(data, path), digest_of(data)

    def digest(self, path: str) -> str | None:
        """The digest of a file's bytes now; None when there is no file."""
        data = self.current(path)
        return None if data is None else digest_of(data)

    def current(self, path: str) -> bytes | None:
        """A file's bytes; None when there is no file."""
        with contextlib.suppress(NotFound):
            return self.read(path)
        return None

    def write(self, path: str, data: bytes, *, expected: str | None, mode: int | None = None) -> FileChange | None:
        """Put `data` into a file whose digest is `expected` (None: that does not exist). None when it has these bytes already.

        The bytes it had are kept first, also when the file changes at the last moment, and so is `data`: after a crash that tells
        what was written here from what a person wrote. An existing file keeps its mode.
        """
        path = usable(path)
        now = self.current(path)
        before = None if now is None else digest_of(now)
        if before != expected:
            raise self._conflict(path, expected, before, data)
        if now is None:
            self.refuse_twin(path)
        elif now == data and mode is None:
            return None
        else:
            self.objects.put(now)
        self.objects.put(data)
        with self._jail(make=True) as jail:
            check = None if now is None else self._unchanged(jail, path, before, data)
            try:
                jail.write_bytes(path, data, mode=mode, new=now is None, check=check)
            except Conflict as error:
                raise self._conflict(path, expected, self.digest(path), data) from error
        kind = ChangeKind.ADDED if now is None else ChangeKind.MODIFIED
        return FileChange(path, kind, before, digest_of(data))

    def delete(self, path: str, *, expected: str) -> FileChange:
        """Remove a file whose digest is `expected`, and the folders that are empty then. Its bytes are kept."""
        path = usable(path)
        data = self.read(path)
        if digest_of(data) != expected:
            raise self._conflict(path, expected, digest_of(data), None)
        self.objects.put(data)
        with self._jail() as jail:
            self._unchanged(jail, path, expected, None)()
            jail.remove(path)
            _remove_empty(jail, path)
        return FileChange(path, ChangeKind.DELETED, expected, None)

    def rename(self, source: str, target: str, *, expected: str) -> FileChange:
        """Move a file whose digest is `expected` to a free name."""
        source, target = usable(source), usable(target)
        data = self.read(source)
        if digest_of(data) != expected:
            raise self._conflict(source, expected, digest_of(data), None)
        self.refuse_twin(target, moved=source)
        self.objects.put(data)
        with self._jail() as jail:
            jail.move_new(source, target, self._unchanged(jail, source, expected, None))
            _remove_empty(jail, source)
        return FileChange(target, ChangeKind.RENAMED, expected, expected, renamed_from=source)

    def listing(self, folder: str = "") -> list[Listed]:
        """The files below a folder by path, without those that are protected, ignored or odd."""
        folder = usable(folder.rstrip("/")) if folder.rstrip("/") else ""
        with self._jail_if_there() as jail:
            entries = list(_walk(jail, folder)) if jail else []
        return [Listed(entry.path, entry.size) for entry in entries if not entry.problem]

    def twin(self, path: str) -> str | None:
        """A file or folder whose name differs from `path`'s only in case or Unicode form, hence is the same on some disks."""
        with self._jail_if_there() as jail:
            return _twin(jail, path) if jail else None

    def scan(self) -> dict[str, FileState]:
        """Every file of the application by path. Files that have not changed since the last scan are not read again."""
        return self._scan(keep=False)

    def snapshot(self) -> dict[str, FileState]:
        """`scan`, with the bytes of every file kept in `objects`."""
        return self._scan(keep=True)

    def left_out(self) -> tuple[Entry, ...]:
        """What the last scan found and left out (links, odd names, too large), each with its `problem`."""
        return self._odd

    def passed_over(self) -> frozenset[str]:
        """Names of files and folders that the last scan did not look at, because they are protected or ignored."""
        return self._passed

    def sweep(self) -> int:
        """Remove what writes that were cut short left behind, and say how many. Only for a time when nobody writes."""
        with self._jail_if_there() as jail:
            return 0 if jail is None else jail.sweep(skip=lambda name: ignored(name) or protected(name))

    def restore(
        self, files: Mapping[str, Wanted], *, expected: Mapping[str, str] | None = None
    ) -> tuple[FileChange, ...]:
        """Make the folder hold exactly `files`, from kept bytes. What is replaced or removed is kept first.

        `expected` is what the person saw (digest by path): when the folder differs from it, Conflict names the paths in
        `data["paths"]` and nothing is changed. A call that was cut short is made good by calling again.
        """
        now = self.snapshot()
        if expected is not None:
            _refuse_changed(expected, {path: state.digest for path, state in now.items()})
        odd = {fold(entry.path) for entry in self._odd}
        for path, wanted in files.items():
            usable(path)
            if any(fold(path) == one or fold(path).startswith(f"{one}/") for one in odd):
                raise BadInput(f"{path} cannot be restored: a link or something else that is no file is in its place.")
            self._refuse_lost(path, wanted, now.get(path))
        self._refuse_blocked(files, now)
        changes = [self.delete(path, expected=state.digest) for path, state in now.items() if path not in files]
        for path, wanted in sorted(files.items()):
            changes += self._restore_one(path, wanted, now.get(path))
        return tuple(changes)

    def put_back(self, before: Mapping[str, Wanted | None], *, written: Mapping[str, str | None]) -> tuple[str, ...]:
        """Make each file what it was `before` (None: no file) where it still is as it was `written` (None: removed).

        Returns the paths that are neither, or cannot be put back: they stay as they are. A call that was cut short is made
        good by calling again. Raises StorageError.
        """
        now = self.snapshot()
        kept = []
        # Files that go make room first: one may stand where a folder is to be.
        for path in sorted(before, key=lambda path: (before[path] is not None, path)):
            wanted, state = before[path], now.get(path)
            digest = state.digest if state else None
            same = digest == (wanted.digest if wanted else None)
            if same and (wanted is None or state is None or not (wanted.mode ^ state.mode) & 0o100):
                continue
            try:
                if digest != written.get(path):
                    kept += [] if same else [path]
                elif wanted is not None:
                    self._restore_one(path, wanted, state)
                elif state is not None:
                    self.delete(path, expected=state.digest)
            except (Conflict, BadInput, Refused, NotFound):
                kept.append(path)
            except StorageError as error:
                if "digest" not in error.data:  # the disk, not the kept bytes of this one file
                    raise
                kept.append(path)
        return tuple(sorted(kept))

    def _refuse_lost(self, path: str, wanted: Wanted, now: FileState | None) -> None:
        """Raises NotFound or StorageError when the bytes to restore are missing or damaged: before anything is changed."""
        if now is not None and now.digest == wanted.digest:
            return
        if not self.objects.has(wanted.digest):
            raise NotFound(f"The kept text of {path} is missing.", data={"path": path, "digest": wanted.digest})
        self.objects.get(wanted.digest)

    def _refuse_blocked(self, files: Mapping[str, Wanted], now: Mapping[str, FileState]) -> None:
        """Raises BadInput when a folder that holds more than the application's files stands where a file is to be."""
        with self._jail_if_there() as jail:
            for path in files.keys() - now.keys() if jail else ():
                if jail and _is_folder(jail, path) and (left := _left_in(jail, path, now)):
                    raise BadInput(
                        f"{path} cannot be restored: {one_line(left, 120)} is in its place.", hint="Move it away first."
                    )

    def _restore_one(self, path: str, wanted: Wanted, now: FileState | None) -> list[FileChange]:
        executable = bool(wanted.mode & 0o100)
        if now is not None and (now.digest, bool(now.mode & 0o100)) == (wanted.digest, executable):
            return []
        mode = modes.file_mode(executable=executable)
        data = self.objects.get(wanted.digest)
        change = self.write(path, data, expected=now.digest if now else None, mode=mode)
        return [change] if change else []

    def _scan(self, *, keep: bool) -> dict[str, FileState]:
        with self._scanning, self._jail_if_there() as jail:
            passed: set[str] = set()
            entries = list(_walk(jail, "", passed)) if jail else []
            settled = time.time_ns() - _SETTLED_NS
            plain = [entry for entry in entries if not entry.problem]
            states = self._states(jail, plain, keep) if jail else []
            pairs = [(entry, state) for entry, state in zip(plain, states, strict=True) if isinstance(state, FileState)]
            odd = [entry for entry in entries if entry.problem] + [
                state for state in states if isinstance(state, Entry)
            ]
            self._known = {entry.path: (entry, state) for entry, state in pairs if entry.ctime_ns < settled}
            self._odd, self._passed = tuple(odd), frozenset(passed)
            return {entry.path: state for entry, state in pairs}

    def _states(self, jail: Jail, entries: list[Entry], keep: bool) -> list[FileState | Entry | None]:
        """Of each file its state, an entry with its problem, or None when it is gone."""

        def one(entry: Entry) -> FileState | Entry | None:
            try:
                return self._state(jail, entry, keep)
            except NotFound:
                return None
            except BadInput as error:
                return Entry(entry.path, problem=error.message.removeprefix(entry.path).strip())

        if not keep:
            return [one(entry) for entry in entries]
        # The disk syncs several files at once: 1,000 take 0.9 s by four, and 5.4 s one after the other.
        with ThreadPoolExecutor(_KEEPERS) as pool:
            return list(pool.map(one, entries))

    def _state(self, jail: Jail, entry: Entry, keep: bool) -> FileState:
        entry_known, state = self._known.get(entry.path, (None, None))
        if state and entry_known == entry and not (keep and not self.objects.has(state.digest)):
            return state
        data = jail.read_bytes(entry.path, OBJECT_LIMIT)
        name = self.objects.put(data) if keep else digest_of(data)
        return FileState(name, len(data), 0o755 if entry.mode & 0o100 else 0o644)

    def _unchanged(self, jail: Jail, path: str, expected: str | None, data: bytes | None) -> Callable[[], None]:
        def check() -> None:
            try:
                now = digest_of(jail.read_bytes(path, OBJECT_LIMIT))
            except NotFound:
                now = None
            if now != expected:
                raise self._conflict(path, expected, now, data)

        return check

    def _conflict(self, path: str, expected: str | None, actual: str | None, data: bytes | None) -> Conflict:
        ours = None if data is None else self.objects.put(data)
        if expected is None:
            message = f"{path} exists already."
        elif actual is None:
            message = f"{path} is gone since it was read."
        else:
            message = f"{path} has changed since it was read."
        return Conflict(
            message,
            hint="Read it again.",
            data={"path": path, "expected": expected, "actual": actual, "ours": ours},
        )

    def refuse_twin(self, path: str, moved: str = "") -> None:
        """Raises Refused when a new file `path` would be another one on a disk that does not tell case; `moved` may be it."""
        twin = self.twin(path)
        if twin is None or (moved and twin == moved):
            return
        raise Refused(
            f"{one_line(path, 120)} is not written: there is {one_line(twin, 120)}, which is the same name on some disks.",
            hint=f"Use {one_line(twin, 120)}, or rename it first.",
            data={"path": path, "twin": twin},
        )

    def _jail(self, *, make: bool = False) -> Jail:
        if make:
            try:
                modes.make_folder(self.root)
            except OSError as error:
                raise storage_error(error, f"{self.root.name}/", "made") from error
        return Jail(self.root, follow=False, public=True)

    @contextlib.contextmanager
    def _jail_if_there(self) -> Generator[Jail | None]:
        try:
            jail = self._jail()
        except NotFound:
            yield None
            return
        with jail:
            yield jail


def _walk(jail: Jail, folder: str, passed: set[str] | None = None) -> Iterator[Entry]:
    """Files below `folder`; what a tool may not name is passed over (its name goes into `passed`) or comes with its `problem`."""

    def skip(name: str) -> bool:
        skipped = ignored(name) or protected(name)
        if skipped and passed is not None:
            passed.add(name)
        return skipped

    for entry in jail.walk(folder, "", skip=skip):
        reason = "" if entry.problem else reason_against(entry.path)
        yield Entry(entry.path, problem=reason.removeprefix(entry.path).strip()) if reason else entry


def _twin(jail: Jail, path: str) -> str | None:
    folder = ""
    for step in path.split("/"):
        names = jail.names(folder)
        if step not in names:
            same = next((name for name in names if fold(name) == fold(step)), None)
            return None if same is None else f"{folder}/{same}".lstrip("/")
        folder = f"{folder}/{step}".lstrip("/")
    return None


def _is_folder(jail: Jail, path: str) -> bool:
    with contextlib.suppress(BadInput):  # a file stands where one of its folders is to be, and goes first
        found = jail.stat(path)
        return found is not None and stat.S_ISDIR(found.st_mode)
    return False


def _left_in(jail: Jail, folder: str, files: Mapping[str, object]) -> str:
    """What is left of a folder without `files`: itself when none of them is in it; empty when it would go with them."""
    if not any(path.startswith(f"{folder}/") for path in files):
        return folder
    inner = (f"{folder}/{name}" for name in sorted(jail.names(folder)))
    return next((left for one in inner if one not in files and (left := _left_in(jail, one, files))), "")


def _remove_empty(jail: Jail, path: str) -> None:
    folder = path
    while "/" in folder:
        folder = folder.rpartition("/")[0]
        jail.remove_empty_folder(folder)


def _refuse_changed(expected: Mapping[str, str], now: Mapping[str, str]) -> None:
    changed = sorted(path for path in expected.keys() | now.keys() if expected.get(path) != now.get(path))
    if not changed:
        return
    others = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
    raise Conflict(
        f"The application has changed since then: {', '.join(changed[:3])}{others}.",
        hint="Look at the changes, and keep them as a version first.",
        data={"paths": changed},
    )
