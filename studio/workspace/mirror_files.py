"""The files below `manuscript/`: finding them, writing them whole, keeping texts that could not be taken over."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from studio.config.files import decode
from studio.domain.errors import Conflict, NotFound, StorageError, StudioError
from studio.domain.text import digest
from studio.workspace.jail import Entry, Jail
from studio.workspace.mirror import FOLDER, conflict_path, is_conflict

FILE_LIMIT = 2_000_000

_ID = re.compile(r"""^id:[ \t]*["']?([0-9A-Za-z-]{1,60})["']?[ \t]*$""", re.MULTILINE)
_HEAD = 4_000
"""Characters in which the id stands; a real YAML reader would cost 0.7 ms for each of 10,000 files."""


@dataclass(frozen=True, slots=True)
class MirrorFile:
    """A file of the mirror. `digest` is that of its text; `page_id` is None without front matter; `problem` says why it is unread.

    `busy`: another program is writing it, so that half a text may stand there.
    """

    path: str
    page_id: str | None
    digest: str
    mtime_ns: int
    problem: str = ""
    busy: bool = False


class MirrorFolder:
    """The mirror of the project at `root`. Paths are relative to the project. Not for two threads at once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[str, tuple[tuple[int, int, int], MirrorFile]] = {}

    def scan(self) -> tuple[MirrorFile, ...]:
        """All files but those that keep conflicts, by path; only files with a new time, size or inode are read."""
        found: dict[str, tuple[tuple[int, int, int], MirrorFile]] = {}
        with Jail(self._root) as jail:
            for entry in jail.walk(FOLDER):
                if is_conflict(entry.path):
                    continue
                stamp = (entry.mtime_ns, entry.size, entry.inode)
                known = self._known.get(entry.path)
                usable = known and known[0] == stamp and not entry.problem and not known[1].busy
                file = known[1] if known and usable else _look(jail, entry)
                found[entry.path] = (stamp, file)
        self._known = found
        return tuple(file for _, (_, file) in sorted(found.items()))

    def conflicts(self) -> tuple[str, ...]:
        """The files that keep texts of conflicts, by path."""
        with Jail(self._root) as jail:
            return tuple(entry.path for entry in jail.walk(FOLDER) if is_conflict(entry.path))

    def sweep(self) -> int:
        """Remove what writes that were cut short left behind, and say how many. Only for a time when nobody writes."""
        with Jail(self._root) as jail:
            return jail.sweep(FOLDER)

    def read(self, rel: str) -> str:
        """The text of a file. Raises NotFound, BadInput or StorageError."""
        with Jail(self._root) as jail:
            return jail.read_text(rel, FILE_LIMIT)

    def holds(self, path: Path, text_digest: str | None) -> bool:
        """Whether the file at `path` has a text of this digest, and no other program is writing it."""
        if text_digest is None or not path.is_relative_to(self._root):
            return False
        with Jail(self._root) as jail:
            return _digest_there(jail, path.relative_to(self._root).as_posix()) == text_digest

    def write(self, rel: str, text: str, *, over: Collection[str] | None = None) -> str:
        """Replace a file whole; the digest that `scan` will give for it.

        With `over`, only a file whose text has one of these digests is replaced (or one that holds `text` already): Conflict is
        raised for any other, and for one that another program is writing.
        """
        with Jail(self._root) as jail:

            def check() -> None:
                found = _digest_there(jail, rel)
                if found is not None and found not in (digest(text), *(over or ())):
                    raise Conflict(f"{rel} has changed.")

            jail.write_text(rel, text, check=None if over is None else check)
        return digest(text)

    def set_aside(self, rel: str) -> str:
        """Give the file `rel` the first free name of a conflict beside it, whatever it holds, and return that."""
        with Jail(self._root) as jail:
            for number in range(1, 1_000):
                path = conflict_path(rel, number)
                try:
                    jail.rename(rel, path)
                except Conflict:
                    continue
                return path
        raise _crowded(rel)

    def remove(self, rel: str) -> None:
        """Remove a file, and its chapter's folder when that is empty then."""
        with Jail(self._root) as jail:
            jail.remove(rel)
            jail.remove_empty_folder(rel.rpartition("/")[0])

    def rename(self, rel: str, target: str) -> None:
        """Move a file to a free name. Raises NotFound, or Conflict when the name is taken."""
        with Jail(self._root) as jail:
            jail.rename(rel, target)
            jail.remove_empty_folder(rel.rpartition("/")[0])

    def keep_conflict(self, rel: str, text: str) -> str:
        """Keep a text beside the file `rel` under the first free name, and return that."""
        with Jail(self._root) as jail:
            for number in range(1, 1_000):
                path = conflict_path(rel, number)
                try:
                    jail.write_text(path, text, new=True)
                except Conflict:
                    continue
                return path
        raise _crowded(rel)


def _crowded(rel: str) -> StorageError:
    return StorageError(f"{rel} has a thousand conflict files beside it.", hint="Look through them and remove some.")


def duplicates(files: Iterable[MirrorFile]) -> dict[str, tuple[str, ...]]:
    """Page ids that more than one file carries (a copy made by hand), with their paths."""
    paths: dict[str, list[str]] = {}
    for file in files:
        if file.page_id:
            paths.setdefault(file.page_id, []).append(file.path)
    return {page: tuple(found) for page, found in paths.items() if len(found) > 1}


def _look(jail: Jail, entry: Entry) -> MirrorFile:
    if entry.problem:
        return MirrorFile(entry.path, None, "", entry.mtime_ns, entry.problem)
    try:
        text = decode(jail.read_bytes(entry.path, FILE_LIMIT), entry.path)
    except StudioError as error:
        return MirrorFile(entry.path, None, "", entry.mtime_ns, error.message)
    return MirrorFile(entry.path, _page_id(text), digest(text), entry.mtime_ns, busy=jail.being_written(entry.path))


def _digest_there(jail: Jail, rel: str) -> str | None:
    """The digest of the file as it stands, None when there is none, empty when it cannot be read or is being written."""
    try:
        text = jail.read_text(rel, FILE_LIMIT)
        return "" if jail.being_written(rel) else digest(text)
    except NotFound:
        return None
    except StudioError:
        return ""


def _page_id(text: str) -> str | None:
    head = text[:_HEAD].replace("\r\n", "\n")
    if not head.startswith("---\n"):
        return None
    match = _ID.search(head, 4, max(head.find("\n---", 3), 4))
    return match[1] if match else None
