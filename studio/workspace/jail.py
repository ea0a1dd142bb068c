"""A folder that nothing leads out of: every access goes step by step from an open descriptor and follows no link."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from studio.config import modes
from studio.config.files import TEXT_LIMIT, being_written, decode, is_part, read_handle, replace_at, storage_error
from studio.domain.errors import BadInput, Conflict, NotFound, StudioError
from studio.domain.text import clean, one_line

PROTECTED = frozenset({".studio", ".git", ".env", ".hg", ".svn"})
"""Names that no path may hold, whatever their case: `.GIT` is `.git` on many disks."""

DEPTH_LIMIT = 12
ENTRIES_LIMIT = 50_000

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


@dataclass(frozen=True, slots=True)
class Entry:
    """A file found by `walk`. `problem` says why it cannot be used (a link, not a file, an unusable name), else empty."""

    path: str
    mtime_ns: int = 0
    size: int = 0
    problem: str = ""
    inode: int = 0
    mode: int = 0
    ctime_ns: int = 0


class Jail:
    """A folder and all below it. Paths are relative, with `/`; a context manager that closes its descriptor.

    Raises BadInput for a path that is not one of its own, NotFound, StorageError.
    """

    def __init__(
        self, root: Path, *, protected: frozenset[str] = PROTECTED, follow: bool = True, public: bool = False
    ) -> None:
        """With `follow` False the root itself may not be a link either: it is a folder of something that is trusted less.

        With `public` new files and folders have the modes of the person's umask, also where the process keeps its own private.
        """
        self.root = root
        self._public = public
        self._protected = frozenset(name.casefold() for name in protected)
        try:
            self._handle = os.open(root, _FOLDER if not follow else _FOLDER & ~os.O_NOFOLLOW)
        except FileNotFoundError as error:
            raise NotFound(f"There is no folder {one_line(str(root))}.") from error
        except OSError as error:
            if root.is_symlink():
                raise BadInput(f"{one_line(root.name)}/ is a link, and links are not followed.") from error
            if error.errno == errno.ENOTDIR and root.exists():
                raise BadInput(f"{one_line(root.name)} is no folder, and must be one.") from error
            raise storage_error(error, one_line(str(root)), "opened") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def read_bytes(self, rel: str, limit: int = TEXT_LIMIT) -> bytes:
        with self._parent(rel) as (folder, name), _words(rel, "read"):
            handle = os.open(name, _FILE, dir_fd=folder)
            try:
                return read_handle(handle, limit, rel)
            finally:
                os.close(handle)

    def read_text(self, rel: str, limit: int = TEXT_LIMIT) -> str:
        return decode(self.read_bytes(rel, limit), rel)

    def write_text(
        self,
        rel: str,
        text: str,
        *,
        mode: int | None = None,
        new: bool = False,
        check: Callable[[], None] | None = None,
    ) -> None:
        """Replace a file whole, making its folders. With `new`, raises Conflict when it exists. A link is never written.

        `check` is called last of all, a few microseconds before the file is replaced, and prevents it by raising.
        """
        self._write(rel, text, mode, new, check)

    def write_bytes(
        self,
        rel: str,
        data: bytes,
        *,
        mode: int | None = None,
        new: bool = False,
        check: Callable[[], None] | None = None,
    ) -> None:
        """`write_text` for any bytes."""
        self._write(rel, data, mode, new, check)

    def _write(
        self, rel: str, data: bytes | str, mode: int | None, new: bool, check: Callable[[], None] | None
    ) -> None:
        with self._parent(rel, make=True) as (folder, name), _words(rel, "written"):
            self._refuse_odd(folder, name, rel)
            if mode is None and new and self._public:
                mode = modes.file_mode()
            try:
                replace_at(folder, name, data, mode=mode, new=new, check=check)
            except FileExistsError as error:
                raise Conflict(f"{rel} exists already.") from error

    def exists(self, rel: str) -> bool:
        return self.stat(rel) is not None

    def stat(self, rel: str) -> os.stat_result | None:
        """The state of a file, folder or link itself; None when nothing is there."""
        try:
            with self._parent(rel) as (folder, name):
                return os.stat(name, dir_fd=folder, follow_symlinks=False)
        except (NotFound, OSError):
            return None

    def being_written(self, rel: str) -> bool:
        """Whether another program has the file open for writing, as far as the system tells."""
        try:
            with self._parent(rel) as (folder, name):
                return being_written(name, folder)
        except NotFound:
            return False

    def make_folder(self, rel: str, mode: int = 0o777) -> None:
        with self._parent(rel, make=True) as (folder, name), _words(rel, "made"):
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, mode, dir_fd=folder)
            os.close(os.open(name, _FOLDER, dir_fd=folder))

    def remove(self, rel: str) -> None:
        """Remove a file (or the link itself); nothing happens when there is none."""
        with contextlib.suppress(NotFound), self._parent(rel) as (folder, name), _words(rel, "removed"):
            os.unlink(name, dir_fd=folder)

    def remove_empty_folder(self, rel: str) -> None:
        """Remove a folder if nothing is in it; nothing happens otherwise."""
        with contextlib.suppress(NotFound, OSError), self._parent(rel) as (folder, name):
            os.rmdir(name, dir_fd=folder)

    def rename(self, source: str, target: str) -> None:
        """Move a file to a name that is free. Raises Conflict when it is taken."""
        with (
            self._parent(source) as (from_folder, from_name),
            self._parent(target, make=True) as (to_folder, to_name),
            _words(source, "moved"),
        ):
            with contextlib.suppress(FileNotFoundError):
                os.stat(to_name, dir_fd=to_folder, follow_symlinks=False)
                raise Conflict(f"{target} exists already.")
            os.rename(from_name, to_name, src_dir_fd=from_folder, dst_dir_fd=to_folder)

    def move_new(self, source: str, target: str, check: Callable[[], None]) -> None:
        """`rename` that never replaces, also when `target` appears at the last moment; `check` as in `write_text`."""
        with (
            self._parent(source) as (from_folder, from_name),
            self._parent(target, make=True) as (to_folder, to_name),
            _words(source, "moved"),
        ):
            self._refuse_odd(from_folder, from_name, source)
            check()
            try:
                os.link(from_name, to_name, src_dir_fd=from_folder, dst_dir_fd=to_folder, follow_symlinks=False)
            except FileExistsError as error:
                raise Conflict(f"{target} exists already.") from error
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
                    raise
                os.rename(
                    from_name, to_name, src_dir_fd=from_folder, dst_dir_fd=to_folder
                )  # no hard links on this disk
            else:
                os.unlink(from_name, dir_fd=from_folder)
            os.fsync(to_folder)
            os.fsync(from_folder)

    def names(self, rel: str = "") -> list[str]:
        """The names in a folder, hidden ones too; empty when there is no such folder."""
        try:
            handle = self._open_folder(self._steps(rel)) if rel else os.dup(self._handle)
        except (NotFound, BadInput):
            return []
        try:
            return os.listdir(handle)
        finally:
            os.close(handle)

    def walk(
        self, rel: str = "", suffix: str = ".md", *, skip: Callable[[str], bool] = lambda name: name.startswith(".")
    ) -> Iterator[Entry]:
        """Files below `rel` whose name ends with `suffix`, sorted by folder; protected names and those to `skip` are passed over.

        Links and other oddities come with a `problem`. An empty iterator when there is no such folder.
        """
        try:
            handle = self._open_folder(self._steps(rel)) if rel else os.dup(self._handle)
        except NotFound:
            return
        for count, entry in enumerate(self._walk(handle, rel.strip("/"), suffix, skip, 0)):
            if count >= ENTRIES_LIMIT:
                yield Entry(rel or ".", problem=f"has more than {ENTRIES_LIMIT} files: the rest is not read")
                return
            yield entry

    def sweep(self, rel: str = "", *, skip: Callable[[str], bool] = lambda name: name.startswith(".")) -> int:
        """Remove what writes below `rel` that were cut short left behind, and say how many. Only for a time when nobody writes."""
        entries = list(self.walk(rel, "", skip=lambda name: not is_part(name) and skip(name)))
        left = [entry.path for entry in entries if is_part(entry.path.rpartition("/")[2])]
        for path in left:
            self.remove(path)
        return len(left)

    def _walk(self, handle: int, rel: str, suffix: str, skip: Callable[[str], bool], depth: int) -> Iterator[Entry]:
        try:
            with os.scandir(handle) as listing:
                items = sorted(listing, key=lambda item: item.name)
            for item in items:
                if skip(item.name) or item.name.casefold() in self._protected:
                    continue
                path = f"{rel}/{item.name}".lstrip("/")
                if item.is_dir(follow_symlinks=False):
                    yield from self._walk_below(handle, item.name, path, suffix, skip, depth)
                elif item.name.casefold().endswith(suffix) or item.is_symlink():
                    yield from _entry(item, path, suffix)
        except OSError as error:
            yield Entry(_shown(rel) or ".", problem=storage_error(error, "it", "read").message.removeprefix("it "))
        finally:
            os.close(handle)

    def _walk_below(
        self, handle: int, name: str, path: str, suffix: str, skip: Callable[[str], bool], depth: int
    ) -> Iterator[Entry]:
        if depth >= DEPTH_LIMIT:
            yield Entry(_shown(path), problem=f"lies more than {DEPTH_LIMIT} folders deep and is not read")
            return
        inner = os.open(name, _FOLDER, dir_fd=handle)
        yield from self._walk(inner, path, suffix, skip, depth + 1)

    def _steps(self, rel: str) -> list[str]:
        steps = rel.split("/")
        if not rel or rel.startswith("/") or clean(rel) != rel or "\n" in rel:
            raise BadInput(f"{one_line(rel) or 'An empty path'} is not a path inside the folder.")
        for step in steps:
            if step in ("", ".", ".."):
                raise BadInput(f"{one_line(rel)} is not a path inside the folder.")
            if step.casefold().rstrip(" .") in self._protected:
                raise BadInput(f"{one_line(rel)} is not available: {step} is protected.")
        return steps

    @contextlib.contextmanager
    def _parent(self, rel: str, *, make: bool = False) -> Generator[tuple[int, str]]:
        *folders, name = self._steps(rel)
        handle = self._open_folder(folders, make=make)
        try:
            yield handle, name
        finally:
            os.close(handle)

    def _open_folder(self, steps: list[str], *, make: bool = False) -> int:
        handle = os.dup(self._handle)
        try:
            for step in steps:
                with _words("/".join(steps), "opened"):
                    made = make and _make(step, handle)
                    inner = os.open(step, _FOLDER, dir_fd=handle)
                    if made and self._public:
                        modes.open_folder(inner)
                os.close(handle)
                handle = inner
        except BaseException:
            os.close(handle)
            raise
        return handle

    @staticmethod
    def _refuse_odd(folder: int, name: str, rel: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if not stat.S_ISREG(found.st_mode):
                raise BadInput(f"{rel} is a link or not a file, and is not written.")


def _make(name: str, folder: int) -> bool:
    """Make a folder; False when there is something of that name."""
    try:
        os.mkdir(name, dir_fd=folder)
    except FileExistsError:
        return False
    os.fsync(folder)
    return True


def _entry(item: os.DirEntry[str], path: str, suffix: str) -> Iterator[Entry]:
    shown = _shown(path)
    if shown != path:
        yield Entry(shown, problem="has a name with characters that cannot be shown, and is not read")
    elif item.is_symlink():
        yield Entry(shown, problem="is a link, and links are not followed")
    elif not item.is_file(follow_symlinks=False):
        yield Entry(shown, problem="is not a file")
    else:
        with contextlib.suppress(FileNotFoundError):  # removed since the folder was listed
            found = item.stat(follow_symlinks=False)
            yield Entry(
                path,
                found.st_mtime_ns,
                found.st_size,
                inode=found.st_ino,
                mode=stat.S_IMODE(found.st_mode),
                ctime_ns=found.st_ctime_ns,
            )


def _shown(path: str) -> str:
    return clean(path).replace("\n", " ").replace("\t", " ")


@contextlib.contextmanager
def _words(rel: str, verb: str) -> Generator[None]:
    try:
        yield
    except StudioError:
        raise
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {rel}.") from error
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise BadInput(f"{rel} goes through a link or a file, and links are not followed.") from error
        raise storage_error(error, rel, verb) from error
