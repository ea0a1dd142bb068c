"""Two trees of files compared: what changed, with both texts and a unified diff. Pure but for reading bytes through a function."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from studio.domain.text import clean
from studio.domain.tooling import ChangeKind
from studio.protocol.build_views import FileDiff

TEXT_BYTES = 2_000_000
"""A larger file is shown by its size alone."""
TEXTS_TOTAL = 8_000_000
"""Characters of one answer; files past it come without their texts and are asked for one by one."""
_LINES = 20_000  # above it difflib takes seconds


class Leaf(Protocol):
    """A file of a tree: `FileState` of a folder and `VersionFile` of a version have these."""

    @property
    def digest(self) -> str: ...

    @property
    def size(self) -> int: ...

    @property
    def mode(self) -> int: ...


Tree = Mapping[str, Leaf]
Read = Callable[[str, str], bytes | None]
"""The bytes of a path and digest; None when they are not there any more."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two trees, and how its bytes are read."""

    tree: Tree
    read: Read


@dataclass(frozen=True, slots=True)
class Changed:
    """One path that differs; `renamed_from` is the path of the same bytes before."""

    path: str
    kind: ChangeKind
    before: Leaf | None
    after: Leaf | None
    renamed_from: str = ""


def compare(before: Tree, after: Tree) -> list[Changed]:
    """By path. A file that is gone and one of the same bytes that is new are a renaming."""
    gone: dict[str, list[str]] = {}
    for path in sorted(before.keys() - after.keys()):
        gone.setdefault(before[path].digest, []).append(path)
    found: list[Changed] = []
    for path in sorted(after):
        old, new = before.get(path), after[path]
        if old is None:
            sources = gone.get(new.digest) if new.size else None
            if sources:
                source = sources.pop(0)
                found.append(Changed(path, ChangeKind.RENAMED, before[source], new, source))
            else:
                found.append(Changed(path, ChangeKind.ADDED, None, new))
        elif (old.digest, old.mode) != (new.digest, new.mode):
            found.append(Changed(path, ChangeKind.MODIFIED, old, new))
    found += [Changed(path, ChangeKind.DELETED, before[path], None) for paths in gone.values() for path in paths]
    return sorted(found, key=lambda one: one.path)


def diffs(before: Side, after: Side, path: str | None = None) -> Iterator[FileDiff]:
    """What changed, as views; with `path` that file only (by its old or its new name). Reads bytes: not on the loop."""
    room = TEXTS_TOTAL
    for change in compare(before.tree, after.tree):
        if path is not None and path not in (change.path, change.renamed_from):
            continue
        made = _diff(change, before.read, after.read, room)
        room -= len(made.before or "") + len(made.after or "")
        yield made


def text_of(data: bytes | None) -> str | None:
    """The text of a file's bytes, safe to show; None for what is not UTF-8 text or too long to show."""
    if data is None or len(data) > TEXT_BYTES or b"\0" in data:
        return None
    try:
        return clean(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return None


def language(path: str) -> str:
    """The language of a file by its name, as highlighters call it; empty when unknown."""
    place = PurePosixPath(path)
    return _NAMES.get(place.name.casefold()) or _SUFFIXES.get(place.suffix.casefold(), "")


def _diff(change: Changed, read_before: Read, read_after: Read, room: int) -> FileDiff:
    source = change.renamed_from or change.path
    sizes = [leaf.size for leaf in (change.before, change.after) if leaf and leaf.size <= TEXT_BYTES]
    too_much = bool(sizes) and sum(sizes) > max(room, 0)
    before = None if too_much else _text(change.before, source, read_before)
    after = None if too_much else _text(change.after, change.path, read_after)
    unified, added, removed = "", 0, 0
    if too_much:
        unified = f"{change.path} is not shown here: too much changed at once. Ask for this file alone.\n"
    elif (change.before and before is None) or (change.after and after is None):
        unified = _sizes(change)
    else:
        unified, added, removed = _unified(change, before, after)
    return FileDiff(
        path=change.path,
        change=change.kind.value,
        before=before,
        after=after,
        unified=unified,
        added=added,
        removed=removed,
        renamed_from=change.renamed_from,
    )


def _text(leaf: Leaf | None, path: str, read: Read) -> str | None:
    return text_of(read(path, leaf.digest)) if leaf and leaf.size <= TEXT_BYTES else None


def _sizes(change: Changed) -> str:
    sizes = [f"{leaf.size} bytes" if leaf else "no file" for leaf in (change.before, change.after)]
    return f"{change.path} is not shown as text: {sizes[0]} -> {sizes[1]}.\n"


def _unified(change: Changed, before: str | None, after: str | None) -> tuple[str, int, int]:
    """The diff and how many lines it adds and removes."""
    old, new = _lines(before), _lines(after)
    head = _modes(change)
    if before == after and change.before and change.after:
        same = change.before.digest == change.after.digest
        return head + ("" if same else f"{change.path} differs only in line ends or invisible characters.\n"), 0, 0
    if max(len(old), len(new)) > _LINES:
        return f"{head}{change.path} is too long to compare line by line.\n", len(new), len(old)
    names = (
        f"a/{change.renamed_from or change.path}" if change.before else "/dev/null",
        f"b/{change.path}" if change.after else "/dev/null",
    )
    lines = list(difflib.unified_diff(old, new, *names))
    added = sum(1 for line in lines[2:] if line.startswith("+"))
    removed = sum(1 for line in lines[2:] if line.startswith("-"))
    return head + "".join(_ended(line) for line in lines), added, removed


def _modes(change: Changed) -> str:
    if change.before is None or change.after is None or change.before.mode == change.after.mode:
        return ""
    return f"old mode {change.before.mode:o}\nnew mode {change.after.mode:o}\n"


def _lines(text: str | None) -> list[str]:
    """With their ends; nothing but `\\n` ends a line."""
    parts = (text or "").split("\n")
    return [f"{part}\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


_NAMES = {"dockerfile": "docker", "makefile": "make", ".gitignore": "text"}
_SUFFIXES = {
    ".py": "python", ".js": "javascript", ".mjs": "javascript", ".cjs": "javascript", ".jsx": "jsx", ".ts": "typescript",
    ".tsx": "tsx", ".html": "html", ".htm": "html", ".css": "css", ".scss": "scss", ".json": "json", ".toml": "toml",
    ".yaml": "yaml", ".yml": "yaml", ".md": "markdown", ".sql": "sql", ".sh": "bash", ".svg": "xml", ".xml": "xml",
    ".txt": "text", ".csv": "text", ".go": "go", ".rs": "rust", ".java": "java", ".kt": "kotlin", ".swift": "swift",
    ".rb": "ruby", ".php": "php", ".c": "c", ".h": "c", ".cpp": "cpp", ".vue": "vue", ".ini": "ini", ".cfg": "ini",
}  # fmt: skip
