"""Finding and reading template files in two folders, of which the project's wins. Judging what they say is not here."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from studio.prompts.source import MAX_BYTES, Source, TemplateError, decode, parse

SUFFIXES = (".md.j2", ".j2", ".prompty")
_FILES_LIMIT = 2_000
"""More files than this below one prompts folder is some other folder linked here by mistake."""
_DEPTH_LIMIT = 8


class Origin(StrEnum):
    PROJECT = "project"
    PACKAGED = "packaged"


@dataclass(frozen=True, slots=True)
class Found:
    """One entry that is named like a template. `signature` changes whenever the file may have; `trouble` says why it is unusable."""

    name: str
    path: Path
    origin: Origin
    signature: tuple[int, ...] = ()
    trouble: str = ""

    @property
    def changed_at(self) -> float:
        """Seconds since the epoch of the last write, rename or change of rights."""
        return max(self.signature[3:5], default=0) / 1e9


def scan(project: Path | None, packaged: Path) -> dict[str, Found]:
    """All templates by name (`story/narration.md.j2`); a file of the project hides the packaged one of the same name."""
    found = {item.name: item for item in _walk(packaged, Origin.PACKAGED)}
    if project is not None:
        found |= {item.name: item for item in _walk(project, Origin.PROJECT)}
    return found


def read(found: Found) -> Source:
    """The parsed file; raises TemplateError."""
    return parse(found.name, read_text(found))


def read_text(found: Found) -> str:
    """The file's text; raises TemplateError for whatever keeps it from being read."""
    if found.trouble:
        raise TemplateError(found.name, 0, found.trouble)
    try:
        with found.path.open("rb") as file:
            return decode(found.name, file.read(MAX_BYTES + 1))
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise TemplateError(found.name, 0, f"the file cannot be read: {reason}") from None


def _walk(root: Path, origin: Origin) -> Iterator[Found]:
    base = os.path.realpath(root)
    outside = origin is Origin.PROJECT and not Path(base).is_relative_to(os.path.realpath(root.parent))
    count = 0
    for folder, folders, files in os.walk(base):
        inside = os.path.relpath(folder, base)
        depth = 0 if inside == "." else inside.count(os.sep) + 1
        named = [name for name in folders if name.endswith(SUFFIXES)]
        linked = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        folders[:] = sorted(set(folders) - set(named)) if depth < _DEPTH_LIMIT else []
        folders[:] = [name for name in folders if not name.startswith(".") and name not in linked]
        for entry in sorted([*named, *(name for name in files if name.endswith(SUFFIXES))]):
            if entry.startswith((".", "#")) or count >= _FILES_LIMIT:
                continue
            count += 1
            name = entry if inside == "." else f"{inside.replace(os.sep, '/')}/{entry}"
            path = Path(folder) / entry
            trouble = "the folder it lies in is a link that leads out of the project"
            yield Found(name, path, origin, (0,), trouble) if outside else _entry(base, path, name, origin)


def _entry(base: str, path: Path, name: str, origin: Origin) -> Found:
    try:
        # Folders that are links are not walked, so only the file itself can lead elsewhere.
        if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(base):
            return Found(name, path, origin, (0,), "it is a link that leads out of the prompts folder")
        status = path.stat()
    except OSError as error:
        return Found(
            name, path, origin, (1,), f"the file cannot be read: {(error.strerror or 'unknown reason').lower()}"
        )
    signature = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_mode)
    if stat.S_ISDIR(status.st_mode):
        return Found(name, path, origin, signature, "it is a folder, not a file")
    if not stat.S_ISREG(status.st_mode):
        return Found(name, path, origin, signature, "it is not an ordinary file")
    if status.st_size > MAX_BYTES:
        return Found(name, path, origin, signature, f"the file is larger than {MAX_BYTES // 1024} KB")
    return Found(name, path, origin, signature)
